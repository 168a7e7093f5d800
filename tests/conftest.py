"""What several areas' tests share: the app's cloud assembly, as for a deployment, and an embedded AWS that has it.

Tests run in several processes. Those that use the one embedded AWS stay together in one, and come first, because they
take longest; of the others, the tests of a file stay together.
"""

import fcntl
import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import file_servers, instance
from embedded_aws.launcher import service_models

ROOT = Path(__file__).resolve().parents[1]
# Set for other reasons than to configure a deployment.
NO_SETTINGS = ("GENOMICS_SHARED_DATA", "GENOMICS_DATA", "GENOMICS_DEBUG")

# A landing folder that the embedded AWS plays.
LANDING = {
    "landing_server": file_servers.LANDING_SERVER,
    "landing_path": file_servers.LANDING_PATH,
    "datasync_agent_arns": file_servers.AGENT_ARN,
}

# Hundreds of tests make clients of their own.
service_models.keep()
# What modules make as they are imported stays.
gc.disable()


class _Late:
    """Stands for a module. pytest and Hypothesis ask whatever a test names what it is, which is not yet to use it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self._name), name)


def late(name: str) -> Any:
    """A module, imported when something of it is first used.

    Every process collects all tests, and whoever imports the CDK starts Node and has it read the whole library.
    """
    return _Late(name)


Synthesis = Callable[[Path, Mapping[str, str]], "subprocess.CompletedProcess[str]"]


# What is started once: the deployed app, the instance of the tours, and the services in the test's own process, whose
# state is lost when a test of another group mocks AWS in that process.
SHARED = ("embedded", "home", "services")
# The end-to-end tests that need not know of the others' runs have an instance of their own, and so another process.
APART = ("test_failures", "test_faults", "test_real_reads", "test_one_upload_one_execution")


@pytest.hookimpl(tryfirst=True)  # what distributes the tests reads these marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests one process runs, and in what order."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = next((name for name in SHARED if name in fixtures), None)
        # The tests of stacks share syntheses, the others of a file what the file starts.
        own = item.path.parent if item.path.parent.name == "stacks" else item.path
        group = shared or own.relative_to(ROOT).as_posix()
        item.add_marker(pytest.mark.xdist_group(f"{group}, apart" if item.path.stem in APART else group))
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Make ready for the tests: all that they import is there."""
    if "moto" in sys.modules:
        mocked_aws = importlib.import_module("tests.mocked_aws")
        mocked_aws.keep()
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their parameter: compressed ones can differ from process to process, and nobody can read them."""
    return argname if isinstance(val, bytes) else None


def _turn(item: pytest.Item) -> tuple[bool, bool]:
    """What takes longest begins first, so that no process is left alone with it at the end."""
    group = item.get_closest_marker("xdist_group")
    return group is None or not group.args[0].startswith("embedded"), "tests/end_to_end/" not in item.nodeid


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The shared public data set; tests that use it are skipped where it is absent."""
    path = Path(os.environ.get("GENOMICS_SHARED_DATA") or ROOT / "../shared/data").resolve()
    if not path.is_dir():
        pytest.skip(f"the shared data set is not at {path} (set GENOMICS_SHARED_DATA)")
    return path


@pytest.fixture(scope="session")
def cdk_synth() -> Synthesis:
    """`cdk synth` into a directory with settings given as context, by name. Settings of the shell do not take part."""

    def synth(output: Path, settings: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        context = [word for name, value in settings.items() for word in ("--context", f"genomics:{name}={value}")]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GENOMICS_") or k in NO_SETTINGS}
        path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
        return subprocess.run(
            ["node_modules/.bin/cdk", "synth", "--quiet", "--output", str(output), *context],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            # Whose account it is does not matter here; without a network, asking takes half a minute.
            env={**kept, "PATH": path, "AWS_EC2_METADATA_DISABLED": "true"},
            timeout=900,
        )

    return synth


@pytest.fixture(scope="session")
def cloud_assembly(
    cdk_synth: Synthesis, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """cdk.out of the default settings and a landing folder, made once for all processes that run tests."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent
    output = shared / "cdk.out"
    with (shared / "synthesis.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0, os.SEEK_END)
        if not lock.tell():
            ended = cdk_synth(output, LANDING)
            assert ended.returncode == 0, ended.stderr
            lock.write("done")
    return output


@pytest.fixture(scope="session")
def embedded(cloud_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """One embedded AWS with every stack, for all tests: what a test leaves in it, the others find."""
    data = tmp_path_factory.mktemp("embedded-aws")
    yield instance.start(data, 0, cloud_assembly)
    instance.stop(data)
