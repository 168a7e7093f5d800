"""What a command took is measured with all of its processes, and one that takes too long is ended."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.lake.processes import CommandFailedError, measure

_CHILD = "import time; held = bytearray(80_000_000); time.sleep(0.6); print('done')"
_PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_CHILD!r}])"


def test_memory_of_children_counts_and_the_last_line_is_kept(tmp_path: Path) -> None:
    measured = measure([sys.executable, "-c", _PARENT], os.environ, tmp_path, 60)
    assert measured.memory_mb > 80
    assert measured.wall > 0.6
    assert measured.said == "done"


def test_a_failure_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match=r"no such input$"):
        measure([sys.executable, "-c", "import sys; sys.exit('no such input')"], os.environ, tmp_path, 60)


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    sleeping = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])"
    with pytest.raises(CommandFailedError, match="took more than 1 s"):
        measure([sys.executable, "-c", sleeping], os.environ, tmp_path, 1)
    assert [child for child in psutil.Process().children(recursive=True) if "time.sleep(300)" in str(child)] == []
