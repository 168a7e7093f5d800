"""Set-up says what a person has to do, and does nothing when there is nothing to do."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_install", ROOT / "setup/install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_apt_one_line_names_the_packages(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.shutil, "which", lambda command: None)
    with pytest.raises(
        install.SetupError, match=r"^missing Debian packages; run: sudo apt-get install --yes bwa fastp$"
    ):
        install.install_debian(["bwa", "fastp"])


def test_a_user_who_may_not_install_is_told_what_to_install(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.shutil, "which", lambda command: "/usr/bin/apt-get" if command == "apt-get" else None)
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    with pytest.raises(install.SetupError, match="sudo apt-get install --yes samtools"):
        install.install_debian(["samtools"])


def test_a_missing_tool_is_noticed_even_after_the_stamp(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(install.shutil, "which", lambda command: None if command == "fastp" else f"/usr/bin/{command}")
    monkeypatch.setattr(install, "install_debian", asked.append)
    install.install()
    assert asked == [["fastp"]]


def test_a_second_call_installs_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "setup/install.py"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""


def test_set_up_goes_on_where_nothing_can_be_made_faster(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    (python := tmp_path / "bin/python").parent.mkdir()
    python.symlink_to("/bin/false")
    install.make_starts_fast()
    assert [line.split()[1:4] for line in capfd.readouterr().out.splitlines()] == [
        [str(python), "-m", "compileall"],
        [str(python), "-c", "import"],
        [str(python), "-m", "embedded_aws.glue.spark"],
    ]


def test_every_command_of_the_list_names_its_package(install: ModuleType) -> None:
    packages = install.debian_packages()
    assert packages["java"] == "openjdk-17-jre-headless"
    assert {"bwa", "samtools", "bcftools", "tabix", "fastp"} <= set(packages)
