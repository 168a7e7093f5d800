"""A scan lists what is there, whatever it is called and whoever may read it, and repeats only what changed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from run_tracker.errors import TrackerError
from run_tracker.filters import PathFilter
from run_tracker.listing import Listing
from run_tracker.manifest import write_manifest
from run_tracker.scan import Scan, scan_run

from genomics.contracts.transfers import ManifestHeader, read_files, read_header
from run_tracker import find
from run_tracker import scan as scanning

NOBODY = 65534


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[Listing]:
    with closing(Listing(tmp_path / "listing.sqlite", "")) as opened:
        yield opened


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "run"
    for name, content in {"a.txt": b"1", "Data/L001/C1.1/x.bcl": b"22", "Logs/y.log": b"3", "Data/z.log": b"4"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def scanned(folder: Path, listing: Listing, *, whole: bool = True, filters: PathFilter | None = None) -> Scan:
    filters = filters or PathFilter(f"/{folder.name}")
    return scan_run(folder, listing, filters, whole=whole, changed_within_seconds=scanning._QUIET_SECONDS)


def listed(listing: Listing) -> dict[str, int]:
    lines = b"".join(listing.lines()).decode().splitlines()
    return {line.split("\t", 1)[1]: int(line.split("\t", 1)[0]) for line in lines}


def test_files_are_listed_with_their_sizes_and_what_is_excluded_is_not(run: Path, listing: Listing) -> None:
    scan = scanned(run, listing)
    assert listed(listing) == {"run/a.txt": 1, "run/Data/L001/C1.1/x.bcl": 2}
    # Logs is not entered; Data/z.log is counted.
    assert (scan.totals.files, scan.totals.bytes, scan.totals.excluded) == (2, 3, 1)


def test_an_include_leaves_out_everything_else(run: Path, listing: Listing) -> None:
    scanned(run, listing, filters=PathFilter("/run", includes=("Data/L001",), excludes=()))
    assert listed(listing) == {"run/Data/L001/C1.1/x.bcl": 2}


def _wait_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories count as quiet at once."""
    monkeypatch.setattr(scanning, "_QUIET_SECONDS", -5.0)


