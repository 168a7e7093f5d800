import os
from pathlib import Path

import pytest

from genomics_cli.cloud_assembly import deployment_key, source_key, synthesize
from genomics_cli.errors import UserError

# Plays the CDK CLI: writes what it was told into the assembly.
_CDK = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --output ] && output=$2; shift; done
env > environment
[ -f fault ] && { cat fault >&2; exit 1; }
echo "$GENOMICS_PROJECT" > "$output/manifest.json"
echo . >> synthesized
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "stacks").mkdir(parents=True)
    (root / "stacks/lake.py").write_text("LAKE = 1\n")
    (root / "app.py").write_text("APP = 1\n")
    cdk = root / "node_modules/.bin/cdk"
    cdk.parent.mkdir(parents=True)
    cdk.write_text(_CDK)
    cdk.chmod(0o755)
    return root


def _synthesize(root: Path, data: Path, project: str = "genomics", **environment: str) -> Path:
    where = {"PATH": os.environ["PATH"], **environment}
    return synthesize(data, project=project, progress=lambda _: None, root=root, environment=where)


def _times(root: Path) -> int:
    return (root / "synthesized").read_text().count(".")


def test_the_same_sources_are_synthesized_once(root: Path, tmp_path: Path) -> None:
    first, second = (_synthesize(root, tmp_path / "data") for _ in range(2))
    assert first == second
    assert (first / "manifest.json").read_text() == "genomics\n"
    assert _times(root) == 1


@pytest.mark.parametrize("name", ["app.py", "stacks/lake.py", "stacks/new.py", "cdk.json"])
def test_a_changed_source_is_synthesized_again(root: Path, tmp_path: Path, name: str) -> None:
    before = _synthesize(root, tmp_path / "data")
    (root / name).write_text("CHANGED = 1\n")
    assert _synthesize(root, tmp_path / "data") != before


def test_a_changed_setting_is_synthesized_again(root: Path, tmp_path: Path) -> None:
    before = _synthesize(root, tmp_path / "data")
    assert _synthesize(root, tmp_path / "data", GENOMICS_MAX_VCPUS="8") != before
    other = _synthesize(root, tmp_path / "data", project="lab")
    assert (other / "manifest.json").read_text() == "lab\n"
    assert _synthesize(root, tmp_path / "data", GENOMICS_DATA="/elsewhere", HOME="/home") == before


def test_account_and_region_are_those_of_the_embedded_aws(root: Path, tmp_path: Path) -> None:
    before = _synthesize(root, tmp_path / "data")
    elsewhere = {"GENOMICS_ACCOUNT": "210987654321", "GENOMICS_REGION": "eu-central-1"}
    assert _synthesize(root, tmp_path / "data", **elsewhere) == before
    _synthesize(root, tmp_path / "data", project="lab", **elsewhere)
    seen = (root / "environment").read_text()
    assert "GENOMICS_PROJECT=lab\n" in seen
    assert "GENOMICS_ACCOUNT" not in seen
    assert "GENOMICS_REGION" not in seen


def test_synthesis_asks_no_metadata_service(root: Path, tmp_path: Path) -> None:
    _synthesize(root, tmp_path / "data")
    assert "AWS_EC2_METADATA_DISABLED=true\n" in (root / "environment").read_text()


def test_an_instance_is_made_from_the_embedded_aws_too(root: Path) -> None:
    (root / "embedded_aws").mkdir()
    (root / "embedded_aws/server.py").write_text("SERVER = 1\n")
    before = [key(project="p", root=root, environment={}) for key in (source_key, deployment_key)]
    (root / "embedded_aws/server.py").write_text("SERVER = 2\n")
    after = [key(project="p", root=root, environment={}) for key in (source_key, deployment_key)]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_an_assembly_that_another_command_made_meanwhile_stays(root: Path, tmp_path: Path) -> None:
    assembly = tmp_path / "data/assemblies" / source_key(project="genomics", root=root, environment={})
    cdk = root / "node_modules/.bin/cdk"
    cdk.write_text(_CDK + f"mkdir {assembly}; echo theirs > {assembly}/manifest.json\n")
    assert _synthesize(root, tmp_path / "data") == assembly
    assert (assembly / "manifest.json").read_text() == "theirs\n"
    assert list((tmp_path / "data/assemblies").iterdir()) == [assembly]


def test_what_python_and_the_cli_leave_behind_is_no_source(root: Path) -> None:
    before = source_key(project="p", root=root, environment={})
    (root / "stacks/__pycache__").mkdir()
    (root / "stacks/__pycache__/lake.pyc").write_bytes(b"x")
    (root / "cdk.context.json").write_text("{}\n")
    assert source_key(project="p", root=root, environment={}) == before
    (root / "cdk.context.json").write_text('{"zone": "a"}\n')
    assert source_key(project="p", root=root, environment={}) != before


def test_a_failed_synthesis_says_why_and_leaves_nothing(root: Path, tmp_path: Path) -> None:
    (root / "fault").write_text("Traceback\nSettingsError: max_vcpus is -1\napp.py: Subprocess exited with error 1\n")
    with pytest.raises(
        UserError, match=r"^cdk synth failed: SettingsError: max_vcpus is -1 \(all of it: .*synth\.log\)$"
    ):
        _synthesize(root, tmp_path / "data")
    assert list((tmp_path / "data/assemblies").iterdir()) == []
    (root / "fault").unlink()
    _synthesize(root, tmp_path / "data")


def test_only_the_latest_assemblies_are_kept(root: Path, tmp_path: Path) -> None:
    made = [_synthesize(root, tmp_path / "data", project=f"p{number}") for number in range(5)]
    assert set((tmp_path / "data/assemblies").iterdir()) == set(made[2:])


def test_what_is_not_installed_is_said(root: Path, tmp_path: Path) -> None:
    (root / "node_modules/.bin/cdk").unlink()
    with pytest.raises(UserError, match="`make setup` installs it"):
        _synthesize(root, tmp_path / "data")
    with pytest.raises(UserError, match="holds no CDK app"):
        _synthesize(tmp_path, tmp_path / "data")
