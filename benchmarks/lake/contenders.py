"""Who takes part, and how each is run: a whole process, from its start to its end."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lake.environments import Peer
from benchmarks.lake.inputs import Content, Input
from benchmarks.lake.limits import ONE_PROCESS, SPARK, TWO_PROCESSES, UNIT
from benchmarks.lake.processes import CommandFailedError, Measured, measure
from benchmarks.lake.spark_job import CORES, LocalCloud

_ROOT = Path(__file__).parents[2]
_PEERS = Path(__file__).with_name("peers")


@dataclass(frozen=True)
class Contender:
    """`run` converts an input within so many seconds; it gives the command, for people to read, and what it took."""

    name: str
    threads: int
    run: Callable[[Input, float], tuple[list[str], Measured]]


def unit() -> Contender:
    """bcftools, which only reads and prints."""

    def run(given: Input, timeout: float) -> tuple[list[str], Measured]:
        command = ["bcftools", "view", "-H", str(given.path)]
        return [*command, ">", "/dev/null"], measure(command, os.environ, given.path.parent, timeout, discard=True)

    return Contender(UNIT, 1, run)


def without_spark(processes: int, *, environment: Mapping[str, str] | None = None) -> Contender:
    """Our tasks in so many processes. The VCF is read and Parquet written below a directory, without HTTP."""

    def run(given: Input, timeout: float) -> tuple[list[str], Measured]:
        with tempfile.TemporaryDirectory(prefix="lake-", dir=given.path.parent) as name:
            directory = Path(name)
            (directory / "in").mkdir()
            os.link(given.path, directory / "in" / given.path.name)
            module = ["-m", "benchmarks.lake.without_spark", name, given.path.name, str(processes)]
            own = {**os.environ, **(environment or {}), "PYTHONPATH": str(_ROOT)}
            measured = measure([sys.executable, *module], own, directory, timeout)
        _check(json.loads(measured.said), given.content)
        return ["python", *module], measured

    return Contender(ONE_PROCESS if processes == 1 else TWO_PROCESSES, processes, run)


def through_spark(cloud: LocalCloud) -> Contender:
    """Our job; each input is uploaded once, which does not count."""
    uploaded = {}

    def run(given: Input, timeout: float) -> tuple[list[str], Measured]:
        if given.path not in uploaded:
            uploaded[given.path] = cloud.upload(given)
        load = cloud.load(uploaded[given.path], timeout)
        _check(load.manifest.rows, given.content)
        return load.command, load.measured

    return Contender(SPARK, CORES, run)


def peer(given: Peer, directory: Path) -> Contender:
    """Another library; UnavailableError if it cannot be had."""
    python = given.python(directory)

    def run(source: Input, timeout: float) -> tuple[list[str], Measured]:
        output = Path(tempfile.mkdtemp(prefix="lake-", dir=source.path.parent))
        try:
            words = [str(source.path), str(output / "rows.parquet"), source.kind]
            measured = measure([python, str(_PEERS / given.script), *words], os.environ, output, timeout)
        finally:
            shutil.rmtree(output)
        expected = source.content.calls if source.kind == "calls" else source.content.records
        if measured.said != str(expected):
            raise CommandFailedError(f"{given.name}: writes {measured.said} rows, not {expected}")
        return ["python", given.script, *words], measured

    return Contender(given.name, given.threads, run)


def _check(rows: Mapping[str, int], content: Content) -> None:
    """Every allele, every call's allele, and nothing rejected."""
    expected = {
        "variants": content.alleles,
        "genotypes": content.call_alleles,
        "consequences": content.consequences,
        "rejects": 0,
    }
    found = {name: rows.get(name) for name in expected}
    if found != expected:
        raise CommandFailedError(f"writes {found} rows, not {expected}")
