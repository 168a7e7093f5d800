"""From a run folder that has arrived to variants of each sample, with nothing done by hand in between."""

import gzip
import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.archives import Study
from genomics.contracts.demultiplexing import UNDETERMINED, demultiplexing_id, lane_name, pairs_metric, study_run_id
from genomics.contracts.events import RunTransferred
from genomics.contracts.ledger import LOAD, RUN, LedgerEntry, from_item, step_item
from genomics.contracts.regions import Region
from genomics.contracts.runs import Artifact, Reference, RunRequest, RunResults, State
from genomics.contracts.steps import Step, StepRecord
from genomics.contracts.transfers import (
    ManifestFile,
    ManifestHeader,
    ManifestTrailer,
    file_line,
    header_line,
    trailer_line,
)
from genomics_cli.accuracy import score
from genomics_cli.demo import run_folder as demo

CONTIGS = {"chrA": 30_000, "chrB": 20_000}
SECONDS = 400


@dataclass(frozen=True)
class Sequencing:
    """A run folder as it lies in the bucket, transferred, and the event that says so."""

    genomics: Any
    made: demo.RunFolder

    @property
    def run_id(self) -> str:
        return self.made.folder.name

    @property
    def bucket(self) -> str:
        return str(self.genomics.deployment.sequencing_bucket)

    def uri(self, key: str) -> str:
        return object_keys.uri(self.bucket, key)

    def put(self, key: str, body: bytes) -> Artifact:
        self.genomics.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return Artifact(self.uri(key), hashlib.sha256(body).hexdigest(), len(body))

    def read(self, kind: Any, uri: str) -> Any:
        return codec.loads(kind, self.fetch(uri), where=uri)

    def fetch(self, uri: str) -> bytes:
        bucket, key = object_keys.parse(uri)
        body: bytes = self.genomics.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def register(self) -> None:
        fasta = self.made.reference.read_bytes()
        key = object_keys.reference_fasta(hashlib.sha256(fasta).hexdigest(), "bcl-genome.fa")
        reference = Reference("bcl-genome", self.put(key, fasta))
        for name in {sample.study for sample in demo.SAMPLES}:
            self.put(object_keys.study(name), codec.dumps(Study(name, reference=reference)).encode())

    def arrive(self) -> RunTransferred:
        """What the stage transfer leaves of a run folder."""
        paths = [path for path in self.made.folder.rglob("*") if path.is_file()]
        s3 = self.genomics.client("s3")

        def upload(path: Path) -> ManifestFile:
            name = path.relative_to(self.made.folder.parent).as_posix()
            s3.put_object(Bucket=self.bucket, Key=object_keys.RUN_FOLDERS + name, Body=path.read_bytes())
            return ManifestFile(path.stat().st_size, name)

        with ThreadPoolExecutor(4) as threads:
            files = list(threads.map(upload, paths))
        size = sum(file.size for file in files)
        lines = [
            header_line(ManifestHeader(self.run_id, 1)), *map(file_line, files),
            trailer_line(ManifestTrailer(len(files), size)),
        ]  # fmt: skip
        manifest = object_keys.transfer_manifest(self.run_id, 1)
        self.put(manifest, gzip.compress("".join(f"{line}\n" for line in lines).encode()))
        folder = self.uri(object_keys.run_folder(self.run_id))
        return RunTransferred(self.run_id, 1, folder, self.uri(manifest), len(files), size)

    def tell(self, event: RunTransferred) -> None:
        entry = {"Source": "genomics", "DetailType": "RunTransferred", "Detail": codec.dumps(event)}
        assert not self.genomics.client("events").put_events(Entries=[entry])["FailedEntryCount"]

    def entry(self, run_id: str, item: str = RUN) -> LedgerEntry | None:
        key = {"run_id": {"S": run_id}, "item": {"S": item}}
        table = self.genomics.deployment.ledger_table
        found = self.genomics.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return from_item(found) if found else None

    def ended(self, run_id: str) -> LedgerEntry:
        found: list[LedgerEntry] = []

        def look() -> bool:
            entry = self.entry(run_id)
            found[:] = [entry] if entry else []
            return bool(entry and entry.state.is_final)

        until(look)
        return found[0]

    def executions(self) -> list[str]:
        """The requests that executions of any machine were started with, for this run folder."""
        states = self.genomics.client("stepfunctions")
        found = []
        for machine in states.list_state_machines()["stateMachines"]:
            pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
            for arn in (execution["executionArn"] for page in pages for execution in page["executions"]):
                given = json.loads(states.describe_execution(executionArn=arn)["input"])
                if f"/{self.run_id}-g" in given.get("request", ""):
                    found.append(given["request"])
        return found


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def sequencing(genomics: Any, tmp_path_factory: pytest.TempPathFactory) -> Sequencing:
    """Three samples of two studies on two lanes, transferred; the event has been told twice."""
    directory = tmp_path_factory.mktemp("sequencing")
    made = demo.make_run_folder(directory, demo.NOVASEQ, contigs=CONTIGS, depth=30, tiles=(1101, 1102))
    arrived = Sequencing(genomics, made)
    arrived.register()
    event = arrived.arrive()
    for _ in range(2):
        arrived.tell(event)
    return arrived


