"""Asks for releases of annotations to be loaded into a lake of the test's own."""

import base64
import hashlib
import json
from typing import Any

import pytest
import sqlglot

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationRequest
from genomics.contracts.codec import dumps
from glue_jobs.annotations.options import AnnotationsOptions
from glue_jobs.annotations.tasks import RangeTask
from glue_jobs.annotations.transform import load
from glue_jobs.variants.tasks import TaskResult

_HEADER = """##fileformat=VCFv4.1
##reference={assembly}
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="">
##INFO=<ID=GENEINFO,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""
OLDER, NEWER = "2025-12-01", "2026-02-26"


def clinvar(records: int = 6, significance: str = "Pathogenic", assembly: str = "GRCh38") -> bytes:
    """Records that are not sorted; every fifth is rejected."""
    lines = [_HEADER.format(assembly=assembly)]
    for i in range(records):
        position = "here" if i % 5 == 4 else str(1000 - 10 * i)
        chrom = "17" if i % 2 else "MT"
        lines.append(
            f"{chrom}\t{position}\t{i}\tAT\tA\t.\t.\tALLELEID={i};CLNSIG={significance};GENEINFO=BRCA1:672|LOC:{i}\n"
        )
    return "".join(lines).encode()


def unneeded(tasks: list[RangeTask]) -> list[TaskResult]:
    raise AssertionError(f"{len(tasks)} tasks are too few for Spark")


class Releases:
    """Asks for releases to be loaded into a lake."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake

    def options(
        self, content: bytes, *, release: str = NEWER, name: str = "clinvar.vcf", md5: str | None = None, **more: Any
    ) -> AnnotationsOptions:
        """Put a release, its checksum beside it as NCBI does, and the request; what the job is told."""
        key = f"annotations/brought/{release}/{name}"
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.lake.s3.put_object(Bucket=self.lake.bucket, Key=key, Body=content)
        beside = f"{md5 or digest}  /am/ftp-clinvar/{name}\n".encode()
        self.lake.s3.put_object(Bucket=self.lake.bucket, Key=f"{key}.md5", Body=beside)
        return self.asked(AnnotationRequest(f"s3://{self.lake.bucket}/{key}", release, f"run-{release}", **more))

    def asked(self, request: AnnotationRequest) -> AnnotationsOptions:
        key = object_keys.annotation_request(request.run_id)
        self.lake.s3.put_object(Bucket=self.lake.bucket, Key=key, Body=dumps(request).encode())
        return AnnotationsOptions(f"s3://{self.lake.bucket}/{key}", self.lake.database, self.lake.bucket)

    def load(self, content: bytes, run_all: Any = unneeded, **more: Any) -> str:
        return load(run_all, self.options(content, **more))

    def current(self, table: str = "clinvar") -> set[tuple[str, ...]]:
        """Partitions that the table's view shows."""
        text = self.lake.glue.get_table(DatabaseName=self.lake.database, Name=f"{table}_current")["Table"][
            "ViewOriginalText"
        ]
        document = json.loads(base64.b64decode(text.removeprefix("/* Presto View: ").removesuffix(" */")))
        where = sqlglot.parse_one(document["originalSql"], dialect="athena").find(sqlglot.exp.Where)
        return {
            tuple(each.this for each in group.find_all(sqlglot.exp.Literal))
            for group in where.find_all(sqlglot.exp.Paren)
        }

    def kept(self) -> list[str]:
        return [key for key in self.lake.keys("") if key.startswith(("tables/", "loads/"))]


@pytest.fixture
def releases(lake: Any) -> Releases:
    return Releases(lake)
