"""Shared by the lake's tests: files in memory, an S3 and a Glue catalog in this process, one Spark for the session."""

import functools
import hashlib
import struct
import sys
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from benchmarks.parity.rows import Content, Row, Rows, read_rows
from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import ANNOTATION_TABLES
from genomics.contracts.codec import dumps, loads
from genomics.contracts.loads import LoadManifest, LoadRequest, LoadSource
from genomics.contracts.runs import Artifact
from genomics.contracts.tables import LOOKUPS, RELEASES, TABLES, Column
from glue_jobs.variants.options import VariantsOptions
from glue_jobs.vcf.sources import s3_client

ROOT = Path(__file__).parents[2]
# One process compiles what reads columns, not each.
_COMPILED = pytest.mark.xdist_group("compiled columns")


@pytest.fixture(scope="session")
def bytes_source() -> Callable[[bytes], Content]:
    return Content


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., Rows]:
    return read_rows


@pytest.fixture(scope="session", params=[False, pytest.param(True, marks=_COMPILED)], ids=["by line", "by columns"])
def read(request: pytest.FixtureRequest) -> Callable[..., Rows]:
    return functools.partial(read_rows, by_columns=request.param)


def bgzf_block(data: bytes, level: int = 6) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(packed) + 25)
    return head + packed + struct.pack("<II", zlib.crc32(data), len(data))


def bgzf_file(data: bytes, block: int = 1000, level: int = 6) -> bytes:
    """BGZF with blocks of `block` bytes of content, and its end-of-file block."""
    blocks = [bgzf_block(data[i : i + block], level) for i in range(0, len(data), block)]
    return b"".join(blocks) + bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


@pytest.fixture(scope="session")
def bgzf() -> Callable[..., bytes]:
    return bgzf_file


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def aws_environment(moto_endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


@pytest.fixture
def aws(aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from _pointed(aws_environment, monkeypatch)


@pytest.fixture(scope="module")
def aws_module(aws_environment: dict[str, str]) -> Iterator[None]:
    """The same for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        yield from _pointed(aws_environment, patch)


def _pointed(environment: dict[str, str], patch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environment.items():
        patch.setenv(name, value)
    s3_client.cache_clear()
    yield
    s3_client.cache_clear()


@pytest.fixture(scope="session")
def spark(aws_environment: dict[str, str]) -> Iterator[Any]:
    """Its workers inherit the environment that it is started in."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**aws_environment, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}.items():
            patch.setenv(name, value)
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate()
        )
    yield session
    session.stop()


class Lake:
    """A bucket and a catalog of their own, as the stack `lake` makes them."""

    def __init__(self) -> None:
        self.s3: Any = boto3.client("s3")
        self.glue: Any = boto3.client("glue")
        name = uuid.uuid4().hex[:12]
        self.bucket, self.database = f"lake-{name}", f"lake_{name}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})
        for table in (*TABLES, *LOOKUPS, *RELEASES, *ANNOTATION_TABLES):
            self.glue.create_table(
                DatabaseName=self.database,
                TableInput={
                    "Name": table.name,
                    "PartitionKeys": _columns(table.partitions),
                    "StorageDescriptor": {
                        "Columns": _columns(table.columns),
                        "Location": f"s3://{self.bucket}/{object_keys.table(table.name)}",
                    },
                },
            )

    def put(self, dataset: str, content: bytes, name: str = "calls.vcf.gz") -> LoadSource:
        """Upload a source."""
        digest = hashlib.sha256(content).hexdigest()
        key = f"steps/{digest}/{name}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return LoadSource(dataset, Artifact(f"s3://{self.bucket}/{key}", digest, len(content)))

    def options(self, *sources: LoadSource, run_id: str = "run-1", **more: Any) -> VariantsOptions:
        """Put the request; what the job is then told, by default to need no Spark."""
        key = object_keys.run_document(run_id, "load.json")
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=dumps(LoadRequest(run_id, sources)).encode())
        return VariantsOptions(f"s3://{self.bucket}/{key}", self.database, self.bucket, **more)

    def rows(self, table: str) -> list[Row]:
        """What a query sees: the objects at the catalog's partitions, with the partitions' values."""
        found: list[Row] = []
        keys = [
            column["Name"]
            for column in self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]["PartitionKeys"]
        ]
        for partition in self.glue.get_partitions(DatabaseName=self.database, TableName=table)["Partitions"]:
            values = dict(zip(keys, partition["Values"], strict=True))
            bucket, prefix = object_keys.parse(partition["StorageDescriptor"]["Location"])
            for key in self.keys(prefix):
                body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                content = pq.read_table(pa.BufferReader(body))
                found += [{**values, **row} for row in content.to_pylist(maps_as_pydicts="strict")]
        return found

    def keys(self, prefix: str) -> list[str]:
        """Objects below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def manifest(self, dataset: str) -> LoadManifest:
        key = object_keys.load_manifest(dataset)
        return loads(LoadManifest, self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())


def _columns(columns: tuple[Column, ...]) -> list[dict[str, str]]:
    return [{"Name": column.name, "Type": column.type} for column in columns]


@pytest.fixture
def lake(aws: None) -> Lake:
    return Lake()


@pytest.fixture(scope="session")
def make_lake() -> Callable[[], Lake]:
    """For a lake that a module's tests share."""
    return Lake