def test_a_second_scan_reads_nothing_again(run: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    _wait_is_over(monkeypatch)
    first = scanned(run, listing)
    second = scanned(run, listing, whole=False)
    assert (first.directories_read, second.directories_read) == (4, 0)
    assert second.totals == first.totals


def test_a_second_scan_reads_what_changed(run: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    _wait_is_over(monkeypatch)
    first = scanned(run, listing)
    (run / "Data/L001/C2.1").mkdir()
    (run / "Data/L001/C2.1/x.bcl").write_bytes(b"55555")
    (run / "a.txt").unlink()
    second = scanned(run, listing, whole=False)
    assert second.directories_read == 3  # the run folder, L001 and C2.1
    assert second.totals.digest != first.totals.digest
    assert listed(listing) == {"run/Data/L001/C1.1/x.bcl": 2, "run/Data/L001/C2.1/x.bcl": 5}


def test_what_changed_lately_is_read_again_though_its_directory_did_not(run: Path, listing: Listing) -> None:
    scanned(run, listing)
    (run / "Data/L001/C1.1/x.bcl").write_bytes(b"7777777")
    scanned(run, listing, whole=False)
    assert listed(listing)["run/Data/L001/C1.1/x.bcl"] == 7


def test_a_removed_directory_is_forgotten(run: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    _wait_is_over(monkeypatch)
    scanned(run, listing)
    (run / "Data/L001/C1.1/x.bcl").unlink()
    (run / "Data/L001/C1.1").rmdir()
    scanned(run, listing, whole=False)
    assert listed(listing) == {"run/a.txt": 1}


def test_a_damaged_listing_is_made_anew(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "listing.sqlite"
    path.write_bytes(b"not a database" * 100)
    with closing(Listing(path, "")) as listing:
        scanned(run, listing)
        assert len(listed(listing)) == 2
    next(tmp_path.glob("*.lines")).write_bytes(b"")
    with closing(Listing(path, "")) as listing:
        assert listing.known() == {}


def test_links_and_special_files_are_told_and_not_sent(run: Path, listing: Listing) -> None:
    (run / "sheet.csv").symlink_to("a.txt")
    (run / "loop").symlink_to(".")
    os.mkfifo(run / "pipe")
    scan = scanned(run, listing)
    assert scan.not_sent == (
        "run/loop: is a symbolic link, which DataSync does not bring to S3",
        "run/pipe: is a named pipe, which DataSync does not bring to S3",
        "run/sheet.csv: is a symbolic link, which DataSync does not bring to S3",
    )
    assert (scan.unreadable, len(listed(listing))) == ((), 2)


def test_a_file_that_nobody_may_read_is_told(run: Path, listing: Listing) -> None:
    (run / "a.txt").chmod(0o200)
    scan = scanned(run, listing)
    assert scan.unreadable == ("run/a.txt: nobody may read it (mode 200); correct its permissions or exclude it",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read a directory")
def test_a_directory_that_may_not_be_read_is_told(run: Path, tmp_path: Path) -> None:
    (run / "Data/L001").chmod(0o700)
    for folder in (run, *run.parents):
        if folder.is_relative_to(Path(tempfile.gettempdir())) and not folder.samefile(tempfile.gettempdir()):
            folder.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from run_tracker.scan import scan_run;"
        "from run_tracker.listing import Listing; from run_tracker.filters import PathFilter;"
        "print(scan_run(Path(sys.argv[1]), Listing(None, ''), PathFilter('/run'), whole=True,"
        " changed_within_seconds=0).unreadable)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import os; import runpy, run_tracker.scan; os.setuid({NOBODY}); {code}", str(run)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "run/Data/L001: cannot be read (Permission denied); correct its permissions" in done.stdout, done.stderr


def test_a_name_that_is_not_utf8_is_told(run: Path, listing: Listing) -> None:
    with open(os.fsencode(run) + b"/caf\xe9.txt", "wb") as stream:  # noqa: PTH123 not UTF-8
        stream.write(b"1")
    scan = scanned(run, listing)
    assert scan.unreadable == ("run/caf\\xe9.txt: name is not UTF-8; rename or exclude it",)
    assert len(listed(listing)) == 2


def after_each_directory(change: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `change` called with the path of each directory as soon as it is listed."""
    storing = Listing.store

    def store(self: Listing, directory: scanning.Directory) -> None:
        storing(self, directory)
        change(directory.path)

    monkeypatch.setattr(Listing, "store", store)


def test_files_that_vanish_or_grow_while_they_are_listed_are_told(
    run: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(listed: bytes) -> None:
        if listed == b"run":
            (run / "a.txt").write_bytes(b"longer")
        if listed == b"run/Data/L001/C1.1":
            (run / "Data/L001/C1.1/x.bcl").unlink()

    after_each_directory(change, monkeypatch)
    assert set(scanned(run, listing).moving) == {
        "run/a.txt: grew while the folder was listed",
        "run/Data/L001/C1.1/x.bcl: vanished while the folder was listed",
    }


def test_a_directory_that_vanishes_while_it_is_listed_is_told(
    run: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(listed: bytes) -> None:
        if listed == b"run/Data":
            (run / "Data/L001").rename(run.parent / "gone")

    after_each_directory(change, monkeypatch)
    assert "run/Data/L001: vanished while the folder was listed" in scanned(run, listing).moving


def test_a_directory_that_becomes_a_file_while_it_is_listed_is_told(
    run: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(listed: bytes) -> None:
        if listed == b"run/Data":
            (run / "Data/L001").rename(run.parent / "gone")
            (run / "Data/L001").write_bytes(b"1")

    (run / "Data/A").mkdir()  # what is read before it
    after_each_directory(change, monkeypatch)
    assert scanned(run, listing).moving == ("run/Data/L001: vanished while the folder was listed",)
    assert listed(listing) == {"run/a.txt": 1}


def test_a_find_that_is_not_gnu_find_is_told(
    run: Path, listing: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin/find"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho 'find: unrecognized: -newerct' >&2\nexit 1\n")  # as BusyBox says it
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")
    with pytest.raises(TrackerError, match=r"not GNU find .*unrecognized: -newerct.*install the package findutils"):
        scanned(run, listing)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 100
)


@settings(max_examples=25, deadline=None)
@given(directory=NAMES, names=st.lists(NAMES, max_size=5, unique=True))
@example(directory="-d (1)", names=["a", "-b"])
@example(directory="a\tb", names=["a", "b"])
@example(directory="a\nb\\", names=["\t", "\\n", "b"])
def test_any_utf8_name_reads_back_from_the_manifest(
    directory: str, names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("names") / "run"
    (folder / directory).mkdir(parents=True)
    for size, name in enumerate(names):
        (folder / directory / name).write_bytes(b"x" * size)
    with closing(Listing(None, "")) as listing:
        scanned(folder, listing, filters=PathFilter("/run", excludes=()))
        path = folder.parent / "manifest.tsv"
        write_manifest(path, ManifestHeader("run", 1), listing)
    with path.open(encoding="utf-8", newline="\n") as stream:
        assert read_header(next(stream)).run_id == "run"
        assert {(f.path, f.size) for f in read_files(stream)} == {
            (f"run/{directory}/{name}", size) for size, name in enumerate(names)
        }


def test_many_directories_are_listed_in_several_batches(
    tmp_path: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "_BATCH_BYTES", 50)
    monkeypatch.setattr(find, "_CHUNK_BYTES", 4096)
    folder = tmp_path / "run"
    expected = {}
    for number in range(40):
        (folder / f"d{number}" / "sub").mkdir(parents=True)
        (folder / f"d{number}" / "sub" / f"{'f' * number}x").write_bytes(b"1" * number)
        expected[f"run/d{number}/sub/{'f' * number}x"] = number
    scanned(folder, listing)
    assert listed(listing) == expected
