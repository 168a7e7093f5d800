"""How long a load takes on a Spark standalone cluster of two workers, against the number of ranges it is split into.

`python -m benchmarks.scale_out [--scale F] [--splits 1,2,4,...] [--repeat N] [--plot FILE.svg] [--json FILE]`. The
input is the annotation-like VCF of `benchmarks.lake`, 200,000 records times F. What no number of splits makes shorter
is measured by itself: a load of a VCF of one record (Spark's session, planning, the commit), and the SHA-256 of the
input, which one task computes beside the ranges. The cluster is up before the first load; a run that does not count
comes first.
"""

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.lake.inputs import Input, make_inputs
from benchmarks.lake.spark_job import LocalCloud, local_cloud
from benchmarks.scale_out import cluster

_WORKERS = 2
_TIMEOUT_SECONDS = 1800.0


@dataclass(frozen=True)
class Found:
    """Wall seconds: of a load by its number of splits, of one that has nothing to read, and of the checksum."""

    size: int
    by_splits: Mapping[int, float]
    fixed: float
    checksum: float

    @property
    def serial(self) -> float:
        """What a cluster of any size needs."""
        return self.fixed + self.checksum


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--splits", type=_numbers, default=(1, 2, 4, 8, 16, 32, 64), help="as 1,2,4")
    parser.add_argument("--repeat", type=int, default=1, help="the median counts")
    parser.add_argument("--plot", type=Path, default=Path("scale-out.svg"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-out-") as name:
        found = measure(Path(name), options.scale, options.splits, options.repeat)
    print(f"{found.size / 1e6:.1f} MB on {_WORKERS} workers of one core")
    for splits, seconds in found.by_splits.items():
        print(f"{splits:4} splits  {seconds:6.1f} s   {seconds - found.fixed:6.1f} s without what is fixed")
    print(f"the serial part: {found.fixed:.1f} s session, plan and commit, {found.checksum:.1f} s SHA-256")
    plot(found, options.plot)
    print(f"plotted in {options.plot}")
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=2) + "\n")


def measure(directory: Path, scale: float, splits: Sequence[int], repeat: int) -> Found:
    """Start a cluster below `directory` and load there."""
    given = make_inputs(directory / "inputs", scale)["annotated"]
    with local_cloud(directory / "cloud") as cloud, cluster.started(directory, cloud.environment) as found:
        small = make_inputs(directory / "small", 0)["annotated"]
        _seconds(cloud, small, found, splits=1, repeat=1)
        fixed = _seconds(cloud, small, found, splits=1, repeat=repeat)
        by_splits = {count: _seconds(cloud, given, found, splits=count, repeat=repeat) for count in splits}
    began = time.perf_counter()
    with given.path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return Found(given.path.stat().st_size, by_splits, fixed, time.perf_counter() - began)


def _seconds(cloud: LocalCloud, given: Input, found: cluster.Cluster, *, splits: int, repeat: int) -> float:
    source = cloud.upload(given)
    loads = [cloud.load(source, _TIMEOUT_SECONDS, splits=splits, settings=found.settings) for _ in range(repeat)]
    return statistics.median(load.measured.wall for load in loads)


def plot(found: Found, target: Path) -> None:
    """Seconds against splits, with the serial part as a line."""
    mpl.rcParams["svg.hashsalt"] = "scale-out"
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(list(found.by_splits), list(found.by_splits.values()), marker="o", label="whole load")
    axes.axhline(found.serial, linestyle="--", color="grey", label="serial: session, plan, commit, SHA-256")
    axes.axhline(found.fixed, linestyle=":", color="grey", label="of it session, plan, commit")
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(found.by_splits), [str(count) for count in found.by_splits])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("splits")
    axes.set_ylabel("wall time (s)")
    axes.set_title(f"{found.size / 1e6:.0f} MB VCF, {_WORKERS} workers of one core")
    axes.legend()
    figure.savefig(target)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


if __name__ == "__main__":
    main()
