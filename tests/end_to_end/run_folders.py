"""A run folder that the stage transfer has brought, and what becomes of it."""

import gzip
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomics.contracts import codec, object_keys
from genomics.contracts.archives import Study
from genomics.contracts.events import RunTransferred
from genomics.contracts.ledger import RUN, LedgerEntry, from_item
from genomics.contracts.runs import Artifact, Reference
from genomics.contracts.transfers import (
    ManifestFile,
    ManifestHeader,
    ManifestTrailer,
    file_line,
    header_line,
    trailer_line,
)
from genomics_cli.demo import run_folder as demo
from tests.waiting import until

CONTIGS = {"chrA": 30_000, "chrB": 20_000}
SECONDS = 900


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
        key = object_keys.reference_file(hashlib.sha256(fasta).hexdigest(), "bcl-genome.fa")
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

        until(look, seconds=SECONDS)
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
