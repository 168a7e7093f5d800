"""What a user's release becomes before the job sees it, and what is said of it afterwards."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationError, AnnotationManifest, AnnotationRequest
from genomics.contracts.codec import ContractError, dumps, loads
from genomics.contracts.runs import Artifact
from genomics_cli.annotations import load_release, loaded_releases, read_schema
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError

_MD5 = hashlib.md5(b"vcf", usedforsecurity=False).hexdigest()


class Job:
    """Plays Glue: a run that commits what it was asked for, or ends as told."""

    def __init__(self, platform: Platform, end: dict[str, str] | None = None) -> None:
        self.platform, self.end = platform, end or {"JobRunState": "SUCCEEDED"}
        self.requests: list[AnnotationRequest] = []
        self.polls = iter(("WAITING", "RUNNING"))

    def start_job_run(self, *, JobName: str, Arguments: dict[str, str]) -> dict[str, str]:  # noqa: N803
        assert JobName == "annotations"
        bucket, key = object_keys.parse(Arguments["--request"])
        body = self.platform.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        self.requests.append(loads(AnnotationRequest, body))
        return {"JobRunId": "jr"}

    def get_job_run(self, **_: str) -> dict[str, Any]:
        if state := next(self.polls, None):
            return {"JobRun": {"JobRunState": state}}
        if self.end["JobRunState"] == "SUCCEEDED":
            commit(self.platform, self.requests[-1])
        return {"JobRun": self.end}


def commit(platform: Platform, request: AnnotationRequest, *, rows: int = 3) -> None:
    """What the job leaves of a release of ClinVar's VCF."""
    partition = {"release": request.release, "assembly": request.assembly}
    manifest = AnnotationManifest(
        table="clinvar",
        partition=partition,
        source=Artifact("s3://lake/x", "0" * 64, 3),
        origin=request.source,
        md5=request.md5,
        run_id=request.run_id,
        recipe="r",
        files=(),
        reject_files=(),
        rows=rows,
        rejects=1,
    )
    key = object_keys.annotation_load("clinvar", partition)
    platform.cloud.s3.put_object(Bucket="lake", Key=key, Body=dumps(manifest).encode())


def load(platform: Platform, source: str, **more: Any) -> Any:
    given = {"release": "2026-02-26", "assembly": "GRCh38", "schema": None, "md5": ""}
    return load_release(platform, source, **{**given, **more})


def test_a_file_is_uploaded_under_its_content_and_loaded(platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "clinvar.vcf"
    path.write_bytes(b"vcf")
    (tmp_path / "clinvar.vcf.md5").write_text(f"{_MD5}  clinvar.vcf\n")
    platform.cloud.__dict__["glue"] = job = Job(platform)
    found, is_new = load(platform, str(path))
    assert (found.table, found.release, found.rows, found.rejects, found.is_current) == (
        "clinvar", "2026-02-26", 3, 1, True,
    )  # fmt: skip
    assert is_new
    (request,) = job.requests
    key = object_keys.annotation_file("clinvar", "2026-02-26", hashlib.sha256(b"vcf").hexdigest(), "clinvar.vcf")
    assert (request.source, request.md5) == (f"s3://lake/{key}", _MD5)
    assert platform.cloud.s3.get_object(Bucket="lake", Key=key)["Body"].read() == b"vcf"


def test_a_url_is_left_to_the_job(platform: Platform) -> None:
    platform.cloud.__dict__["glue"] = job = Job(platform)
    url = "https://example.org/clinvar.vcf.gz"
    load(platform, url, assembly="GRCh37")
    assert (job.requests[0].source, job.requests[0].assembly, job.requests[0].md5) == (url, "GRCh37", "")


@pytest.mark.parametrize("where", ["--md5", "clinvar.vcf.md5"])
def test_a_checksum_that_differs_is_said_before_anything_is_uploaded(
    platform: Platform, tmp_path: Path, where: str
) -> None:
    path = tmp_path / "clinvar.vcf"
    path.write_bytes(b"vcf")
    if where != "--md5":
        (tmp_path / where).write_text("0" * 32)
    with pytest.raises(UserError, match=f"its MD5 is {_MD5}, .*{where} says 0{{32}}; fetch it again"):
        load(platform, str(path), md5="0" * 32 if where == "--md5" else "")
    assert "Contents" not in platform.cloud.s3.list_objects_v2(Bucket="lake")


@pytest.mark.parametrize(
    ("source", "more", "line"),
    [
        ("genes.tsv", {}, "genes.tsv: is neither ClinVar's VCF nor its variant_summary.txt"),
        ("clinvar.vcf", {"release": "26 February"}, "release '26 February' is not a date such as 2026-02-26"),
        ("clinvar.vcf", {"assembly": "GRCh38'"}, "is not a name such as GRCh38"),
    ],
)
def test_what_cannot_be_asked_for_is_said_at_once(
    platform: Platform, source: str, more: dict[str, str], line: str
) -> None:
    with pytest.raises(AnnotationError, match=line):
        load(platform, source, **more)


def test_the_jobs_own_line_is_the_error(platform: Platform) -> None:
    end = {"JobRunState": "FAILED", "ErrorMessage": "https://example.org/clinvar.vcf.gz.md5: cannot be read: 404"}
    platform.cloud.__dict__["glue"] = Job(platform, end)
    with pytest.raises(UserError, match=r"\.md5: cannot be read: 404"):
        load(platform, "https://example.org/clinvar.vcf.gz")


def test_releases_are_listed_with_the_current_ones(platform: Platform) -> None:
    assert loaded_releases(platform) == []
    for release, assembly in (("2026-02-26", "GRCh38"), ("2025-12-01", "GRCh38"), ("2025-12-01", "GRCh37")):
        commit(platform, AnnotationRequest("https://example.org/clinvar.vcf", release, "r", assembly))
    found = {(each.release, each.assembly): each.is_current for each in loaded_releases(platform)}
    assert found == {("2025-12-01", "GRCh37"): True, ("2025-12-01", "GRCh38"): False, ("2026-02-26", "GRCh38"): True}


def test_a_schema_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "genes.json"
    path.write_text('{"name": "genes", "columns": [{"name": "pli"}]}')
    with pytest.raises(ContractError, match=r"genes\.json\.columns\[0\]: missing field 'type'"):
        read_schema(path)
