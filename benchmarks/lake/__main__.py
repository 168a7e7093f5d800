"""VCF to Parquet (zstd), beside `bcftools view -H`, which only reads, and the libraries that convert.

`python -m benchmarks.lake [--scale F] [--repeat N] [--inputs DIR] [--only NAME,...] [--json FILE]`. The inputs are
generated: 200,000 records without samples, annotated as ClinVar and VEP do (`annotated`: CSQ's fields are not described
and stay text; `annotated_csq`: they are, in the header, and records are the same), and 60,000 records of 200 samples
(`cohort`). Each round runs every contender once on each input, a whole process with its start; ours have run before on
small ones, so that their code is compiled, and everybody on one record, whose time is the start's. Written is
of `annotated` a row for each record (ours: for each ALT) with every INFO field typed; of `cohort` a row for each call
that is not homozygous reference (ours: and ALT) with every FORMAT field typed, ours also the records; of
`annotated_csq`, beside what is of `annotated`, a row for each of CSQ's entries with all its subfields. Numbers of rows
are checked. Printed are medians; memory is that of all processes of a contender together. Ratios of wall times are
medians of the rounds' own. It ends with 1, and a line for each, where a limit of `limits.py` is missed.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.lake import contenders, limits
from benchmarks.lake.contenders import Contender
from benchmarks.lake.environments import PEERS, UnavailableError
from benchmarks.lake.inputs import Input, make_inputs
from benchmarks.lake.limits import Ratio, Runs
from benchmarks.lake.processes import CommandFailedError, Measured
from benchmarks.lake.spark_job import local_cloud

# Only bcftools and ours: the records are those of `annotated`.
_OURS_ONLY = "annotated_csq"
_OURS = (limits.UNIT, limits.ONE_PROCESS, limits.TWO_PROCESSES, limits.SPARK)
# Enough for the reader to use compiled code, in each of two ranges.
_WARM_UP = 0.1


class Rounds:
    """Measurements as they come: `runs` and, of a VCF of one record, `starts`; `left_out` says who is, and why."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.runs: dict[str, dict[str, list[Measured]]] = {}
        self.starts: dict[str, dict[str, list[Measured]]] = {}
        self.commands: dict[str, dict[str, str]] = {}
        self.left_out: dict[str, str] = {}

    def add(self, contender: Contender, given: Input, into: dict[str, dict[str, list[Measured]]] | None) -> None:
        """Run a contender once; who fails on an input is left out of it."""
        name = f"{contender.name}, {given.name}"
        if name in self.left_out:
            return
        try:
            command, measured = contender.run(given, self._timeout)
        except CommandFailedError as error:
            self.left_out[name] = str(error)
            for found in (self.runs, self.starts):
                found.get(given.name, {}).pop(contender.name, None)
            print(f"{name} is left out: {error}", flush=True)
            return
        sys.stderr.write(
            f"{name}, {given.content.records:,} records: {measured.wall:.2f} s, CPU {measured.cpu:.2f} s\n"
        )
        if into is not None:
            into.setdefault(given.name, {}).setdefault(contender.name, []).append(measured)
        if into is self.runs:
            self.commands.setdefault(given.name, {})[contender.name] = " ".join(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write; status 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.lake")
    parser.add_argument("--scale", type=float, default=1.0, help="of the inputs' numbers of records")
    parser.add_argument("--repeat", type=int, default=3)
    kept = Path(tempfile.gettempdir()) / "benchmarks-lake"
    parser.add_argument("--inputs", type=Path, default=kept, help="where inputs and peers are kept")
    parser.add_argument("--only", default="", help="names of contenders, or their beginnings, separated by commas")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds that a contender may take for an input")
    parser.add_argument("--json", type=Path, help="write what was measured there")
    options = parser.parse_args(arguments)
    # So that what was started ends with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    given = make_inputs(options.inputs / "inputs", options.scale)
    rounds = Rounds(options.timeout)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-lake-")))
        own = [contenders.unit(), contenders.without_spark(1), contenders.without_spark(2)]
        taking_part = [contender for contender in own if _is_chosen(contender.name, options.only)]
        if _is_chosen(limits.SPARK, options.only):
            taking_part.append(contenders.through_spark(stack.enter_context(local_cloud(scratch))))
        taking_part += peers(options.inputs / "peers", rounds, options.only)
        run_rounds(taking_part, given, options, rounds)
        cold = run_cold(taking_part, given, rounds, scratch)
    found = list(limits.ratios(rounds.runs, rounds.starts))
    show(taking_part, given, rounds, cold)
    for ratio in found:
        print(f"{'met   ' if ratio.is_met else 'MISSED'} {ratio.name}: {ratio.value:.2f} ({ratio.limit:g})")
    if options.json:
        options.json.write_text(json.dumps(document(taking_part, given, rounds, found, cold), indent=2) + "\n")
    if missed := [ratio.miss() for ratio in found if not ratio.is_met]:
        sys.exit("\n".join(missed))


def peers(directory: Path, rounds: Rounds, only: str) -> list[Contender]:
    """Those that can be had; of each other one a line."""
    found = []
    for each in PEERS:
        if not _is_chosen(each.name, only):
            continue
        try:
            found.append(contenders.peer(each, directory))
        except UnavailableError as error:
            rounds.left_out[each.name] = str(error)
            print(f"{each.name} is left out: {error}", flush=True)
    return found


def _is_chosen(name: str, only: str) -> bool:
    return not only or any(name.startswith(word) for word in only.split(","))


def run_rounds(
    taking_part: Sequence[Contender], given: Mapping[str, Input], options: argparse.Namespace, rounds: Rounds
) -> None:
    """Warm ours up on small inputs, have everybody start, then run all in turn."""
    warm_up = make_inputs(options.inputs / "inputs", min(options.scale, _WARM_UP))
    smallest = make_inputs(options.inputs / "inputs", 0)
    for contender in taking_part:
        if contender.name in _OURS:
            for source in _inputs_of(contender, warm_up):
                rounds.add(contender, source, None)
        for source in _inputs_of(contender, smallest):
            rounds.add(contender, source, rounds.starts)
    for _ in range(options.repeat):
        for contender in taking_part:
            for source in _inputs_of(contender, given):
                rounds.add(contender, source, rounds.runs)
    if not rounds.runs:
        sys.exit("nobody could be measured")


def run_cold(
    taking_part: Sequence[Contender], given: Mapping[str, Input], rounds: Rounds, scratch: Path
) -> dict[str, Measured]:
    """Ours in two processes once more, where nothing compiled is kept; empty if it did not take part."""
    if all(contender.name != limits.TWO_PROCESSES for contender in taking_part):
        return {}
    found: dict[str, dict[str, list[Measured]]] = {}
    for name, source in given.items():
        empty = {"NUMBA_CACHE_DIR": str(scratch / f"cold-{name}")}
        rounds.add(contenders.without_spark(2, environment=empty), source, found)
    return {name: measured for name, by_name in found.items() for (measured,) in by_name.values()}


def _inputs_of(contender: Contender, given: Mapping[str, Input]) -> list[Input]:
    return [source for name, source in given.items() if name != _OURS_ONLY or contender.name in _OURS]


def show(
    taking_part: Sequence[Contender], given: Mapping[str, Input], rounds: Rounds, cold: Mapping[str, Measured]
) -> None:
    """Print what everybody took, and in proportion to bcftools."""
    for name, source in given.items():
        about = source.content
        print(f"\n{name}: {about.records:,} records, {about.calls:,} calls, {source.path.stat().st_size / 1e6:.1f} MB")
        print(f"{'':22}{'threads':>8}{'wall s':>9}{'CPU s':>9}{'MB':>8}{'wall x':>8}{'CPU x':>8}{'start s':>9}")
        own = rounds.runs.get(name, {})
        for contender in taking_part:
            if measured := own.get(contender.name):
                wall, cpu, memory = medians(measured)
                beside = "".join(f"{ratio:8.2f}" for ratio in _to_unit(own, contender.name)) or f"{'':16}"
                starts = rounds.starts.get(name, {}).get(contender.name)
                start = f"{medians(starts)[0]:9.2f}" if starts else ""
                print(f"{contender.name:22}{contender.threads:8}{wall:9.2f}{cpu:9.2f}{memory:8.0f}{beside}{start}")
                print(f"{'':4}{rounds.commands[name][contender.name]}")
        if name in cold:
            print(f"{limits.TWO_PROCESSES}, nothing compiled before: {cold[name].wall:.2f} s, CPU {cold[name].cpu:.2f}")
    print(f"\nload of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")


def medians(measured: Sequence[Measured]) -> tuple[float, float, float]:
    """Wall and CPU seconds, and MB."""
    return (
        statistics.median(each.wall for each in measured),
        statistics.median(each.cpu for each in measured),
        statistics.median(each.memory_mb for each in measured),
    )


def _to_unit(own: Mapping[str, Sequence[Measured]], name: str) -> list[float]:
    """Wall and CPU in proportion to the unit's; empty where it was not measured."""
    if limits.UNIT not in own:
        return []
    (wall, cpu, _), (of_wall, of_cpu, _) = medians(own[name]), medians(own[limits.UNIT])
    return [wall / of_wall, cpu / of_cpu]


def document(
    taking_part: Sequence[Contender],
    given: Mapping[str, Input],
    rounds: Rounds,
    found: Sequence[Ratio],
    cold: Mapping[str, Measured],
) -> dict[str, Any]:
    """All of it, for JSON."""
    said = subprocess.run(["bcftools", "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), "bcftools": said.split()[1]},
        "inputs": {name: vars(source.content) for name, source in given.items()},
        "threads": {contender.name: contender.threads for contender in taking_part},
        "commands": rounds.commands,
        "runs": _plain(rounds.runs),
        "starts": _plain(rounds.starts),
        "cold": {name: vars(measured) for name, measured in cold.items()},
        "ratios": [{**vars(ratio), "is_met": ratio.is_met} for ratio in found],
        "left_out": rounds.left_out,
    }


def _plain(runs: Runs) -> dict[str, Any]:
    return {
        name: {contender: [vars(each) for each in measured] for contender, measured in by_name.items()}
        for name, by_name in runs.items()
    }


if __name__ == "__main__":
    main()