def test_each_study_of_a_run_folder_is_analysed_once(sequencing: Sequencing) -> None:
    own = demultiplexing_id(sequencing.run_id, 1)
    demultiplexed = sequencing.ended(own)
    assert demultiplexed.state is State.SUCCEEDED, demultiplexed.reason
    runs = {study: study_run_id(own, study) for study in ("heart", "lung")}
    for study, run_id in runs.items():
        ended = sequencing.ended(run_id)
        assert (ended.state, ended.study) == (State.SUCCEEDED, study), ended.reason
        # The lake has heard VariantsCalled.
        until(lambda run_id=run_id: sequencing.entry(run_id, LOAD))
        request = sequencing.read(RunRequest, sequencing.uri(object_keys.run_request(run_id)))
        assert {sample.sample: [lane.lane for lane in sample.lanes] for sample in request.samples} == {
            sample.name: ["L001", "L002"] for sample in demo.SAMPLES if sample.study == study
        }
    requests = [object_keys.demultiplex_request(own), *(f"runs/{run_id}/request.json" for run_id in runs.values())]
    assert sorted(sequencing.executions()) == sorted(map(sequencing.uri, requests))


def test_the_records_count_what_the_sequencer_has_read(sequencing: Sequencing) -> None:
    own = demultiplexing_id(sequencing.run_id, 1)
    assert sequencing.ended(own).state is State.SUCCEEDED
    for lane in (1, 2):
        entry = sequencing.entry(own, step_item("", Step.DEMULTIPLEX, lane_name(lane)))
        assert entry is not None
        assert entry.fingerprint is not None
        key = object_keys.step_record(Step.DEMULTIPLEX, entry.fingerprint)
        record = sequencing.read(StepRecord, sequencing.uri(key))
        owners = [*(sample.name for sample in demo.SAMPLES), UNDETERMINED]
        assert {owner: record.metrics[pairs_metric(owner)] for owner in owners} == {
            owner: sequencing.made.reads[lane, owner] for owner in owners
        }
        assert record.tool_versions["PicardCommandLine"] == "2.27.5"


def test_every_sample_has_its_own_variants(sequencing: Sequencing, tmp_path: Path) -> None:
    pysam.faidx(str(sequencing.made.reference))
    regions = [Region(name, 1, length) for name, length in CONTIGS.items()]
    for sample in demo.SAMPLES:
        run_id = study_run_id(demultiplexing_id(sequencing.run_id, 1), sample.study)
        assert sequencing.ended(run_id).state is State.SUCCEEDED
        results = sequencing.read(RunResults, sequencing.uri(object_keys.run_results(run_id)))
        [result] = [each for each in results.samples if each.sample == sample.name]
        assert result.vcf is not None
        assert result.vcf_index is not None
        for artifact in (result.vcf, result.vcf_index):
            (tmp_path / artifact.name).write_bytes(sequencing.fetch(artifact.uri))
        found = score(
            calls=tmp_path / result.vcf.name,
            truth=sequencing.made.truths[sample.name],
            sample=sample.name,
            reference=sequencing.made.reference,
            regions=regions,
        ).fair
        assert (found.snps.f1 or 0) >= 0.999, found.snps
        assert (found.indels.f1 or 0) >= 0.995, found.indels
