"""A whole delivery in S3: a verdict for each file, and a report that is there when all verdicts are."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from batch_tools.scan_delivery import cli, scan_delivery
from batch_tools.scan_delivery.file_scan import Scanners
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.deliveries import (
    MANIFEST,
    DeliveredFile,
    Delivery,
    DeliveryReport,
    FileFormat,
    FileState,
    FileVerdict,
    ScanRequest,
    manifest_lines,
)
from genomics.contracts.environment import ScanEnvironment
from tests.batch_tools.conftest import client_of

from .conftest import EICAR

BUCKET = "steps-bucket"
DELIVERY = Delivery("acme", "2026-01-31", "batch-1")
PREFIX = "acme/2026/01/31/batch-1/"
REQUEST = ScanRequest(BUCKET, DELIVERY)
TABLE = b"sample\tdepth\nS1\t30\n"
INFECTED = b"sample\tnote\nS1\t" + EICAR + b"\n"


def deliver(contents: Mapping[str, bytes], manifest: str | None = None) -> None:
    """Put a delivery of tables, with the manifest that it should have or another."""
    s3 = client_of("s3")
    files = [
        DeliveredFile(path, len(content), hashlib.sha256(content).hexdigest(), "cohort", FileFormat.TSV, "GRU")
        for path, content in contents.items()
    ]
    for path, content in contents.items():
        s3.put_object(Bucket=BUCKET, Key=PREFIX + path, Body=content)
    s3.put_object(Bucket=BUCKET, Key=PREFIX + MANIFEST, Body=(manifest or "".join(manifest_lines(files))).encode())


@pytest.fixture
def run(aws: None, scanners: Scanners, tmp_path: Any) -> Any:
    def scan() -> tuple[DeliveryReport, dict[str, FileVerdict]]:
        outcome = scan_delivery.run(request=REQUEST, s3=client_of("s3"), scanners=scanners, directory=tmp_path)
        return published(outcome.key)

    return scan


def published(key: str) -> tuple[DeliveryReport, dict[str, FileVerdict]]:
    s3 = client_of("s3")
    report = loads(DeliveryReport, s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    lines = gzip.decompress(
        s3.get_object(Bucket=BUCKET, Key=key.replace("report.json", "verdicts.jsonl.gz"))["Body"].read()
    ).splitlines()
    verdicts = [loads(FileVerdict, line) for line in lines]
    return report, {verdict.path: verdict for verdict in verdicts}


def test_each_file_gets_its_verdict_and_the_delivery_the_gravest(run: Any) -> None:
    deliver({"a/good.tsv": TABLE, "bad.tsv": INFECTED, "mail.tsv": TABLE + b"S2\tjane@example.org\n"})
    report, verdicts = run()
    assert {path: verdict.state for path, verdict in verdicts.items()} == {
        "a/good.tsv": FileState.CLEAN,
        "bad.tsv": FileState.INFECTED,
        "mail.tsv": FileState.PHI,
    }
    assert report.state is FileState.INFECTED
    assert report.counts == {"CLEAN": 1, "INFECTED": 1, "PHI": 1}
    assert report.versions["viruses"].startswith("ClamAV 1.")
    assert verdicts["a/good.tsv"].etag == client_of("s3").head_object(Bucket=BUCKET, Key=PREFIX + "a/good.tsv")["ETag"]


def test_what_the_manifest_has_wrong_is_named_and_the_rest_is_scanned(run: Any) -> None:
    sums = {name: hashlib.sha256(TABLE).hexdigest() for name in ("same.tsv", "size.tsv", "missing.tsv")}
    lines = [DeliveredFile(n, len(TABLE), s, "cohort", FileFormat.TSV, "GRU") for n, s in sums.items()]
    lines.append(DeliveredFile("sum.tsv", len(TABLE), "0" * 64, "cohort", FileFormat.TSV, "GRU"))
    contents = {"same.tsv": TABLE, "size.tsv": TABLE + b"x", "extra.tsv": TABLE, "sum.tsv": TABLE}
    deliver(contents, "".join(manifest_lines(lines)))
    report, verdicts = run()
    states = {path: verdict.state for path, verdict in verdicts.items()}
    assert states.pop("same.tsv") is FileState.CLEAN
    assert states == dict.fromkeys(["size.tsv", "missing.tsv", "extra.tsv", "sum.tsv"], FileState.INVALID)
    assert len(report.problems) == 3
    assert "the manifest says 0000" in verdicts["sum.tsv"].findings[0].reason


def test_a_manifest_that_cannot_be_read_makes_the_delivery_invalid_with_no_file_scanned(run: Any) -> None:
    deliver({"a.tsv": TABLE}, "file\tsize\n../a.tsv\t1\n")
    report, verdicts = run()
    assert (report.state, verdicts) == (FileState.INVALID, {})
    assert report.problems[0].startswith("manifest.tsv:1: the header must be")


def test_without_a_manifest_there_is_no_verdict(run: Any) -> None:
    with pytest.raises(ToolError, match=r"batch-1/manifest.tsv is not there: send the delivery's manifest"):
        run()


def test_the_command_line_scans_what_a_request_names(
    aws: None, signatures: Any, clamd: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = ScanEnvironment(
        signatures=str(signatures),
        largest_mib=32,
        archive_depth=5,
        timeout_seconds=60,
        attempts=1,
        virus_endpoint="",
        virus_secret="",
        phi_endpoint="",
        phi_secret="",
    )
    for name, value in environment.variables().items():
        monkeypatch.setenv(name, value)
    deliver({"good.tsv": TABLE})
    client_of("s3").put_object(Bucket=BUCKET, Key="request.json", Body=dumps(REQUEST).encode())
    assert cli.main([object_keys.uri(BUCKET, "request.json")]) == 0
    assert capsys.readouterr().out.startswith("CLEAN: {'CLEAN': 1}, s3://steps-bucket/scan_reports/acme/2026/01/31/")
    client_of("s3").put_object(Bucket=BUCKET, Key="request.json", Body=json.dumps({"bucket": "b"}).encode())
    assert cli.main([object_keys.uri(BUCKET, "request.json")]) == 1
    assert "missing field 'delivery'" in capsys.readouterr().err
