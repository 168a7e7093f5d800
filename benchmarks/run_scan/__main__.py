"""The tracker's scan and manifest of a run folder, beside `find -printf` of sizes and paths and `os.walk` with `stat`.

`python -m benchmarks.run_scan [--files N] [--repeat N] [--folder DIR]`. The folder is generated unless it is there:
empty files, laid out as on a HiSeq X (lanes x cycles, a third of them thumbnails). Each round runs every contender
once, in turn, in a process of its own, on a warm cache. Printed are medians of wall seconds and CPU seconds, their
ratio to find's, and the largest resident memory. It ends with 1, and a line that says why, where a scan takes more than
MOST_OF_FIND times find's time or more than MOST_MB of memory.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_OF_FIND, MOST_MB = 1.5, 250
_LANES, _CYCLES = 8, 318
_FIND = "find -printf"
# Directories younger than this are read again by any scan; a run that is sent has long been left alone.
_QUIET_SECONDS = 65
_SCAN = """
import sys
from contextlib import closing
from pathlib import Path
from genomics.contracts.transfers import ManifestHeader
from run_tracker.filters import DEFAULT_EXCLUDES, PathFilter
from run_tracker.listing import Listing
from run_tracker.manifest import write_manifest
from run_tracker.scan import scan_run
folder, work, whole, excludes = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "whole", sys.argv[4] == "filtered"
filters = PathFilter(f"/{folder.name}", excludes=DEFAULT_EXCLUDES if excludes else ())
with closing(Listing(work / "listing.sqlite", repr(filters))) as listing:
    scan = scan_run(folder, listing, filters, whole=whole, changed_within_seconds=0)
    if scan.directories_read:
        write_manifest(work / "manifest.tsv", ManifestHeader(folder.name, 1), listing)
    print(scan.totals.files, scan.directories_read, end="")
"""
_WALK = """
import os, sys
with open(sys.argv[2], "w") as out:
    for folder, _, names in os.walk(sys.argv[1]):
        for name in names:
            path = os.path.join(folder, name)
            out.write(f"{os.stat(path).st_size} {path}\\n")
"""


@dataclass(frozen=True)
class Measurement:
    """One run of one contender: seconds, and MB of its largest process."""

    wall: float
    cpu: float
    memory: float
    said: str


def make_run(folder: Path, files: int) -> None:
    """Generate the run folder: two thirds base calls, one third thumbnails."""
    each = files // (_LANES * _CYCLES)
    for lane in range(1, _LANES + 1):
        for cycle in range(1, _CYCLES + 1):
            for top, count, name in (
                ("Data/Intensities/BaseCalls", each - each // 3, "s_{lane}_{number}.bcl.gz"),
                ("Thumbnail_Images", each // 3, "s_{lane}_{number}_a.jpg"),
            ):
                directory = folder / top / f"L{lane:03d}" / f"C{cycle}.1"
                directory.mkdir(parents=True)
                for number in range(1101, 1101 + count):
                    path = directory / name.format(lane=lane, number=number)
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def measure(command: list[str], output: Path | None = None) -> Measurement:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        with (output or Path(os.devnull)).open("wb") as stream:
            process = subprocess.Popen(command, stdout=stream if output else said)
            _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        said.seek(0)
        return Measurement(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, said.read().decode())


def main() -> None:
    """Print the table; exit code 1 where a scan misses what it must keep to."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=1_400_000)
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--folder", type=Path, help="a run folder to list; made if it is not there")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="run-scan-") as name:
        work = Path(name)
        folder = chosen.folder or work / "runs" / "180508_ST-E00269_0269_AHL32LCCXY"
        if not folder.exists():
            make_run(folder, chosen.files)
            time.sleep(_QUIET_SECONDS)
        runs = compare(folder, work, chosen.repeat)
    show(runs)
    if missed := misses(runs):
        sys.exit("\n".join(missed))


def compare(folder: Path, work: Path, repeat: int) -> Mapping[str, Sequence[Measurement]]:
    """Every contender in turn, `repeat` times; those that are called scans are the tracker's."""
    scan = [sys.executable, "-c", _SCAN, str(folder), str(work)]
    find = ["find", str(folder), "-printf", r"%s %p\n"]
    contenders: dict[str, Callable[[], Measurement]] = {
        _FIND: lambda: measure(find, work / "find.txt"),
        "scan + manifest, all files": lambda: measure([*scan, "whole", "all"]),
        "second scan, all files": lambda: measure([*scan, "again", "all"]),
        "scan + manifest, default filters": lambda: measure([*scan, "whole", "filtered"]),
        "second scan, default filters": lambda: measure([*scan, "again", "filtered"]),
        "os.walk + stat": lambda: measure([sys.executable, "-c", _WALK, str(folder), str(work / "walk.txt")]),
    }
    measure(find, work / "find.txt")
    runs: dict[str, list[Measurement]] = {contender: [] for contender in contenders}
    for _ in range(repeat):
        for contender, run in contenders.items():
            runs[contender].append(run())
    return runs


def show(runs: Mapping[str, Sequence[Measurement]]) -> None:
    """Print a line for each contender."""
    peer = _wall(runs[_FIND])
    print(f"{'':34}{'wall s':>8}{'/ find':>8}{'CPU s':>8}{'MB':>6}  files, directories read")
    for contender, measured in runs.items():
        wall = _wall(measured)
        cpu = statistics.median(run.cpu for run in measured)
        memory = max(run.memory for run in measured)
        print(f"{contender:34}{wall:8.2f}{wall / peer:8.2f}{cpu:8.2f}{memory:6.0f}  {measured[-1].said}")


def misses(runs: Mapping[str, Sequence[Measurement]]) -> list[str]:
    """A line for each limit that a scan exceeds."""
    peer, said = _wall(runs[_FIND]), list[str]()
    for contender, measured in runs.items():
        if "scan" not in contender:
            continue
        ratio, memory = _wall(measured) / peer, max(run.memory for run in measured)
        if ratio > MOST_OF_FIND:
            said.append(f"{contender}: takes {ratio:.2f} times as long as find, more than {MOST_OF_FIND}")
        if memory > MOST_MB:
            said.append(f"{contender}: takes {memory:.0f} MB, more than {MOST_MB}")
    return said


def _wall(measured: Sequence[Measurement]) -> float:
    return statistics.median(run.wall for run in measured)


if __name__ == "__main__":
    main()
