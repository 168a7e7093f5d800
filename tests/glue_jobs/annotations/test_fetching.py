"""Fetching releases: over HTTPS, from S3, and what is checked."""

import functools
import hashlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationError, AnnotationManifest, AnnotationRequest
from genomics.contracts.codec import loads
from glue_jobs.annotations.plans import find_subject
from glue_jobs.annotations.transform import load
from tests.glue_jobs.annotations.conftest import NEWER, Releases, clinvar, unneeded


def test_a_checksum_that_differs_ends_with_a_line_and_stores_nothing(releases: Releases) -> None:
    with pytest.raises(AnnotationError, match=r"clinvar\.vcf: its MD5 is [0-9a-f]{32}, expected 0{32}; fetch it again"):
        releases.load(clinvar(), md5="0" * 32)
    assert releases.kept() == []
    assert releases.lake.keys("annotations/clinvar") == []


def test_a_release_without_a_checksum_is_not_loaded(releases: Releases) -> None:
    options = releases.options(clinvar())
    request = AnnotationRequest(f"s3://{releases.lake.bucket}/annotations/brought/{NEWER}/clinvar.vcf", NEWER, "r")
    releases.lake.s3.delete_object(Bucket=releases.lake.bucket, Key=f"annotations/brought/{NEWER}/clinvar.vcf.md5")
    with pytest.raises(AnnotationError, match=r"\.md5: there is no such object; there must be one, or its checksum"):
        load(unneeded, options)
    md5 = hashlib.md5(clinvar(), usedforsecurity=False).hexdigest()
    assert "loaded 5 rows" in load(unneeded, releases.asked(replace(request, md5=md5.upper())))


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A server of files over HTTPS that is trusted here: its address, and the directory of its files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files = tmp_path / "files"
    files.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(files))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("no_proxy", "localhost")
    yield f"localhost:{server.server_port}", files
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("scheme", ["https", "ftp"])
def test_a_release_is_fetched_over_https(releases: Releases, web: tuple[str, Path], scheme: str) -> None:
    address, files = web
    content = clinvar()
    (files / "clinvar_20260226.vcf").write_bytes(content)
    url = f"{scheme}://{address}/clinvar_20260226.vcf"
    request = AnnotationRequest(url, NEWER, "run-1")
    with pytest.raises(AnnotationError, match=r"clinvar_20260226\.vcf\.md5: cannot be read: 404 File not found; there"):
        load(unneeded, releases.asked(request))
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    (files / "clinvar_20260226.vcf.md5").write_text(f"{digest}  /am/ftp-clinvar/vcf/clinvar_20260226.vcf\n")
    assert load(unneeded, releases.asked(request)).endswith(f"loaded 5 rows, 1 rejects from {url}")
    key = object_keys.annotation_load("clinvar", find_subject(request).partition)
    manifest = loads(
        AnnotationManifest, releases.lake.s3.get_object(Bucket=releases.lake.bucket, Key=key)["Body"].read()
    )
    assert (manifest.origin, manifest.md5, manifest.rows, manifest.rejects) == (url, digest, 5, 1)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("https://localhost:1/clinvar.vcf", "https://localhost:1/clinvar.vcf.md5: cannot be read: "),
        ("http://example.org/clinvar.vcf", "expected an https:// or s3:// URI"),
        ("/clinvar.vcf", "expected an https:// or s3:// URI"),
        ("s3://absent-bucket/clinvar.vcf", "clinvar.vcf.md5: there is no such object"),
    ],
)
def test_a_source_that_cannot_be_had_is_said_in_one_line(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, source: str, line: str
) -> None:
    monkeypatch.setenv("no_proxy", "localhost")
    with pytest.raises(AnnotationError) as caught:
        load(unneeded, releases.asked(AnnotationRequest(source, NEWER, "run-1")))
    assert line in str(caught.value)
