"""The app as a whole: what it deploys, in which order, and what it offers to those outside."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from genomics.contracts.deployment import OPTIONAL_STACKS, STACKS, Deployment, output_name, stack_name

ROOT = Path(__file__).resolve().parents[1]

# Literal names, and why they are given.
NAMED = {
    ("AWS::Athena::WorkGroup", "Name"): "Athena makes up no name",
    ("AWS::Athena::NamedQuery", "Name"): "a title",
    ("AWS::Glue::Job", "Name"): "people and notebooks start it by its name; it begins with the project",
    ("AWS::IAM::Policy", "PolicyName"): "of an inline policy, unique within its role only",
    ("AWS::Glue::SecurityConfiguration", "Name"): "made up by the CDK from the construct's path",
    ("AWS::Logs::ResourcePolicy", "PolicyName"): "made up by the CDK from the construct's path",
    ("AWS::StepFunctions::Activity", "Name"): "made up by the CDK from the construct's path",
    ("AWS::SNS::Topic", "DisplayName"): "a title",
    ("AWS::CloudWatch::Alarm", "MetricName"): "AWS's own metric",
    ("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName"): "must be given; it begins with the project",
    ("AWS::ECR::Repository", "RepositoryName"): "who pushes images has to know it; it begins with the project",
}


def templates(assembly: Path) -> dict[str, dict[str, Any]]:
    """Templates by stack name."""
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in assembly.glob("*.template.json")
    }


def test_the_stacks_are_the_contracts(cloud_assembly: Path) -> None:
    always = {stack_name("genomics", stack) for stack in STACKS if stack not in OPTIONAL_STACKS}
    assert always <= set(templates(cloud_assembly)) <= {stack_name("genomics", stack) for stack in STACKS}


def test_stacks_depend_upstream_only(cloud_assembly: Path) -> None:
    manifest = json.loads((cloud_assembly / "manifest.json").read_text())
    for place, stack in enumerate(STACKS):
        if artifact := manifest["artifacts"].get(stack_name("genomics", stack)):
            needed = {name for name in artifact["dependencies"] if not name.endswith(".assets")}
            assert needed <= {stack_name("genomics", earlier) for earlier in STACKS[:place]}


def test_every_field_of_a_deployment_is_one_stacks_output(cloud_assembly: Path) -> None:
    outputs = [name for template in templates(cloud_assembly).values() for name in template.get("Outputs", {})]
    for field in fields(Deployment):
        assert outputs.count(output_name(field.name)) in ((1,) if field.default is MISSING else (0, 1)), field.name


def test_only_what_must_be_named_is_named(cloud_assembly: Path) -> None:
    named = {
        (resource["Type"], name)
        for template in templates(cloud_assembly).values()
        for resource in template["Resources"].values()
        for name, value in resource.get("Properties", {}).items()
        if name.endswith("Name") and isinstance(value, str)
    }
    assert named == set(NAMED)


def test_stacks_that_hold_data_cannot_be_deleted_by_a_slip(cloud_assembly: Path) -> None:
    manifest = json.loads((cloud_assembly / "manifest.json").read_text())
    stacks = {n: a for n, a in manifest["artifacts"].items() if a["type"] == "aws:cloudformation:stack"}
    assert len(stacks) == len(templates(cloud_assembly))
    for name, stack in stacks.items():
        assert stack["properties"]["terminationProtection"] is True
        assert stack["properties"]["tags"] == {"project": "genomics", "stage": name.removeprefix("genomics-")}


def test_a_bad_setting_stops_synthesis_with_one_line(cdk_synth: Any, tmp_path: Path) -> None:
    ended = cdk_synth(tmp_path / "cdk.out", {"max_vcpus": "many"})
    assert ended.returncode != 0
    assert not (tmp_path / "cdk.out" / "manifest.json").exists()
    said = [line for line in ended.stderr.splitlines() if line.startswith("settings: ")]
    assert said == [
        "settings: max_vcpus (GENOMICS_MAX_VCPUS) cannot be 'many';"
        " allowed: a whole number, 1 to 100000, enough for every tool"
    ]
    assert "Traceback" not in ended.stderr


def test_the_app_only_wires() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) < 100
