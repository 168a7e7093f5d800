"""Rows of a loaded dataset, from the files that its manifest names."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from genomics.contracts import codec, object_keys
from genomics.contracts.loads import LoadManifest
from genomics.contracts.tables import GENOTYPES, VARIANTS
from genomics_cli.errors import UserError
from genomics_cli.exports.values import Row


@dataclass(frozen=True)
class _File:
    """A file that was fetched, and what its key says of its rows."""

    path: Path
    partition: dict[str, str]


def read_manifest(s3: Any, bucket: str, dataset: str) -> LoadManifest:
    """What the lake has of a dataset; UserError where that is nothing, or no VCF can be written from it."""
    key = object_keys.load_manifest(dataset)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            asked = "`genomics query 'select distinct dataset from variants'` lists those that are"
            raise UserError(f"dataset {dataset} is not loaded; {asked}") from error
        raise
    manifest = codec.loads(LoadManifest, body, where=key)
    if not manifest.header:
        raise UserError(f"dataset {dataset} was loaded before VCF headers were kept; load it again")
    return manifest


def rows_by_contig(
    s3: Any, bucket: str, manifest: LoadManifest, contigs: Iterable[str]
) -> Iterator[tuple[str, Iterable[Row], Iterable[Row]]]:
    """Each contig's rows of `variants` and of `genotypes`, in the order of `contigs`, then by name.

    Files are kept in a temporary directory meanwhile; one contig's rows are in memory at a time.
    """
    with tempfile.TemporaryDirectory(prefix="export-") as name:
        fetched = {
            table: [_fetch(s3, bucket, key, Path(name)) for key in manifest.files.get(table, ())]
            for table in (VARIANTS.name, GENOTYPES.name)
        }
        found = sorted({file.partition["chrom"] for file in fetched[VARIANTS.name]})
        rank = {contig: place for place, contig in enumerate(contigs)}
        for chrom in sorted(found, key=lambda contig: rank.get(contig, len(rank))):
            own = [file for file in fetched[VARIANTS.name] if file.partition["chrom"] == chrom]
            yield chrom, _rows(own, chrom), _rows(fetched[GENOTYPES.name], chrom)


def _fetch(s3: Any, bucket: str, key: str, directory: Path) -> _File:
    path = directory / f"{len(list(directory.iterdir()))}.parquet"
    path.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    partition = dict(part.split("=", 1) for part in key.split("/") if "=" in part)
    return _File(path, {column: unquote(value) for column, value in partition.items()})


def _rows(files: Iterable[_File], chrom: str) -> Iterator[Row]:
    """Rows of the contig, with the values of their file's partition."""
    for file in files:
        source = pq.ParquetFile(file.path)
        has_chrom = "chrom" in source.schema_arrow.names
        filters = [("chrom", "==", chrom)] if has_chrom else None
        for row in pq.read_table(file.path, filters=filters, partitioning=None).to_pylist():
            yield {**file.partition, **row}
