"""A versioned bucket with a generated study, and clients that are killed at a chosen request."""

import base64
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.s3.models import s3_backends

from batch_tools.archive_study import objects_read, restore_study
from genomics.contracts import object_keys
from genomics.contracts.archives import ArchiveRequest
from tests.batch_tools.conftest import client_of

BUCKET = "sequencing"
RUN = "run_folders/240101_A00001_0001_AHXXXXXXX/"
LANE = f"{RUN}Data/Intensities/BaseCalls/L001/"
# The smallest part that S3 takes, so that a small study has several.
PART = 5 << 20


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the tool may catch it."""


class Fragile:
    """An S3 client whose process is killed at call number `requests` of `operation`, before or after it is made."""

    def __init__(self, s3: Any, operation: str, requests: int, *, after: bool = False) -> None:
        self._s3, self._operation, self._left, self._after = s3, operation, requests, after

    def __getattr__(self, name: str) -> Any:
        if name != self._operation:
            return getattr(self._s3, name)

        def call(**arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._after:
                getattr(self._s3, name)(**arguments)
            if self._left <= 0:
                raise KilledError
            return getattr(self._s3, name)(**arguments)

        return call


@dataclass
class Study:
    """Objects by key, as they were put."""

    s3: Any
    contents: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, content: bytes, **more: Any) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content, **more)
        self.contents[key] = content

    def request(self, **changes: Any) -> ArchiveRequest:
        keys = tuple(key for key in self.contents if not key.startswith(RUN))
        given: dict[str, Any] = {
            "study": "trial",
            "archive_id": "20260101",
            "bucket": BUCKET,
            "written_before": "2999-01-01T00:00:00+00:00",
            "prefixes": (RUN,),
            "keys": keys,
            "tar_bytes": 1 << 40,
            "part_bytes": PART,
        }
        return ArchiveRequest(**{**given, **changes})

    def put_in_parts(self, key: str, content: bytes) -> None:
        """Put it as the SDK puts large files: with sums of its parts."""
        which = {"Bucket": BUCKET, "Key": key}
        which["UploadId"] = self.s3.create_multipart_upload(**which, ChecksumAlgorithm="CRC32")["UploadId"]
        parts = []
        for number, first in enumerate(range(0, len(content), PART), 1):
            sent = self.s3.upload_part(
                **which, PartNumber=number, Body=content[first : first + PART], ChecksumAlgorithm="CRC32"
            )
            parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]})
        self.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
        self.contents[key] = content

    def record_sum(self, key: str, algorithm: str, digest: bytes) -> None:
        """Have S3 know this sum of the object, and no MD5: as of what was encrypted with KMS."""
        found = s3_backends["123456789012"]["aws"].buckets[BUCKET].keys[key]
        found.checksum_algorithm, found.checksum_value = algorithm, base64.b64encode(digest).decode()
        found.checksum_type = "FULL_OBJECT"
        found.encryption = "aws:kms"

    def head(self, key: str) -> Any:
        return self.s3.head_object(Bucket=BUCKET, Key=key)

    def versions(self) -> dict[str, list[str]]:
        """Storage classes of all versions, by key."""
        found: dict[str, list[str]] = {}
        for version in self.s3.list_object_versions(Bucket=BUCKET)["Versions"]:
            found.setdefault(version["Key"], []).append(version["StorageClass"])
        return found

    def readable(self, key: str) -> bytes:
        """Content, out of an archive class too: as if it had been restored."""
        answer = self.s3.head_object(Bucket=BUCKET, Key=key)
        if answer.get("StorageClass") in ("GLACIER", "DEEP_ARCHIVE") and "Restore" not in answer:
            self.s3.restore_object(Bucket=BUCKET, Key=key, RestoreRequest={"Days": 1})
            self.s3.head_object(Bucket=BUCKET, Key=key)
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content


@cache
def random_bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    """BCL in a run folder, FASTQ and VCF elsewhere; some with tags, metadata, odd names, no content, several ranges."""
    for module in (objects_read, restore_study):
        monkeypatch.setattr(module, "RANGE_BYTES", 1 << 20)
    with mock_aws():
        s3 = client_of("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        made = Study(s3)
        made.put(f"{RUN}RunInfo.xml", b"<RunInfo/>")
        for cycle in range(1, 13):
            made.put(f"{LANE}C{cycle}.1/s_1_1101.bcl", random_bytes(cycle, 50_000), StorageClass="STANDARD_IA")
        made.put(f"{LANE}C13.1/s_1_1101.bcl", b"")
        made.put(f"{LANE}{'deep/' * 30}größe ü.bcl", b"odd name")
        reads = object_keys.reads("0" * 64, "A_R1.fastq.gz")
        made.put(
            reads,
            random_bytes(0, 5_500_000),
            Tagging="patient=P%201&lane=L001",
            Metadata={"file-owner": "1000"},
            ContentType="application/gzip",
        )
        vcf = "steps/gather_variants/ff/A.vcf.gz"
        made.put(vcf, random_bytes(20, 200_000), StorageClass="STANDARD_IA")
        yield made


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
