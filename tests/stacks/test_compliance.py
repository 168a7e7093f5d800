"""cdk-nag's AwsSolutions pack and cfn-lint find nothing that is not acknowledged, narrowly and with a reason."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from genomics.contracts.deployment import OPTIONAL_STACKS, STACKS

ROOT = Path(__file__).resolve().parents[2]


def test_cdk_nag_has_no_unacknowledged_finding(assembly: Any) -> None:
    assert assembly.violations == []


def test_every_acknowledgment_matches_a_finding(compliance: Any) -> None:
    # The CDK's own validation reports its rules without the name under which they are acknowledged.
    unmatched = {
        (path, rule)
        for path, rule in compliance.acknowledged
        if not any(
            found.startswith(f"{path}/") and rule.removeprefix("CloudFormation-Validate::") == name
            for found, name in compliance.findings
        )
    }
    assert unmatched == set()


def test_cdk_nag_really_looked(compliance: Any) -> None:
    rules = {rule for _, rule in compliance.findings}
    assert any(rule.startswith("AwsSolutions-IAM5[Action::s3:") for rule in rules)
    assert any(rule.startswith("AwsSolutions-IAM4[Policy::") for rule in rules)


def test_nothing_is_acknowledged_for_a_whole_stack(compliance: Any) -> None:
    assert [path for path, _ in compliance.acknowledged if "/" not in path] == []


def test_wildcards_are_acknowledged_one_by_one_and_with_a_reason(compliance: Any) -> None:
    for (path, rule), reason in compliance.acknowledged.items():
        if rule.startswith(("AwsSolutions-IAM4", "AwsSolutions-IAM5")):
            assert rule.endswith("]"), f"{path} acknowledges all of {rule}"
        assert len(reason.split()) >= 5, f"{path}: {rule} has no reason that explains"


def test_cfn_lint_has_no_unacknowledged_finding(assembly: Any) -> None:
    templates = sorted(str(path) for path in assembly.directory.glob("*.template.json"))
    assert len(templates) >= len(set(STACKS) - set(OPTIONAL_STACKS))
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--config-file", ".cfnlintrc.yaml", "--", *templates],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (ended.stdout, ended.returncode) == ("", 0)
