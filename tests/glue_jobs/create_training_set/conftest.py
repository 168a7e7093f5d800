"""Releases of ClinVar in a lake of the test's own, and the training sets that are made of them."""

import csv
import hashlib
import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationRequest
from genomics.contracts.codec import dumps, loads
from genomics.contracts.training_sets import TrainingSetManifest
from glue_jobs.annotations.options import AnnotationsOptions
from glue_jobs.annotations.tasks import run_alone
from glue_jobs.annotations.transform import load
from glue_jobs.create_training_set.options import CreateTrainingSetOptions
from glue_jobs.create_training_set.transform import MANIFEST, create

RELEASE = "2026-02-26"
HEADER = """##fileformat=VCFv4.1
##reference=GRCh38
##INFO=<ID=AF_ESP,Number=1,Type=Float,Description="">
##INFO=<ID=AF_EXAC,Number=1,Type=Float,Description="">
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##INFO=<ID=CLNDISDB,Number=.,Type=String,Description="">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="">
##INFO=<ID=CLNSIGCONF,Number=.,Type=String,Description="">
##INFO=<ID=CLNVI,Number=.,Type=String,Description="">
##INFO=<ID=GENEINFO,Number=1,Type=String,Description="">
##INFO=<ID=MC,Number=.,Type=String,Description="">
##INFO=<ID=ORIGIN,Number=.,Type=String,Description="">
##INFO=<ID=PM,Number=0,Type=Flag,Description="">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
AGREE = "CLNREVSTAT=criteria_provided,_multiple_submitters,_no_conflicts"
DISAGREE = "CLNREVSTAT=criteria_provided,_conflicting_classifications;CLNSIGCONF=Benign(1)|Pathogenic(2)"


class TrainingSets:
    """Makes training sets of releases that it loads."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake

    def load(self, content: bytes, *, release: str = RELEASE, name: str = "clinvar.vcf") -> None:
        """Load a release into the lake."""
        key = f"annotations/brought/{release}/{name}"
        self.put(key, content)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.put(f"{key}.md5", digest.encode())
        request = AnnotationRequest(f"s3://{self.lake.bucket}/{key}", release, f"run-{release}")
        asked = object_keys.annotation_request(request.run_id)
        self.put(asked, dumps(request).encode())
        load(run_alone, AnnotationsOptions(f"s3://{self.lake.bucket}/{asked}", self.lake.database, self.lake.bucket))

    def put(self, key: str, content: bytes) -> str:
        """Upload a file; its URI."""
        self.lake.s3.put_object(Bucket=self.lake.bucket, Key=key, Body=content)
        return f"s3://{self.lake.bucket}/{key}"

    def records(self, *lines: Sequence[object], more_header: str = "", **where: str) -> None:
        """Load a release of these records: POS, REF, ALT and INFO of each."""
        text = [
            f"17\t{pos}\t{number}\t{ref}\t{alt}\t.\t.\t{info}\n"
            for number, (pos, ref, alt, info) in enumerate(lines, 1)
        ]
        self.load("".join((HEADER, more_header, COLUMNS, *text)).encode(), **where)

    def create(self, **options: str) -> str:
        """Run the job; the line that it says."""
        return create(CreateTrainingSetOptions(self.lake.bucket, **options))

    def manifest(self, release: str = RELEASE) -> TrainingSetManifest:
        return loads(TrainingSetManifest, self._body(object_keys.training_set(release, "GRCh38", MANIFEST)))

    def published(self) -> list[dict[str, str]]:
        """Rows of the CSV."""
        text = self._body(object_keys.parse(self.manifest().published.uri)[1]).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def table(self) -> pa.Table:
        return pq.read_table(pa.BufferReader(self._body(object_keys.parse(self.manifest().table.uri)[1])))

    def _body(self, key: str) -> bytes:
        return bytes(self.lake.s3.get_object(Bucket=self.lake.bucket, Key=key)["Body"].read())


@pytest.fixture
def training_sets(lake: Any) -> TrainingSets:
    return TrainingSets(lake)
