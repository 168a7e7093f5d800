"""The tracker installs alone: its wheel holds the contracts, and needs nothing of the repository."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _do(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv builds the distribution")
def test_the_wheel_runs_in_an_environment_of_its_own(tmp_path: Path) -> None:
    # By way of the source distribution, so that this one is whole too.
    _do("uv", "build", "--quiet", "--package", "run-tracker", "--out-dir", tmp_path, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "genomics/contracts/transfers.py" in names
    assert not [name for name in names if name.startswith(("tests", "embedded_aws", "genomics/ml"))]
    _do("uv", "venv", "--quiet", "--python", "3.11", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv/bin/python"
    _do("uv", "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path)
    folder = tmp_path / "240101_M00001_0001_X"
    folder.mkdir()
    (folder / "RTAComplete.txt").touch()
    program = tmp_path / "venv/bin/run-tracker"
    assert _do(program, "--version", cwd=tmp_path).startswith("run-tracker, version")
    done = subprocess.run([program, "check", folder], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "has no RunInfo.xml" in done.stdout) == (3, True), done.stderr
    # boto3, click and what these need.
    installed = _do("uv", "pip", "freeze", "--python", python, cwd=tmp_path).splitlines()
    assert {line.split("==")[0].split(" ")[0] for line in installed} == {
        *("boto3", "botocore", "click", "jmespath", "python-dateutil", "run-tracker", "s3transfer", "six", "urllib3"),
    }
