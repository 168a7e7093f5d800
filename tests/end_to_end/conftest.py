"""The platform as a user meets it: the command line as a process of its own, against the shared embedded AWS."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.instance import Instance
from genomics.contracts.deployment import STACKS, Deployment, stack_name
from genomics_cli.demo import run_folder
from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run
from tests.end_to_end import run_folders, sign_offs
from tests.end_to_end.run_folders import Sequencing

CONTIGS = {"chrA": 36_000, "chrB": 24_000}


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and the summary.json it left, if any."""

    status: int
    output: str
    errors: str
    summary: dict[str, Any]

    @property
    def last_line(self) -> str:
        return self.errors.strip().splitlines()[-1]

    def steps(self, sample: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Steps of a sample by step and part; the run's own steps have the empty sample."""
        found = self.summary["run_steps"] if not sample else self.sample(sample)["steps"]
        return {(step["step"], step["part"]): step for step in found}

    def sample(self, name: str) -> dict[str, Any]:
        return next(sample for sample in self.summary["samples"] if sample["sample"] == name)

    def ran(self) -> set[str]:
        """Names of the steps of which at least one job ran."""
        steps = [*self.summary["run_steps"], *(s for sample in self.summary["samples"] for s in sample["steps"])]
        return {step["step"] for step in steps if step["state"] != "SKIPPED"}


@dataclass(frozen=True)
class CommandLine:
    """`genomics`, pointed at one embedded AWS."""

    instance: Instance
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """The shell's, without what it says of other clouds and projects."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GENOMICS_"))}
        return {**kept, **self.instance.environment(), "GENOMICS_DATA": str(self.directory / "data")}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "genomics_cli.main", *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, cwd=self.directory
        )

    def finish(self, process: "subprocess.Popen[str]", output: Path | None = None) -> Outcome:
        out, errors = process.communicate(timeout=900)
        summary = output / "summary.json" if output else None
        document = json.loads(summary.read_text()) if summary and summary.exists() else {}
        return Outcome(process.returncode, out, errors, document)

    def __call__(self, *arguments: str) -> Outcome:
        return self.finish(self.start(*arguments))

    def begin(self, sheet: Path, reference: Path, output: Path, *options: str) -> "subprocess.Popen[str]":
        return self.start("run", str(sheet), "--reference", str(reference), "--output", str(output), *options)

    def analyse(self, sheet: Path, reference: Path, output: Path, *options: str) -> Outcome:
        return self.finish(self.begin(sheet, reference, output, *options), output)

    @cached_property
    def deployment(self) -> Deployment:
        cloud = self.client("cloudformation")
        ours = {stack_name("genomics", name) for name in STACKS}
        stacks = [stack for stack in cloud.describe_stacks()["Stacks"] if stack["StackName"] in ours]
        return Deployment.from_outputs({o["OutputKey"]: o["OutputValue"] for s in stacks for o in s.get("Outputs", [])})

    def client(self, service: str) -> Any:
        where = self.instance.environment()
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=where["AWS_ENDPOINT_URL"],
            region_name=where["AWS_REGION"],
            aws_access_key_id=where["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=where["AWS_SECRET_ACCESS_KEY"],
        )

    def batch_jobs(self, run_id: str = "") -> dict[str, dict[str, Any]]:
        """Every job that was ever submitted (by a run), by id."""
        batch = self.client("batch")
        queues = [queue["jobQueueArn"] for queue in batch.describe_job_queues()["jobQueues"]]
        states = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
        listed = [
            job["jobId"]
            for queue in queues
            for state in states
            for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=state)
            for job in page["jobSummaryList"]
        ]
        pieces = [listed[at : at + 100] for at in range(0, len(listed), 100)]
        jobs = [job for piece in pieces for job in batch.describe_jobs(jobs=piece)["jobs"]]
        return {job["jobId"]: job for job in jobs if f"/{run_id}" in job["parameters"]["task"]}


@pytest.fixture(scope="session")
def genomics(embedded: Instance, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line, pointed at the embedded AWS that all end-to-end tests share."""
    return CommandLine(embedded, tmp_path_factory.mktemp("command-line"))


@pytest.fixture(scope="session")
def analyst(genomics: CommandLine) -> dict[str, str]:
    """The environment of somebody who has taken the analysts' role."""
    sts = genomics.client("sts")
    taken = sts.assume_role(RoleArn=genomics.deployment.analysts_role_arn, RoleSessionName="ada")["Credentials"]
    return {
        **genomics.instance.environment(),
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }


@pytest.fixture(scope="session")
def reads(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """Two samples, three lanes, two small contigs, with known truth."""
    return make_sequencing_run(tmp_path_factory.mktemp("reads"), contigs=CONTIGS)


@pytest.fixture(scope="session")
def analysed(genomics: CommandLine, reads: SequencingRun, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The first run on those reads, calling in more regions than contigs."""
    output = tmp_path_factory.mktemp("first")
    return genomics.analyse(
        reads.sheet, reads.reference, output, "--study", "first", *SCATTER, "--genes", str(reads.genes)
    )


@pytest.fixture(scope="session")
def sequencing(genomics: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Sequencing:
    """Three samples of two studies on two lanes, transferred; the event has been told twice."""
    directory = tmp_path_factory.mktemp("sequencing")
    contigs = run_folders.CONTIGS
    made = run_folder.make_run_folder(directory, run_folder.NOVASEQ, contigs=contigs, depth=30, tiles=(1101, 1102))
    arrived = Sequencing(genomics, made)
    arrived.register()
    event = arrived.arrive()
    for _ in range(2):
        arrived.tell(event)
    return arrived


@pytest.fixture(scope="session")
def held(genomics: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> sign_offs.Held:
    """A run of one sample whose sign-off timed out, and that was redriven."""
    directory = tmp_path_factory.mktemp("held")
    return sign_offs.hold_then_approve(genomics, sign_offs.one_sample(directory), directory / "output")


SCATTER = ("--param", "scatter.bases_per_region=20000")


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "output"
