"""The whole NA12878 pipeline on the embedded AWS beside the same commands in one bash script, and what a task costs.

`python -m benchmarks.orchestration [--data DIR] [--short] [--repeat N] [--tasks N]`. The script (`pipeline.sh`) has the
tools' commands with the same threads and arguments; both end with the same records, or the benchmark fails. With
`--short` the reference is the first 11 Mb of chr20, indexed in a tenth of the time: what the platform adds then weighs
more. The platform's time goes from the start of `genomics run` to the end of the run's execution; loading the lake
counts on neither side. Each round runs both, on an instance without results; printed are medians. It ends with 1, and a
line that says so, where the platform takes more than MOST_OF_SCRIPT times the script's time.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.orchestration import chain, pipeline
from benchmarks.orchestration.pipeline import Input, Timed
from embedded_aws import instance
from genomics_cli import embedded

MOST_OF_SCRIPT = 1.15
_ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; status 1 if the limit is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.orchestration")
    shared = Path(os.environ.get("GENOMICS_SHARED_DATA") or _ROOT / "../shared/data")
    parser.add_argument("--data", type=Path, default=shared, help="the shared public data set")
    parser.add_argument("--short", action="store_true", help="take the first 11 Mb of the reference")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=50, help="length of the chain of tasks of nothing")
    options = parser.parse_args(arguments)
    if not (options.data / "secondary_truth").is_dir():
        sys.exit(f"{options.data}: the shared data set is not there; name it with --data")
    with tempfile.TemporaryDirectory(prefix="orchestration-") as name:
        directory = Path(name)
        show_chain(options.tasks, directory)
        rounds = measure(Input.of(options.data.resolve(), directory, short=options.short), directory, options.repeat)
    show(rounds)
    ratio = _median(rounds, 0) / _median(rounds, 1)
    if ratio > MOST_OF_SCRIPT:
        sys.exit(f"the platform takes {ratio:.2f} times as long as the script, more than {MOST_OF_SCRIPT}")


def measure(given: Input, directory: Path, repeat: int) -> list[tuple[Timed, Timed]]:
    """The platform's and the script's times of each round; AssertionError where their records differ."""
    rounds = []
    for number in range(repeat):
        place = directory / f"aws-{number}"
        running = embedded.start(place, port=0, project="genomics", progress=lambda _line: None).instance
        try:
            ours = pipeline.on_the_platform(given, directory / f"platform-{number}", running)
        finally:
            instance.stop(place)
        script = pipeline.by_script(given, directory / f"script-{number}")
        assert ours.records == script.records, "the platform and the script do not call the same"
        rounds.append((ours, script))
    return rounds


def show(rounds: Sequence[tuple[Timed, Timed]]) -> None:
    """Print what both took, by step."""
    print(f"threads, both: {pipeline.threads()}; {len(rounds[0][0].records)} records, the same on both sides")
    print(f"{'':20}{'platform s':>12}{'script s':>12}")
    for step in rounds[0][0].steps:
        ours = statistics.median(each.steps[step] for each, _ in rounds)
        # The script has coverage run beside the calling.
        theirs = [each.steps[step] for _, each in rounds if step in each.steps]
        print(f"{step:20}{ours:12.2f}" + (f"{statistics.median(theirs):12.2f}" if theirs else f"{'':>12}"))
    ours, script = _median(rounds, 0), _median(rounds, 1)
    print(f"{'all, wall':20}{ours:12.2f}{script:12.2f}   ratio {ours / script:.2f}")


def show_chain(tasks: int, directory: Path) -> None:
    """Print what a task of nothing costs."""
    print(f"a task of a chain of {tasks}, embedded AWS: {chain.on_the_platform(tasks, directory):.1f} ms")
    snakemake = chain.by_snakemake(tasks, directory)
    if isinstance(snakemake, str):
        print(f"Snakemake {chain.SNAKEMAKE} is left out: {snakemake}")
    else:
        print(f"the same, Snakemake {chain.SNAKEMAKE}: {snakemake[0]:.1f} ms, and {snakemake[1]:.0f} ms to start")


def _median(rounds: Sequence[tuple[Timed, Timed]], side: int) -> float:
    return statistics.median(each[side].seconds for each in rounds)


if __name__ == "__main__":
    main()
