"""All tools have the same shape; what their images install is what was tested."""

import re
import tomllib
from pathlib import Path

import pytest

from genomics.contracts.steps import Step

ROOT = Path(__file__).parents[2]
# What a study or a delivery needs, and no analysis.
TOOLS = [*(step.value for step in Step), "archive_study", "scan_delivery"]
# Images that cannot be built everywhere, of a tool's own code.
PRODUCTION_ONLY = {"annotate_vep": "annotate"}


def dockerfile(tool: str) -> str:
    return (ROOT / "batch_tools" / tool / "Dockerfile").read_text()


def packages(tool: str) -> dict[str, str]:
    return dict(re.findall(r"^ +([a-z0-9.-]+)=(\S+) \\$", dockerfile(tool), re.MULTILINE))


def test_every_step_has_a_tool_and_every_tool_is_listed():
    folders = {path.parent.name for path in (ROOT / "batch_tools").glob("*/Dockerfile")}
    assert folders == {*TOOLS, *PRODUCTION_ONLY}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_has_all_its_parts(tool):
    folder = ROOT / "batch_tools" / tool
    for name in ("__init__.py", "cli.py", f"{tool}.py", "Dockerfile", "README.md"):
        assert (folder / name).is_file()
    readme = (folder / "README.md").read_text()
    for word in ("**Does**", "**In**", "**Out**", "**Versions**"):
        assert word in readme


@pytest.mark.parametrize("tool", TOOLS)
def test_the_image_starts_the_tool_as_an_ordinary_user(tool):
    text = dockerfile(tool)
    assert text.endswith(f'USER 1000:1000\nENTRYPOINT ["python3", "-m", "batch_tools.{tool}.cli"]\n')
    assert re.search(r"^ARG BASE=debian:bookworm-\d{8}-slim$", text, re.MULTILINE)


@pytest.mark.parametrize("tool", TOOLS)
def test_dockerfiles_differ_in_title_and_programs_only(tool):
    def common(text: str) -> list[str]:
        java = "default-jre-headless|libsnpeff-java|picard-tools"
        programs = f"bwa|minimap2|samtools|bcftools|fastp|freebayes|libhts3|mosdepth|clamav-daemon|{java}"
        own = re.compile(rf"image\.(title|description)|^ENTRYPOINT|own_requirements|^ +({programs})=")
        return [line for line in text.splitlines() if not own.search(line)]

    assert common(dockerfile(tool)) == common(dockerfile("fastp"))


@pytest.mark.parametrize(("image", "tool"), PRODUCTION_ONLY.items())
def test_an_image_for_production_only_is_its_tools_with_one_program_more_and_says_so(image, tool):
    own, other = dockerfile(image).splitlines(), dockerfile(tool).splitlines()
    missing = [line for line in other if line not in own and not re.search(r"image\.(title|desc)|^ENV PATH", line)]
    assert missing == []
    pinned = re.search(r"^ARG \w+=(ensemblorg/ensembl-vep:release_(\d+\.\d+))$", dockerfile(image), re.MULTILINE)
    assert pinned is not None
    readme = (ROOT / "batch_tools" / image / "README.md").read_text()
    assert "**For production only.**" in readme
    for word in ("**Does**", "**In**", "**Out**", f"**Versions** ensembl-vep {pinned[2]} (image `{pinned[1]}`)"):
        assert word in readme


@pytest.mark.parametrize("tool", TOOLS)
def test_the_readme_names_the_installed_versions(tool):
    versions = (ROOT / "batch_tools" / tool / "README.md").read_text().partition("**Versions**")[2]
    programs = {name: version for name, version in packages(tool).items() if not name.startswith("python3")}
    assert programs or tool == "archive_study"
    for name, version in programs.items():
        assert f"{name} {version}" in versions


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        ("tool_runtime", ["boto3"]),
        ("archive_study", ["anycrc"]),
        ("quality", ["multiqc"]),
        ("scan_delivery", ["phonenumbers", "python-stdnum"]),
    ],
)
def test_python_packages_are_those_of_the_lock(folder, wanted):
    lock = {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    text = (ROOT / "batch_tools" / folder / "requirements.txt").read_text()
    required = re.findall(r"^(\S+)==(\S+) --hash=(\S+)$", text, re.MULTILINE)
    for name, version, checksum in required:
        assert lock[name]["version"] == version, f"{name}: bring requirements.txt in line with uv.lock"
        assert checksum in {wheel["hash"] for wheel in lock[name]["wheels"]}
    names = {name for name, _version, _checksum in required}
    needed, found = list(wanted), set()
    while needed:
        name = needed.pop()
        found.add(name)
        needed += [each["name"] for each in _dependencies(lock[name]) if each["name"] not in found]
    assert names == found


def _dependencies(package):
    """Those of the lock that Linux needs."""
    return [each for each in package.get("dependencies", []) if "win32" not in each.get("marker", "")]
