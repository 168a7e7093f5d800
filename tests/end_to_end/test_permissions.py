"""A permission that a template lacks is missed here, not on AWS: the step fails, and says who may not do what."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import instance
from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run
from tests.end_to_end.conftest import CommandLine

STACK = "genomics-secondary.template.json"


def without(template: dict[str, Any], role: str, action: str) -> None:
    """Take an action out of the policies whose logical id begins with the role's."""
    taken = 0
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith(role):
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                if action in actions:
                    statement["Action"] = [each for each in actions if each != action]
                    taken += 1
    assert taken == 1


@pytest.fixture(scope="module")
def crippled(cloud_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line, pointed at an embedded AWS whose align job may not write objects."""
    assembly = tmp_path_factory.mktemp("crippled") / "cdk.out"
    shutil.copytree(cloud_assembly, assembly)
    template = json.loads((assembly / STACK).read_text())
    without(template, "AlignRole", "s3:PutObject")
    (assembly / STACK).write_text(json.dumps(template))
    data = tmp_path_factory.mktemp("crippled-data")
    running = instance.start(data, 0, assembly)
    yield CommandLine(running, tmp_path_factory.mktemp("crippled-command-line"))
    instance.stop(data)


@pytest.fixture(scope="module")
def one_sample(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """A single small sample."""
    made = make_sequencing_run(tmp_path_factory.mktemp("one-sample"), seed=11, contigs={"chrA": 6_000})
    lines = made.sheet.read_text().splitlines()
    made.sheet.write_text("\n".join([lines[0], *(line for line in lines[1:] if ",DEMO-2," in line)]) + "\n")
    return made


def test_a_step_whose_role_lacks_a_permission_fails_with_role_action_and_resource(
    crippled: CommandLine, one_sample: SequencingRun, output: Path
) -> None:
    outcome = crippled.analyse(one_sample.sheet, one_sample.reference, output)

    assert outcome.status != 0
    assert "Traceback" not in outcome.errors
    line = outcome.last_line
    for word in ("DEMO-2", "align", "AccessDenied", "AlignRole", "s3:PutObject", "arn:aws:s3:::genomics-storage-seq"):
        assert word in line, line

    entries = [json.loads(text) for text in (crippled.instance.data / "requests.jsonl").read_text().splitlines()]
    denied = [entry for entry in entries if any("denied" in access for access in entry["accesses"])]
    reasons = {
        (entry["role"].split("-")[2][:9], access["action"], access["denied"])
        for entry in denied
        for access in entry["accesses"]
        if "denied" in access
    }
    assert reasons == {("AlignRole", "s3:PutObject", "because no identity-based policy allows the s3:PutObject action")}
    assert {entry["status"] for entry in denied} == {403}
    # A denial is no reason to try again: one job, of one attempt.
    align = [job for job in crippled.batch_jobs().values() if "Align" in job["jobDefinition"]]
    assert [len(job["attempts"]) for job in align] == [1]
