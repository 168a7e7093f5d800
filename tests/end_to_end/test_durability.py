"""`kill -9` of the embedded AWS at any moment of a run: the same command carries the run to the same end.

Nothing that was acknowledged is lost, and no step that the ledger called SUCCEEDED runs again.
"""

import hashlib
import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws import instance
from embedded_aws.instance import Instance
from genomics.contracts.tables import TABLES
from genomics_cli.demo.sequencing_run import make_sequencing_run
from tests.end_to_end.conftest import CommandLine, Outcome

CONTIGS = {"chrA": 6_000}
STUDY = ("--study", "killed")
BUCKET = "acknowledged"
# Parts of a run, in requests: up to where it is killed, and from where on some of its steps are finished.
LAST_MOMENT, SOMETHING_IS_FINISHED = 0.95, 0.5
# A run that is carried on may load the rows itself: who loaded them, and from which copy, is no part of the tables.
_NOT_COMPARED = ("run_id", "source_uri", "source_sha256")


@dataclass(frozen=True)
class Input:
    """One sample on one lane, a few hundred pairs."""

    sheet: Path
    reference: Path


@dataclass
class Site:
    """An embedded AWS on its own data, through all its lives."""

    directory: Path
    assembly: Path
    input: Input
    lives: list[Instance] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.directory / "aws"

    @property
    def log(self) -> Path:
        return self.data / "requests.jsonl"

    def line(self) -> CommandLine:
        return CommandLine(self.lives[-1], self.directory)

    def start(self) -> CommandLine:
        self.lives.append(instance.start(self.data, 0, self.assembly))
        return self.line()

    def kill(self) -> None:
        os.kill(self.lives[-1].pid, signal.SIGKILL)
        while instance.find(self.data) is not None:
            time.sleep(0.01)

    def run(self) -> Outcome:
        output = self.directory / f"output-{len(self.lives)}"
        return self.line().analyse(self.input.sheet, self.input.reference, output, *STUDY)

    def run_until(self, requests: int) -> bool:
        """Begin a run and kill everything when so many requests have been answered; False where it ended before."""
        counted = _Lines(self.log)
        output = self.directory / f"output-{len(self.lives)}"
        process = self.line().begin(self.input.sheet, self.input.reference, output, *STUDY)
        try:
            while counted.count() < requests:
                if process.poll() is not None:
                    return False
                time.sleep(0.005)
            self.kill()
        finally:
            process.kill()
            process.communicate()
        return True


class _Lines:
    """Counts the lines that come to a request log from now on, but for the writer's and for looks at how far a run is.

    Of the latter there are as many as the run takes time.
    """

    _NOT_COUNTED = (BUCKET.encode(), b'"dynamodb:Query"', b'"states:DescribeExecution"')

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._count = path, path.stat().st_size, 0

    def count(self) -> int:
        with self._path.open("rb") as file:
            file.seek(self._at)
            found = file.read()
        complete = found[: found.rfind(b"\n") + 1]
        self._at += len(complete)
        self._count += sum(not any(each in line for each in self._NOT_COUNTED) for line in complete.splitlines())
        return self._count


