"""Shared by the lake's tests: files in memory, an S3 and a Glue catalog in this process, one Spark for the session."""

import functools
import hashlib
import itertools
import struct
import sys
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import ANNOTATION_TABLES
from genomics.contracts.codec import dumps, loads
from genomics.contracts.loads import LoadManifest, LoadRequest, LoadSource
from genomics.contracts.runs import Artifact
from genomics.contracts.tables import LOOKUPS, TABLES, Column
from glue_jobs.variants.options import VariantsOptions
from glue_jobs.vcf.reader import RangeReader, open_vcf, ranges
from glue_jobs.vcf.sources import s3_client
from glue_jobs.vcf.text import ByteRange

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]
# One process compiles what reads columns, not each.
_COMPILED = pytest.mark.xdist_group("compiled columns")


class Bytes:
    """A source in memory."""

    def __init__(self, content: bytes) -> None:
        self.content, self.size = content, len(content)

    def read(self, start: int, end: int) -> bytes:
        return self.content[start:end]


@dataclass(repr=False)
class Rows:
    variants: list[Row] = field(default_factory=list)
    genotypes: list[Row] = field(default_factory=list)
    consequences: list[Row] = field(default_factory=list)
    rejects: list[Row] = field(default_factory=list)
    # Each range begins where the one before it ends.
    is_joined: bool = True


def read_content(content: bytes, pieces: int = 1, cuts: Iterable[int] = (), by_columns: bool | None = None) -> Rows:
    """All rows of a file, read in so many ranges, or cut at `cuts`; lines of rejects count from the file's first."""
    source = Bytes(content)
    file = open_vcf(source)
    parts = ranges(source, file, max(1, source.size // pieces))
    if cuts:
        parts = tuple(ByteRange(a, b) for a, b in itertools.pairwise(sorted({0, *cuts, source.size})))
    rows, lines, position = Rows(), file.header.lines, 0
    for part in parts:
        reader = RangeReader(source, file, part, by_columns=by_columns)
        for batch in reader:
            rows.variants += batch.variants.to_pylist(maps_as_pydicts="strict")
            rows.genotypes += batch.genotypes.to_pylist(maps_as_pydicts="strict")
            rows.consequences += batch.consequences.to_pylist(maps_as_pydicts="strict")
            for reject in batch.rejects.to_pylist():
                rows.rejects.append({**reject, "line": reject["line"] and reject["line"] + lines})
        lines += reader.lines
        rows.is_joined &= reader.first == position
        position = reader.next
    return rows


@pytest.fixture(scope="session")
def bytes_source() -> Callable[[bytes], Bytes]:
    return Bytes


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., Rows]:
    return read_content


@pytest.fixture(scope="session", params=[False, pytest.param(True, marks=_COMPILED)], ids=["by line", "by columns"])
def read(request: pytest.FixtureRequest) -> Callable[..., Rows]:
    return functools.partial(read_content, by_columns=request.param)


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
    for name, value in aws_environment.items():
        monkeypatch.setenv(name, value)
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
        for table in (*TABLES, *LOOKUPS, *ANNOTATION_TABLES):
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

    def options(self, *sources: LoadSource, run_id: str = "run-1", **more: int) -> VariantsOptions:
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
