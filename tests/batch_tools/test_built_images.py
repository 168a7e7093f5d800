"""Every tool's image, built from what the stacks publish and run as Batch would, without a container engine."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from genomics_cli.image_builds import ImageBuild, build, find_builds

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
# Not those for production only, whose sources are out of reach here, nor what no stack publishes yet.
LEFT_OUT = {"annotate_vep", "scan_delivery"}
TOOLS = sorted({path.parent.name for path in (ROOT / "batch_tools").glob("*/Dockerfile")} - LEFT_OUT)
BASE = "localhost/genomics-base"
# How the machine that builds finds its packages is its own affair; these are what says so.
OF_THE_MACHINE = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
# Debian's version of a program, and the version that it prints.
UPSTREAM = re.compile(r"^(?:\d+:)?([\d.]+)")
VERSIONS = """
import contextlib, importlib, json
from batch_tools.tool_runtime.versions import tool_versions
programs = set(importlib.import_module("batch_tools.{tool}.{tool}").PROGRAMS)
with {within}:
    print(json.dumps(tool_versions(programs - {{"vep"}})))  # which is in an image for production only
"""
# What a tool's command line starts its programs in.
WITHIN = {"coverage": 'importlib.import_module("batch_tools.coverage.htslib").findable_htslib()'}


def buildah(*words: str) -> str:
    """What a buildah command prints; it must succeed."""
    done = subprocess.run(["buildah", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian of the Dockerfiles' own release, made of packages, since no registry of images is needed to build."""
    missing = [name for name in ("buildah", "mmdebstrap") if not shutil.which(name)]
    if missing or os.geteuid():
        pytest.skip("building images without an engine takes root, buildah and mmdebstrap (apt-get install them)")
    archive = tmp_path_factory.mktemp("base") / "base.tar"
    release = re.search(r"debian:(\w+)-", (ROOT / "batch_tools" / TOOLS[0] / "Dockerfile").read_text())
    assert release
    sources = [f"deb http://deb.debian.org/debian {release[1]} main"]
    sources.append(f"deb http://deb.debian.org/debian-security {release[1]}-security main")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", release[1], str(archive)]
    subprocess.run([*command, *sources], check=True)
    container = buildah("from", "scratch")
    buildah("add", container, str(archive), "/")
    for name in OF_THE_MACHINE:
        if Path(name).is_file():
            buildah("copy", container, str(Path(name).resolve()), name)
    buildah("commit", "--rm", container, BASE)
    return BASE


@pytest.fixture
def container(tool: str, base: str, cloud_assembly: Path, tmp_path: Path) -> Iterator[str]:
    """A container of the tool's image, which is built for it."""
    (each,) = find_builds(cloud_assembly, [tool])
    assert isinstance(each, ImageBuild)
    name = each.named("localhost/genomics")
    build(each, name, builder="buildah", base=base, log=tmp_path / "log")
    made = buildah("from", "--pull-never", name)
    yield made
    buildah("rm", made)
    buildah("rmi", name)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_image_starts_its_tool_as_an_ordinary_user_with_the_programs_that_are_pinned(tool, container):
    dockerfile = (ROOT / "batch_tools" / tool / "Dockerfile").read_text()
    entrypoint = re.search(r'ENTRYPOINT \["(.*)"\]', dockerfile)
    assert entrypoint
    usage = buildah("run", container, "--", *entrypoint[1].split('", "'), "--help")
    assert usage.startswith(f"usage: batch_tools.{tool}.cli")
    assert buildah("run", container, "--", "id", "-u") == "1000"
    buildah("run", container, "--", "sh", "-c", "touch /scratch/x && ! touch /app/x 2>/dev/null")

    if tool != "archive_study":  # it starts no program
        pinned = dict(re.findall(r"^ +([a-z0-9.-]+)=(\S+) \\$", dockerfile, re.MULTILINE))
        within = WITHIN.get(tool, "contextlib.nullcontext()")
        printed = buildah("run", container, "--", "python3", "-c", VERSIONS.format(tool=tool, within=within))
        for program, version in json.loads(printed).items():
            upstream = UPSTREAM.match(pinned.get(program, version))
            assert upstream
            assert version.startswith(upstream[1].rstrip(".")), f"{program} {version}, not {pinned[program]}"
