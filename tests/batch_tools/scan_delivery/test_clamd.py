"""The daemon is started once, comes back when it dies, and silence is never taken for clean."""

import os
import signal
from pathlib import Path

import pytest

from batch_tools.scan_delivery.clamd import Clamd
from batch_tools.scan_delivery.viruses import CLEAN, ScannerError
from genomics.contracts.deliveries import FileState

from .conftest import EICAR


def verdict_on(clamd, content: bytes):
    scan = clamd.begin()
    scan.write(content)
    return scan.finish()


def test_one_daemon_answers_for_all_contents(clamd):
    assert verdict_on(clamd, b"nothing") == CLEAN
    first = clamd.pid
    assert verdict_on(clamd, b"x" * 3_000_000 + EICAR).state is FileState.INFECTED
    assert clamd.pid == first
    assert clamd.version().startswith("ClamAV 1.")


def test_a_daemon_that_was_killed_is_an_error_and_is_started_again(signatures: Path, clamd):
    with Clamd(signatures, timeout=60) as own:
        scan = own.begin()
        killed = own.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ScannerError, match="clamd is gone"):
            scan.finish()
        assert verdict_on(own, EICAR).state is FileState.INFECTED
        again = own.pid
        assert again != killed
    assert own.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(again, 0)


def test_a_daemon_that_hangs_is_an_error(signatures: Path, clamd):
    with Clamd(signatures, timeout=1) as own:
        own.begin().abandon()
        assert own.pid
        os.kill(own.pid, signal.SIGSTOP)
        try:
            scan = own.begin()
            with pytest.raises(ScannerError, match="did not answer in time"):
                scan.finish()
        finally:
            os.kill(own.pid, signal.SIGCONT)


def test_without_signatures_there_is_no_scanner(tmp_path: Path, clamd):
    with Clamd(tmp_path / "nothing", start_timeout=30) as own, pytest.raises(ScannerError, match="clamd ended"):
        own.begin()


def test_without_clamd_there_is_no_scanner(signatures: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with Clamd(signatures) as own, pytest.raises(ScannerError, match="clamd cannot be started"):
        own.begin()