class Writer:
    """Puts objects one after another, and notes what was acknowledged."""

    def __init__(self, line: CommandLine) -> None:
        where = line.instance.environment()
        self._s3 = boto3.client(
            "s3",
            endpoint_url=where["AWS_ENDPOINT_URL"],
            region_name=where["AWS_REGION"],
            aws_access_key_id=where["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=where["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.acknowledged: dict[str, str] = {}
        self._life = line.instance.pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def _write(self) -> None:
        sizes = itertools.cycle((0, 100, 5_000, 200_000))
        while not self._stop.wait(0.02):
            key, body = f"{self._life}/{len(self.acknowledged)}", os.urandom(next(sizes))
            try:
                self._s3.put_object(Bucket=BUCKET, Key=key, Body=body)
            except (BotoCoreError, ClientError):
                return
            self.acknowledged[key] = hashlib.md5(body, usedforsecurity=False).hexdigest()

    @contextmanager
    def writing(self) -> Iterator[None]:
        self._thread.start()
        yield
        self._stop.set()
        self._thread.join()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Input:
    made = make_sequencing_run(tmp_path_factory.mktemp("tiny"), contigs=CONTIGS)
    heading, *rows = made.sheet.read_text().splitlines()
    made.sheet.write_text("\n".join([heading, *(row for row in rows if "DEMO-2" in row)]) + "\n")
    return Input(made.sheet, made.reference)


@dataclass(frozen=True)
class Unkilled:
    """What a run comes to that nothing disturbs: how many requests it makes, and the tables."""

    requests: int
    tables: dict[str, str]


@pytest.fixture(scope="module")
def unkilled(cloud_assembly: Path, tiny: Input, tmp_path_factory: pytest.TempPathFactory) -> Unkilled:
    site = Site(tmp_path_factory.mktemp("unkilled"), cloud_assembly, tiny)
    try:
        line = site.start()
        counted = _Lines(site.log)
        outcome = site.run()
        assert outcome.status == 0, outcome.errors
        requests = counted.count()
        return Unkilled(requests, _tables(line))
    finally:
        instance.stop(site.data)


def _tables(line: CommandLine) -> dict[str, str]:
    """Each table's name and a hash of its rows, sorted."""
    found = {}
    for table in TABLES:
        columns = [c.name for c in (*table.columns, *table.partitions) if c.name not in _NOT_COMPARED]
        names = ", ".join(f'"{name}"' for name in columns)
        outcome = line("query", f"select {names} from {table.name}", "--format", "json")
        assert outcome.status == 0, outcome.errors
        rows = sorted(json.dumps(row, sort_keys=True) for row in json.loads(outcome.output)["rows"])
        assert len(rows) > 5 or table.name in ("consequences", "rejects")
        found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def _finished(line: CommandLine) -> set[tuple[str, str, str]]:
    """Sample, step and part of all that the ledger calls SUCCEEDED."""
    pages = line.client("dynamodb").get_paginator("scan").paginate(TableName=line.deployment.ledger_table)
    items = [item for page in pages for item in page["Items"] if item["item"]["S"].startswith("step#")]
    done = [item["item"]["S"] for item in items if item["state"]["S"] == "SUCCEEDED"]
    return {(sample, step, part) for _, sample, step, part in (name.split("#", 3) for name in done)}


def _skipped(outcome: Outcome) -> set[tuple[str, str, str]]:
    entries = [("", step) for step in outcome.summary["run_steps"]]
    entries += [(sample["sample"], step) for sample in outcome.summary["samples"] for step in sample["steps"]]
    return {(sample, step["step"], step["part"]) for sample, step in entries if step["state"] == "SKIPPED"}


def _interrupted(line: CommandLine) -> list[dict[str, Any]]:
    outcome = line("status", "--json")
    assert outcome.status == 0, outcome.errors
    return [run for run in json.loads(outcome.output)["runs"] if (run.get("reason") or "").startswith("interrupted: ")]


def _kill_and_carry_on(site: Site, pauses: list[int], unkilled: Unkilled) -> set[tuple[str, str, str]]:
    """Kill after so many requests, each time of a new life, then let the same command come to its end.

    What had been finished before that.
    """
    acknowledged: dict[str, str] = {}
    line = site.start()
    line.client("s3").create_bucket(Bucket=BUCKET)
    for requests in pauses:
        writer = Writer(line)
        with writer.writing():
            was_killed = site.run_until(requests)
        assert was_killed, "the run ended before its moment came"
        acknowledged |= writer.acknowledged
        line = site.start()
    finished = _finished(line)
    running = [run for run in json.loads(line("status", "--json").output)["runs"] if run["state"] == "RUNNING"]
    # Only what an event that had been accepted has started anew since.
    assert len(running) <= 1
    for run in _interrupted(line):
        assert run["state"] == "FAILED"
        assert "type the same `genomics run` again" in run["reason"]
    outcome = site.run()
    assert outcome.status == 0, outcome.errors
    assert finished <= _skipped(outcome)
    assert _tables(line) == unkilled.tables
    s3 = line.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    found = {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}
    assert acknowledged.items() <= found.items()
    for key in sorted(acknowledged)[::10]:
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert hashlib.md5(body, usedforsecurity=False).hexdigest() == acknowledged[key]
    return finished


@pytest.fixture
def site(cloud_assembly: Path, tiny: Input, tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, cloud_assembly, tiny)
    yield made
    instance.stop(made.data)


@pytest.mark.slow
def test_a_run_comes_to_the_same_end_over_three_kills(site: Site, unkilled: Unkilled) -> None:
    pauses = [int(part * unkilled.requests) for part in np.random.default_rng(1).uniform(0.1, 0.3, 3)]
    _kill_and_carry_on(site, pauses, unkilled)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_run_comes_to_the_same_end_whenever_it_is_killed(site: Site, unkilled: Unkilled, seed: int) -> None:
    # One moment in each twentieth of a run; not in its last requests, of which another run may make fewer.
    moment = (seed + np.random.default_rng(seed).random()) / 20 * LAST_MOMENT
    finished = _kill_and_carry_on(site, [max(1, int(moment * unkilled.requests))], unkilled)
    assert finished or moment < SOMETHING_IS_FINISHED
