"""What `genomics images` builds, from which folder, under which name; and what it says where it cannot."""

import json
import stat
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from genomics.contracts.steps import Step
from genomics_cli.cloud import Cloud
from genomics_cli.errors import UserError
from genomics_cli.image_builds import (
    ImageBuild,
    Repositories,
    build,
    choose_builder,
    find_builds,
    labs_registry,
    push,
)

# A builder that writes down what it is asked for, and fails for the tool `broken`.
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "{calls}"
case "$*" in
  *broken*) echo "E: Version '1.0' for 'fastp' was not found"; exit 100;;
  login*) cat > "{calls}.password";;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the calls of a fake buildah, which is the only builder on the PATH, are written."""
    folder, written = tmp_path / "bin", tmp_path / "calls"
    folder.mkdir()
    program = folder / "buildah"
    program.write_text(FAKE.format(calls=written))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return written


@pytest.fixture
def fastp(tmp_path: Path) -> ImageBuild:
    """A build whose folder stands below the test's own."""
    return ImageBuild("fastp", "abc123", tmp_path / "asset.abc123")


def test_every_tool_is_built_from_what_the_stacks_publish_under_the_tag_that_its_jobs_have(cloud_assembly):
    builds = {each.tool: each for each in find_builds(cloud_assembly)}
    assert set(builds) == {*(step.value for step in Step), "archive_study"}
    template = json.loads((cloud_assembly / "genomics-secondary.template.json").read_text())
    definitions = [r for r in template["Resources"].values() if r["Type"] == "AWS::Batch::JobDefinition"]
    for definition in definitions:
        container = definition["Properties"]["ContainerProperties"]
        tool = container["LogConfiguration"]["Options"]["awslogs-stream-prefix"]
        assert f":{builds[tool].identity}" in json.dumps(container["Image"])
        assert builds[tool].dockerfile.is_file()
    assert labs_registry(cloud_assembly, list(builds.values())) is None


def test_named_tools_only_are_built_and_an_unknown_one_is_refused(cloud_assembly):
    assert [each.tool for each in find_builds(cloud_assembly, ["fastp", "align"])] == ["align", "fastp"]
    with pytest.raises(UserError, match=r"there is no tool 'bowtie'; there are align, annotate, "):
        find_builds(cloud_assembly, ["bowtie"])


def test_the_labs_own_registry_is_read_from_the_stacks(tmp_path, fastp):
    image = {"ContainerProperties": {"Image": "registry.example.org/tools/fastp:abc123"}}
    template = {"Resources": {"Job": {"Type": "AWS::Batch::JobDefinition", "Properties": image}}}
    (tmp_path / "lab-secondary.template.json").write_text(json.dumps(template))
    assert labs_registry(tmp_path, [fastp]) == "registry.example.org/tools"


def test_buildah_builds_where_docker_does_not_answer(calls, fastp, tmp_path):
    builder = choose_builder()
    assert builder == "buildah"
    name = fastp.named("registry.example.org/tools")
    build(fastp, name, builder=builder, base="mirror.example.org/debian", log=tmp_path / "log")
    push(name, builder=builder, log=tmp_path / "log")
    _version, built, pushed = calls.read_text().splitlines()
    assert built == (
        "buildah build --format docker --platform linux/amd64 --build-arg BASE=mirror.example.org/debian "
        f"--tag registry.example.org/tools/fastp:abc123 --file {fastp.dockerfile} {fastp.context}"
    )
    assert pushed == "buildah push registry.example.org/tools/fastp:abc123"


def test_a_failed_build_is_one_line_and_where_the_rest_is(calls, tmp_path):
    broken, log = ImageBuild("broken", "abc123", tmp_path), tmp_path / "images.log"
    with pytest.raises(UserError) as failed:
        build(broken, broken.named("genomics"), builder="buildah", base=None, log=log)
    expected = f"broken cannot be built: E: Version '1.0' for 'fastp' was not found (all of it: {log})"
    assert str(failed.value) == expected


def test_without_a_builder_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="neither docker nor buildah works here; install one"):
        choose_builder()
    with pytest.raises(UserError, match="docker is not installed, or its engine does not answer"):
        choose_builder("docker")


@pytest.fixture
def repositories(monkeypatch):
    """Those of the deployment `genomics`, in a mocked ECR that holds one image of fastp."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        ecr = boto3.client("ecr")
        for name in ("other/fastp", "genomics/align", "genomics/fastp"):
            ecr.create_repository(repositoryName=name)
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": "sha256:0"}}
        ecr.put_image(repositoryName="genomics/fastp", imageManifest=json.dumps(manifest), imageTag="abc123")
        yield Repositories(Cloud(boto3.Session()), "genomics")


def test_images_that_are_in_ecr_are_known_and_the_builder_is_let_in(repositories, fastp, calls):
    assert repositories.registry() == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/genomics"
    assert repositories.has(fastp)
    assert not repositories.has(ImageBuild("fastp", "another", fastp.context))
    assert not repositories.has(ImageBuild("align", "abc123", fastp.context))
    repositories.log_in("buildah")
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert calls.read_text().startswith(f"buildah login --username AWS --password-stdin {host}")
    assert Path(f"{calls}.password").read_text()


def test_where_nothing_is_deployed_there_is_nothing_to_push_to(repositories):
    with pytest.raises(UserError, match=r"no repository trial/\.\.\. is in this account and region; deploy"):
        Repositories(Cloud(boto3.Session()), "trial").registry()
