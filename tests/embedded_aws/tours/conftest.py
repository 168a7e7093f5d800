"""What the tours with clients as they come share: an embedded AWS that `genomics up` brought up, and its shell."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from tests.conftest import NO_SETTINGS, ROOT

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Home:
    """A shell that has done `eval "$(genomics up)"`: its environment, and a folder to work in."""

    environment: Mapping[str, str]
    directory: Path

    def run(self, *words: str) -> str:
        """What a command prints on stdout; it must succeed."""
        ended = subprocess.run(
            words,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=dict(self.environment),
            timeout=600,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def session(self) -> boto3.Session:
        """What `boto3.Session()` is in that shell."""
        return boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One instance for all tours."""
    data, directory = tmp_path_factory.mktemp("tours-data"), tmp_path_factory.mktemp("tours")
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "GENOMICS_")) or name in NO_SETTINGS
    }
    plain |= {"AWS_EC2_METADATA_DISABLED": "true", "PATH": os.pathsep.join((str(BIN), plain.get("PATH", os.defpath)))}
    command = [sys.executable, "-m", "genomics_cli", "up", "--port", "0", "--data", str(data)]
    up = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=plain, timeout=300)
    assert up.returncode == 0, up.stderr
    exported = dict(re.findall(r"^export (\w+)=(.*)$", up.stdout, re.MULTILINE))
    # A client that finds a configuration of the machine's user would not be as it comes.
    exported |= {"AWS_CONFIG_FILE": str(directory / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(directory / "none")}
    yield Home({**plain, **exported}, directory)
    down = [sys.executable, "-m", "genomics_cli", "down", "--data", str(data)]
    subprocess.run(down, check=True, capture_output=True, cwd=ROOT, env=plain, timeout=120)


@pytest.fixture
def shell(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """This process as a program that was started in that shell."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in home.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    # Another test's session would keep that test's credentials.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return home
