"""Our job through Spark, as the embedded AWS's Glue runs it: the real script, `local[2]`, S3 and catalog over HTTP."""

import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from benchmarks.lake.inputs import Input
from benchmarks.lake.processes import Measured, measure
from embedded_aws import instance
from embedded_aws.glue import spark
from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.loads import LoadManifest, LoadRequest, LoadSource
from genomics.contracts.runs import Artifact
from genomics.contracts.tables import LOOKUPS, TABLES, Column
from glue_jobs.variants.options import VariantsOptions, arguments

ROOT = Path(__file__).parents[2]
_SCRIPT = ROOT / "glue_jobs/variants/job.py"
BUCKET, DATABASE = "lake", "genomics"
CORES = 2
LOCAL = {"spark.master": f"local[{CORES}]"}


@dataclass(frozen=True)
class Load:
    """What the job was told, what it took, and what it has committed."""

    command: list[str]
    measured: Measured
    manifest: LoadManifest


@dataclass(frozen=True)
class LocalCloud:
    """An embedded AWS without stacks: a bucket, and a catalog with the lake's tables. `environment` points at it."""

    environment: dict[str, str]

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def upload(self, given: Input) -> Artifact:
        """Put a VCF where the job reads it."""
        key = f"inputs/{given.path.name}"
        self.client("s3").upload_file(str(given.path), BUCKET, key)
        return Artifact(f"s3://{BUCKET}/{key}", given.sha256(), given.path.stat().st_size)

    def load(
        self, source: Artifact, timeout: float, *, splits: int = CORES, settings: Mapping[str, str] = LOCAL
    ) -> Load:
        """Run the job on an uploaded VCF, as a dataset of its own, in about as many ranges as `splits` says.

        A range is of whole MiB. `settings` are Spark's. No file is small enough to do without Spark.
        """
        run = uuid.uuid4().hex
        request = object_keys.run_document(run, "load.json")
        self.client("s3").put_object(
            Bucket=BUCKET, Key=request, Body=dumps(LoadRequest(run, (LoadSource(run, source),))).encode()
        )
        options = VariantsOptions(
            f"s3://{BUCKET}/{request}",
            DATABASE,
            BUCKET,
            range_mib=max(1, -(-source.size // (splits << 20))),
            alone_kib=0,
        )
        command = [sys.executable, str(_SCRIPT), "--JOB_NAME", "variants"]
        command += [word for pair in arguments(options).items() for word in pair]
        with tempfile.TemporaryDirectory(prefix="spark-job-") as name:
            directory = Path(name)
            own = {**os.environ, **self.environment, **spark.prepare(settings, directory), "PYTHONPATH": str(ROOT)}
            measured = measure(command, own, directory, timeout)
        stored = self.client("s3").get_object(Bucket=BUCKET, Key=object_keys.load_manifest(run))
        return Load(command, measured, loads(LoadManifest, stored["Body"].read()))


@contextmanager
def local_cloud(directory: Path) -> Iterator[LocalCloud]:
    """Start one on an empty directory, in a process of its own; it ends with the block."""
    assembly = directory / "assembly"
    assembly.mkdir(parents=True)
    (assembly / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": {}}))
    data = directory / "aws"
    running = instance.start(data, 0, assembly)
    try:
        cloud = LocalCloud(running.environment())
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        glue = cloud.client("glue")
        glue.create_database(DatabaseInput={"Name": DATABASE})
        for table in (*TABLES, *LOOKUPS):
            location = f"s3://{BUCKET}/{object_keys.table(table.name)}"
            glue.create_table(
                DatabaseName=DATABASE,
                TableInput={
                    "Name": table.name,
                    "PartitionKeys": _columns(table.partitions),
                    "StorageDescriptor": {"Columns": _columns(table.columns), "Location": location},
                },
            )
        yield cloud
    finally:
        instance.stop(data)


def _columns(columns: tuple[Column, ...]) -> list[dict[str, str]]:
    return [{"Name": column.name, "Type": column.type} for column in columns]
