import signal
import threading
import time
from pathlib import Path

import pytest

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.memory import MemoryMeter
from batch_tools.tool_runtime.pipeline import Pipeline, capture, run_pipeline
from batch_tools.tool_runtime.versions import tool_versions


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_what_goes_in_comes_out(tmp_path: Path):
    run_pipeline(shell("printf 'b\\na\\n'"), ["sort"], ["cat"], directory=tmp_path, output=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a\nb\n"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_failure_anywhere_in_the_pipe_is_a_failure(tmp_path: Path, position: int):
    commands = [shell("seq 3"), ["cat"], shell("cat > /dev/null")]
    commands[position] = shell(
        "cat > /dev/null; echo 'working' >&2; echo '[E::here] it broke' >&2; echo bye >&2; exit 3"
    )
    with pytest.raises(ToolError, match=r"^sh failed with exit status 3: \[E::here\] it broke$") as caught:
        run_pipeline(*commands, directory=tmp_path)
    assert caught.value.exit_code == 1


def test_the_program_whose_reader_went_away_is_not_blamed(tmp_path: Path):
    with pytest.raises(ToolError, match=r"exit status 7: disk full"):
        run_pipeline(shell("exec yes"), shell("head -1 > /dev/null; echo disk full >&2; exit 7"), directory=tmp_path)


def test_a_killed_program_gives_the_exit_code_of_its_signal(tmp_path: Path):
    with pytest.raises(ToolError, match=r"sh was killed by SIGKILL \(out of memory") as caught:
        run_pipeline(shell("kill -9 $$"), ["cat"], directory=tmp_path)
    assert caught.value.exit_code == 128 + signal.SIGKILL


def test_a_program_that_is_not_installed_is_named_and_the_others_are_stopped(tmp_path: Path):
    begun = time.monotonic()
    with pytest.raises(ToolError, match=r"the program no-such-program is not installed"):
        run_pipeline(["sleep", "60"], ["no-such-program"], directory=tmp_path)
    assert time.monotonic() - begun < 10


def test_leaving_a_pipeline_stops_its_programs(tmp_path: Path):
    begun = time.monotonic()
    with pytest.raises(KeyError), Pipeline(["sleep", "60"], ["cat"], directory=tmp_path):
        raise KeyError
    assert time.monotonic() - begun < 10


def test_capture_returns_the_output_or_explains(tmp_path: Path):
    assert capture(["pwd"], directory=tmp_path).strip() == str(tmp_path)
    with pytest.raises(ToolError, match=r"sh failed with exit status 2: no luck"):
        capture(shell("echo no luck >&2; exit 2"), directory=tmp_path)


def test_memory_of_the_whole_tree_is_measured(tmp_path: Path):
    script = "import time; block = bytearray(200 << 20); time.sleep(0.6)"
    with MemoryMeter() as alone:
        time.sleep(0.05)
    with MemoryMeter() as memory:
        run_pipeline(shell(f'python3 -c "{script}"; true'), ["cat"], directory=tmp_path)
    assert 200 <= memory.peak_mib - alone.peak_mib < 300


def test_versions_are_those_that_the_programs_print():
    programs = {"bwa", "minimap2", "samtools", "bcftools", "fastp", "freebayes"}
    versions = tool_versions(programs)
    assert set(versions) == {*programs, "python"}
    assert versions["bwa"].startswith("0.7.")
    assert versions["freebayes"].startswith("1.")
    assert all(version[0].isdigit() for version in versions.values())


def test_a_missing_program_is_named_before_work_begins():
    with pytest.raises(ToolError, match=r"the program no-such-program is not installed"):
        tool_versions(("no-such-program",))


def test_programs_look_for_references_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REF_PATH", "REF_CACHE"):
        monkeypatch.setenv(name, "https://www.ebi.ac.uk/ena/cram/md5/%s")
    said = shell('echo "$REF_PATH:$REF_CACHE"')
    run_pipeline(said, directory=tmp_path, output=tmp_path / "said")
    assert (tmp_path / "said").read_text() == capture(said, directory=tmp_path) == "/dev/null:\n"


def test_what_is_interrupted_as_it_starts_ends_as_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_thread: threading.Thread) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(SystemExit, match="143"):
        run_pipeline(shell("exec sleep 60"), directory=tmp_path)
