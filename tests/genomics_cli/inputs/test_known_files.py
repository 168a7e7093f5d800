import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genomics_cli.inputs import known_files
from genomics_cli.inputs.fastq_files import FileFacts, inspect_file
from genomics_cli.inputs.known_files import KnownFiles


class Counting:
    """Inspects, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: Path) -> FileFacts:
        self.calls += 1
        return inspect_file(path)


@pytest.fixture
def inspect() -> Counting:
    return Counting()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are old enough to be believed at once."""
    monkeypatch.setattr(known_files, "_SETTLED_SECONDS", -1.0)


def _remembered(store: Path, path: Path, inspect: Counting) -> FileFacts:
    known = KnownFiles(store)
    facts = known.facts(path, inspect)
    known.save()
    return facts


@pytest.mark.usefixtures("settled")
def test_an_unchanged_file_is_read_once(tmp_path: Path, inspect: Counting) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    first, second = (_remembered(tmp_path / "store/known.json", path, inspect) for _ in range(2))
    assert first == second
    assert inspect.calls == 1


@pytest.mark.usefixtures("settled")
def test_a_touched_file_has_the_same_sum(tmp_path: Path, inspect: Counting) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    first = _remembered(tmp_path / "known.json", path, inspect)
    os.utime(path, (time.time() + 60, time.time() + 60))
    assert _remembered(tmp_path / "known.json", path, inspect) == first
    assert inspect.calls == 2


@pytest.mark.usefixtures("settled")
def test_changed_content_is_noticed_even_with_its_old_size_and_time(tmp_path: Path, inspect: Counting) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    times = path.stat()
    first = _remembered(tmp_path / "known.json", path, inspect)
    time.sleep(0.02)
    path.write_text("CONTENT")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert _remembered(tmp_path / "known.json", path, inspect) != first


def test_a_file_that_may_still_be_changing_is_not_remembered(tmp_path: Path, inspect: Counting) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    for _ in range(2):
        _remembered(tmp_path / "known.json", path, inspect)
    assert inspect.calls == 2


@pytest.mark.usefixtures("settled")
def test_a_damaged_store_is_started_anew(tmp_path: Path, inspect: Counting) -> None:
    path, store = tmp_path / "file", tmp_path / "known.json"
    path.write_text("content")
    store.write_text("{")
    _remembered(store, path, inspect)
    _remembered(store, path, inspect)
    assert inspect.calls == 1


@pytest.mark.usefixtures("settled")
def test_a_store_that_cannot_be_written_only_costs_time(tmp_path: Path, inspect: Counting) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    (tmp_path / "store").mkdir()
    for store in (path / "known.json", tmp_path / "store"):
        assert _remembered(store, path, inspect).size == 7
    assert sorted(left.name for left in tmp_path.iterdir()) == ["file", "store"]


@pytest.mark.usefixtures("settled")
def test_commands_that_save_at_once_leave_one_whole_store(tmp_path: Path, inspect: Counting) -> None:
    path, store = tmp_path / "file", tmp_path / "store/known.json"
    path.write_text("content")
    known = [KnownFiles(store) for _ in range(8)]
    for one in known:
        one.facts(path, inspect)
    with ThreadPoolExecutor(len(known)) as pool:
        list(pool.map(KnownFiles.save, known))
    assert [left.name for left in store.parent.iterdir()] == ["known.json"]
    assert list(json.loads(store.read_text())) == [str(path)]
