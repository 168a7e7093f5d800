"""A Spark standalone cluster on this machine: a master and workers, each a process, whose executors are others."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.lake.spark_job import ROOT

_START_SECONDS = 120
_MEMORY_MIB = 1024


class ClusterError(RuntimeError):
    """The cluster did not start; one line says which process and where its log is."""


@dataclass(frozen=True)
class Cluster:
    """`workers` are the workers' directories, in which each keeps what its executors leave."""

    url: str
    workers: tuple[Path, ...]

    @property
    def settings(self) -> Mapping[str, str]:
        """Spark's, for a job that is to run here, once every worker has an executor for it."""
        return {
            "spark.master": self.url,
            "spark.executor.cores": "1",
            "spark.executor.memory": f"{_MEMORY_MIB // 2}m",
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        }

    def executors(self) -> list[int]:
        """How many executors each worker has started so far."""
        return [len(list(worker.glob("app-*/*/stderr"))) for worker in self.workers]


@contextlib.contextmanager
def started(directory: Path, environment: Mapping[str, str], *, workers: int = 2) -> Iterator[Cluster]:
    """Start a master and workers of one core; all that they and their executors start ends with the block.

    `environment` is added to what executors find in theirs. Raises ClusterError.
    """
    with contextlib.ExitStack() as stack:
        own = {**os.environ, **environment, "PYTHONPATH": str(ROOT), "SPARK_HOME": str(_spark_home())}
        own |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        common = ("--host", "127.0.0.1", "--webui-port", "0")

        def start(name: str, kind: str, *words: str, says: str) -> re.Match[str]:
            log = directory / f"{name}.log"
            command = [str(_spark_home() / "bin/spark-class"), f"org.apache.spark.deploy.{kind}", *common, *words]
            with log.open("wb") as output:
                process = subprocess.Popen(command, env=own, stdout=output, stderr=output, start_new_session=True)
            stack.callback(_end, process)
            return _said(process, log, says)

        url = start("master", "master.Master", "--port", "0", says=r"Starting Spark master at (\S+)")[1]
        places = tuple(directory / f"worker-{number}" for number in range(workers))
        for place in places:
            words = ("--cores", "1", "--memory", f"{_MEMORY_MIB}M", "--work-dir", str(place), url)
            start(place.name, "worker.Worker", *words, says=r"Successfully registered with master")
        yield Cluster(url, places)


def _said(process: "subprocess.Popen[bytes]", log: Path, pattern: str) -> re.Match[str]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(pattern, log.read_text(errors="replace")):
            return found
        time.sleep(0.1)
    raise ClusterError(f"Spark's {log.stem} did not start; see {log}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """A worker that is asked to end takes its executors with it."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _spark_home() -> Path:
    spec = find_spec("pyspark")
    if spec is None or not spec.origin:
        raise ClusterError("a cluster needs the Python package pyspark (extra `lake`)")
    return Path(spec.origin).parent
