"""Which release of ClinVar is asked for, as the job finds it."""

import gzip
import hashlib
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationError, AnnotationRequest
from genomics.contracts.codec import loads
from glue_jobs.annotation_refresh.options import RefreshOptions, arguments, parse
from glue_jobs.annotation_refresh.transform import refresh
from glue_jobs.annotations.options import AnnotationsOptions
from glue_jobs.annotations.transform import load
from tests.glue_jobs.annotations.conftest import clinvar, unneeded

_KEY = "annotations/brought/clinvar.vcf.gz"


def release(date: str = "2026-02-26", records: int = 6) -> bytes:
    first, rest = clinvar(records).split(b"\n", 1)
    return first + f"\n##fileDate={date}\n".encode() + rest


class Mirror:
    """ClinVar as it is published, and the job's part in a lake."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake
        self.options = RefreshOptions(
            source=f"s3://{lake.bucket}/{_KEY}",
            assembly="GRCh38",
            request=f"s3://{lake.bucket}/{object_keys.annotation_request('refresh')}",
            data_lake_bucket=lake.bucket,
        )

    def publish(self, content: bytes, key: str = _KEY) -> None:
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.lake.s3.put_object(Bucket=self.lake.bucket, Key=key, Body=content)
        self.lake.s3.put_object(Bucket=self.lake.bucket, Key=f"{key}.md5", Body=f"{md5}  clinvar.vcf.gz\n".encode())

    def refresh(self, **changes: Any) -> str:
        return refresh(RefreshOptions(**{**vars(self.options), **changes}), self.lake.glue)

    @property
    def request(self) -> AnnotationRequest:
        key = object_keys.annotation_request("refresh")
        return loads(AnnotationRequest, self.lake.s3.get_object(Bucket=self.lake.bucket, Key=key)["Body"].read())

    def load(self) -> str:
        return load(unneeded, AnnotationsOptions(self.options.request, self.lake.database, self.lake.bucket))


@pytest.fixture
def mirror(lake: Any) -> Mirror:
    return Mirror(lake)


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_the_release_is_the_headers_date_and_the_request_can_be_loaded(mirror: Mirror, pack: Any) -> None:
    mirror.publish(pack(release()))
    assert mirror.refresh() == f"clinvar 2026-02-26 GRCh38: is new, from {mirror.options.source}"
    asked = mirror.request
    assert (asked.release, asked.assembly, asked.run_id) == ("2026-02-26", "GRCh38", "clinvar-2026-02-26")
    assert asked.md5 == hashlib.md5(pack(release()), usedforsecurity=False).hexdigest()
    assert "clinvar 2026-02-26 GRCh38: loaded 5 rows" in mirror.load()


def test_a_file_is_loaded_once(mirror: Mirror) -> None:
    mirror.publish(gzip.compress(release(), mtime=0))
    mirror.refresh()
    mirror.load()
    assert "is loaded already" in mirror.refresh()
    assert "already loaded" in mirror.load()
    mirror.publish(gzip.compress(release("2026-03-05", records=12), mtime=0))
    assert "clinvar 2026-03-05 GRCh38: is new" in mirror.refresh()
    assert "loaded 10 rows" in mirror.load()


def test_a_file_that_is_replaced_meanwhile_is_not_loaded(mirror: Mirror) -> None:
    mirror.publish(gzip.compress(release()))
    mirror.refresh()
    mirror.publish(gzip.compress(release("2026-03-05")))
    with pytest.raises(AnnotationError, match=r"its MD5 is .*; fetch it again"):
        mirror.load()


def test_whoever_starts_the_workflow_may_name_another_file(mirror: Mirror) -> None:
    mirror.publish(release(), key="annotations/other/clinvar.vcf")
    glue, other = mirror.lake.glue, f"s3://{mirror.lake.bucket}/annotations/other/clinvar.vcf"
    glue.create_workflow(Name=mirror.lake.database)
    run = glue.start_workflow_run(Name=mirror.lake.database, RunProperties={"source": other, "assembly": "GRCh37"})
    line = mirror.refresh(WORKFLOW_NAME=mirror.lake.database, WORKFLOW_RUN_ID=run["RunId"])
    assert line == f"clinvar 2026-02-26 GRCh37: is new, from {other}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (clinvar(), r"its header has no ##fileDate, .*; load it with `genomics annotations`"),
        (b"\x1f\x8bnothing of the kind", r"is damaged \(.*\); fetch it again"),
    ],
)
def test_a_file_that_does_not_say_its_release_ends_with_a_line(mirror: Mirror, content: bytes, message: str) -> None:
    mirror.publish(content)
    with pytest.raises(AnnotationError, match=message):
        mirror.refresh()


def test_a_file_without_a_checksum_is_not_asked_for(mirror: Mirror) -> None:
    mirror.lake.s3.put_object(Bucket=mirror.lake.bucket, Key=_KEY, Body=release())
    with pytest.raises(AnnotationError, match=r"\.md5: there is no such object"):
        mirror.refresh()


def test_another_file_than_clinvars_vcf_is_refused(mirror: Mirror) -> None:
    mirror.publish(release(), key="annotations/brought/variant_summary.txt")
    with pytest.raises(AnnotationError, match=r"variant_summary\.txt: is not ClinVar's VCF; load it with"):
        mirror.refresh(source=f"s3://{mirror.lake.bucket}/annotations/brought/variant_summary.txt")


def test_arguments_read_back_and_glue_tells_of_the_run() -> None:
    options = RefreshOptions("https://x/clinvar.vcf.gz", "GRCh38", "s3://b/k", "lake")
    words = [word for pair in arguments(options).items() for word in pair]
    assert parse(words) == options
    assert parse([*words, "--WORKFLOW_NAME", "w", "--WORKFLOW_RUN_ID", "wr_1"]).WORKFLOW_RUN_ID == "wr_1"
