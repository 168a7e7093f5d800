"""A sequencing bucket, a ledger and a run on them, with tools that leave only records and small objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.s3.models import s3_backends

from genomics.contracts import codec, object_keys
from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.runs import Artifact, LaneReads, Reference, RunRequest, SampleReads, State
from genomics.contracts.steps import REFERENCE_STORE, OutputFile, Step, StepRecord, Task
from lambdas import documents
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.secondary.plan_reference import plan_reference
from lambdas.secondary.plan_sample import plan_sample
from lambdas.secondary.plan_samples import plan_samples

if TYPE_CHECKING:
    from moto.core.models import MockAWS
    from moto.s3.models import S3Backend
    from mypy_boto3_s3 import S3Client

BUCKET = "sequencing"
LAKE_BUCKET = "lake"
TABLE = "ledger"
STORE = "fs-1"
IMAGES = {step.value: f"image-of-{step}" for step in Step}
FAI = "chr1\t5000\t6\t60\t61\nchr2\t3000\t5100\t60\t61\n"


def objects() -> S3Backend:
    """moto's own S3. What a test finds there goes in past the API, which takes a hundred times as long."""
    return s3_backends["123456789012"]["aws"]


def store(uri: str, body: bytes) -> str:
    """Put an object; returns its ETag."""
    return objects().put_object(*object_keys.parse(uri), body).etag


@dataclass(frozen=True)
class Planned:
    """What one planning of a run has decided."""

    run_id: str
    reference: Mapping[str, Any]
    samples: Mapping[str, Mapping[str, Any]]
    entries: Mapping[str, LedgerEntry]

    @property
    def ran(self) -> set[str]:
        """Items of the steps that were to run, e.g. `step#S1#align#`."""
        return {item for item, entry in self.entries.items() if entry.state is State.PLANNED}

    def reason(self, item: str) -> str:
        return self.entries[item].reason or ""


@dataclass
class Platform:
    """The account in which functions are called as the state machine calls them."""

    s3: S3Client
    ledger: Ledger

    def put(self, key: str, body: bytes) -> Artifact:
        store(object_keys.uri(BUCKET, key), body)
        return Artifact(object_keys.uri(BUCKET, key), hashlib.sha256(body).hexdigest(), len(body))

    def reads(self, text: str) -> Artifact:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        return self.put(object_keys.reads(sha256, f"{text}.fastq.gz"), text.encode())

    def request(self, run_id: str, samples: Mapping[str, Mapping[str, str]], **changes: Any) -> RunRequest:
        """A request; `samples` maps sample -> lane -> a text that stands for the content of its reads."""
        fasta = b">chr1"
        reference = self.put(object_keys.reference_file(hashlib.sha256(fasta).hexdigest(), "ref.fa"), fasta)
        request = RunRequest(
            run_id=run_id,
            study="study",
            reference=Reference("ref", reference),
            samples=tuple(
                SampleReads(
                    sample,
                    f"patient-{sample}",
                    tuple(
                        LaneReads(lane, self.reads(f"{text}_1"), self.reads(f"{text}_2"))
                        for lane, text in lanes.items()
                    ),
                )
                for sample, lanes in samples.items()
            ),
        )
        return replace(request, **changes)

    def plan(
        self,
        request: RunRequest,
        images: Mapping[str, str] = IMAGES,
        *,
        complete: bool = True,
        reference_store: str = STORE,
    ) -> Planned:
        """Plan a run as the state machine does; with `complete`, every tool that is to run succeeds."""
        uri = object_keys.uri(BUCKET, object_keys.run_document(request.run_id, "request.json"))
        documents.write(self.s3, request, uri)
        common: dict[str, Any] = {
            "request_uri": uri,
            "bucket": BUCKET,
            "images": images,
            "s3": self.s3,
            "ledger": self.ledger,
        }
        state = plan_reference(
            reference_store=reference_store, job_queue="queue", urgent_job_queue="urgent-queue", **common
        )
        if state["reference"]["run"]:
            metrics = {REFERENCE_STORE: reference_store}
            self.complete(state["reference"]["task"], image=images[Step.PREPARE_REFERENCE], metrics=metrics)
        if state["annotation"]["run"]:
            self.complete(state["annotation"]["task"], image=images[Step.PREPARE_ANNOTATION])
        samples = {}
        listed = self.s3.get_object(Bucket=BUCKET, Key=plan_samples(**common)["samples"])["Body"].read()
        for item in json.loads(listed):
            planned = samples[item["sample"]] = plan_sample(sample=item["sample"], **common)
            jobs = [
                *planned["lanes"],
                planned["align"],
                planned["coverage"],
                *planned["regions"],
                planned["gather"],
                planned["annotate"],
                planned["quality"],
            ]
            for job in jobs if complete else ():
                if job["task"]:
                    self.complete(job["task"])
        entries = {entry.item: entry for entry in self.ledger.find(request.run_id, "step#")}
        return Planned(request.run_id, state["reference"], samples, entries)

    def job_of(self, planned: Planned, step: str) -> str:
        """The task of a step that all samples share."""
        return object_keys.uri(BUCKET, object_keys.task(planned.run_id, "", Step(step), ""))

    def task(self, uri: str) -> Task:
        bucket, key = object_keys.parse(uri)
        return codec.loads(Task, objects().get_object(bucket, key).value, where=uri)

    def complete(
        self, task_uri: str, *, image: str = "image", metrics: Mapping[str, str] = MappingProxyType({})
    ) -> StepRecord:
        """Do what a tool does: leave outputs, then the record."""
        task = self.task(task_uri)
        outputs = {}
        for name, uri in task.outputs.items():
            body = FAI.encode() if name == "fai" else f"{task.fingerprint} {name}".encode()
            outputs[name] = OutputFile(uri, hashlib.sha256(body).hexdigest(), len(body), store(uri, body))
        record = StepRecord(
            fingerprint=task.fingerprint,
            run_id=task.run_id,
            sample=task.sample,
            step=task.step,
            part=task.part,
            inputs=task.inputs,
            outputs=outputs,
            parameters=task.parameters,
            image=image,
            tool_versions={"tool": "1.0"},
            started_at="2026-01-01T00:00:00.000+00:00",
            seconds=1.0,
            staging_seconds=0.1,
            peak_memory_mib=10,
            vcpus=1,
            memory_mib=512,
            job_id="job",
            attempt=1,
            metrics=metrics,
        )
        store(task.record, codec.dumps(record).encode())
        return record

    def start(self, run_id: str) -> None:
        """The ledger's entry of a run as `start_run` leaves it."""
        self.ledger.update(
            LedgerEntry(run_id, RUN, State.RUNNING, started_at="2026-01-01T00:00:00.000+00:00", study="study")
        )


@pytest.fixture(scope="module")
def account() -> Iterator[MockAWS]:
    """An emulated account and its credentials; one for a module, as the first clients of a session cost most."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("SEQUENCING_BUCKET", BUCKET)
        environment.setenv("DATA_LAKE_BUCKET", LAKE_BUCKET)
        environment.setenv("LEDGER_TABLE", TABLE)
        with mock_aws() as mock:
            yield mock


@pytest.fixture
def platform(account: MockAWS) -> Platform:
    """Empty buckets and an empty ledger."""
    account.reset()
    s3 = documents.s3_client()
    for bucket in (BUCKET, LAKE_BUCKET):
        s3.create_bucket(Bucket=bucket)
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "run_id", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "run_id", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
    )
    return Platform(s3, open_ledger(TABLE))
