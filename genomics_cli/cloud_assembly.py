"""Synthesizes the CDK app, once for each state of its sources: what `cdk deploy` would ship."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from embedded_aws import file_servers
from genomics_cli.errors import UserError

ROOT = Path(__file__).parents[1]
# What templates and assets are made from.
_SOURCES = (
    "app.py",
    "settings",
    "cdk.json",
    "cdk.context.json",
    "package-lock.json",
    "uv.lock",
    "stacks",
    "genomics",
    "lambdas",
    "glue_jobs",
    "batch_tools",
)
_SETTINGS_PREFIX = "GENOMICS_"
_NO_SETTINGS = ("GENOMICS_DATA", "GENOMICS_DEBUG", "GENOMICS_SHARED_DATA")
# Account and region are the embedded AWS's own, whatever a deployment elsewhere is given.
_OF_THE_TARGET = ("GENOMICS_ACCOUNT", "GENOMICS_REGION")
# The landing folder that the embedded AWS plays.
_LANDING = {
    "GENOMICS_LANDING_SERVER": file_servers.LANDING_SERVER,
    "GENOMICS_LANDING_PATH": file_servers.LANDING_PATH,
    "GENOMICS_DATASYNC_AGENT_ARNS": file_servers.AGENT_ARN,
}
# What deploys and executes an assembly.
_EMBEDDED_AWS = "embedded_aws"
_KEPT = 3


def synthesize(
    data: Path,
    *,
    project: str,
    progress: Callable[[str], None],
    root: Path = ROOT,
    environment: Mapping[str, str] = os.environ,
) -> Path:
    """The cloud assembly of the app at `root` with the settings that the environment holds; kept below `data`.

    Raises UserError with the line that says what stops synthesis.
    """
    if not (root / "app.py").is_file():
        raise UserError(f"{root} holds no CDK app; the embedded AWS is started from a clone of the repository")
    assemblies = data / "assemblies"
    assembly = assemblies / source_key(project=project, root=root, environment=environment)
    if not _is_complete(assembly):
        assemblies.mkdir(parents=True, exist_ok=True)
        progress("synthesizing the stacks")
        with tempfile.TemporaryDirectory(dir=assemblies, prefix=".new-") as made:
            _cdk_synth(root, Path(made), _settings(project, environment), data / "synth.log")
            _put_in_place(Path(made), assembly)
    assembly.touch()
    _forget_older(assemblies)
    return assembly


def source_key(*, project: str, root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> str:
    """A name for the state of everything the assembly is made from: file contents and settings."""
    return _digest(_SOURCES, _settings(project, environment), root)


def deployment_key(*, project: str, root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> str:
    """A name for the state of everything a running instance is made from: the assembly's sources and its own."""
    return _digest((*_SOURCES, _EMBEDDED_AWS), _settings(project, environment), root)


def _digest(sources: Iterable[str], settings: Mapping[str, str], root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(_source_files(root, sources)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    for name in sorted(settings):
        if name.startswith(_SETTINGS_PREFIX):
            digest.update(f"{name}={settings[name]}\0".encode())
    return digest.hexdigest()[:16]


def _settings(project: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as the app is to see it."""
    settings = {name: value for name, value in environment.items() if name not in (*_NO_SETTINGS, *_OF_THE_TARGET)}
    return {**_LANDING, **settings, "GENOMICS_PROJECT": project}


def _is_complete(assembly: Path) -> bool:
    return (assembly / "manifest.json").is_file()


def _put_in_place(made: Path, assembly: Path) -> None:
    """Rename `made`, unless the same has been made meanwhile: that one may be in use."""
    if not _is_complete(assembly):
        shutil.rmtree(assembly, ignore_errors=True)
        made.rename(assembly)
        made.mkdir()


def _source_files(root: Path, sources: Iterable[str]) -> Iterator[Path]:
    for name in sources:
        path = root / name
        # The CDK CLI leaves an empty context behind; it says as little as none.
        if path.is_file() and path.read_text().strip() != "{}":
            yield path
        for directory, folders, files in os.walk(path):
            folders[:] = [folder for folder in folders if folder != "__pycache__"]
            yield from (Path(directory, file) for file in files if not file.endswith(".pyc"))


def _cdk_synth(root: Path, output: Path, environment: Mapping[str, str], log: Path) -> None:
    cdk = root / "node_modules" / ".bin" / "cdk"
    if not cdk.exists():
        raise UserError("the CDK CLI is not installed; `make setup` installs it")
    # cdk.json names the app's interpreter; Node.js may be installed beside the one that runs this.
    path = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", os.defpath)))
    ended = subprocess.run(
        [str(cdk), "synth", "--quiet", "--output", str(output)],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
        env={
            **environment,
            "PATH": path,
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
            # The CLI asks whose account it is, which does not matter here; without a network, that takes half a minute.
            "AWS_EC2_METADATA_DISABLED": "true",
            # The CDK's own rules warn of what may fail on AWS, and take as long as the rest of a synthesis.
            "CDK_VALIDATION": "false",
        },
    )
    log.write_text(ended.stdout + ended.stderr)
    if ended.returncode:
        raise UserError(f"cdk synth failed: {_last_words(ended.stderr)} (all of it: {log})")


def _last_words(stderr: str) -> str:
    """The last line that says something; the CDK CLI ends with lines that only say that there was an error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if "exited with error" not in line and "NOTICES" not in line]
    return telling[-1] if telling else "it said nothing"


def _forget_older(assemblies: Path) -> None:
    made = [path for path in assemblies.iterdir() if not path.name.startswith(".")]
    for path in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
