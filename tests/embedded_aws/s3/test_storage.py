"""S3 as clients rely on it, with objects larger than what may be held in memory."""

import base64
import hashlib
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from boto3.s3.transfer import TransferConfig

from embedded_aws.instance import Instance
from tests.embedded_aws.instance_clients import client, outputs

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def bucket(small: Instance) -> str:
    """Encrypted with KMS by default, with a policy that demands TLS."""
    return outputs(small, "small-storage")["DataBucket"]


@pytest.fixture(scope="module")
def s3(small: Instance) -> Any:
    return client(small, "s3")


@pytest.fixture
def plain(s3: Any) -> Iterator[str]:
    """A bucket without versions."""
    s3.create_bucket(Bucket="plain-bucket")
    yield "plain-bucket"
    for found in s3.list_objects_v2(Bucket="plain-bucket").get("Contents", ()):
        s3.delete_object(Bucket="plain-bucket", Key=found["Key"])
    s3.delete_bucket(Bucket="plain-bucket")


def test_a_policy_that_demands_tls_does_not_keep_anyone_out(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="small", Body=b"abc")
    answer = s3.get_object(Bucket=bucket, Key="small")
    assert answer["Body"].read() == b"abc"
    assert answer["ServerSideEncryption"] == "aws:kms"
    assert answer["ETag"].strip('"') == hashlib.md5(b"abc", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, MIB])
def test_objects_of_any_size_come_back_whole_and_in_ranges(s3: Any, bucket: str, size: int) -> None:
    content = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="sized", Body=content)
    assert s3.head_object(Bucket=bucket, Key="sized")["ContentLength"] == size
    assert s3.get_object(Bucket=bucket, Key="sized")["Body"].read() == content
    if size > 1000:
        part = s3.get_object(Bucket=bucket, Key="sized", Range="bytes=10-999")
        assert part["ContentRange"] == f"bytes 10-999/{size}"
        assert part["Body"].read() == content[10:1000]
        assert s3.get_object(Bucket=bucket, Key="sized", Range="bytes=-7")["Body"].read() == content[-7:]
        with pytest.raises(s3.exceptions.ClientError, match="InvalidRange"):
            s3.get_object(Bucket=bucket, Key="sized", Range=f"bytes={size}-")


def test_multipart_uploads_are_joined_copied_and_hashed_as_s3_does(s3: Any, bucket: str) -> None:
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"tail"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="joined", ChecksumAlgorithm="CRC32")["UploadId"]
    sent = [
        s3.upload_part(Bucket=bucket, Key="joined", UploadId=upload, PartNumber=n, Body=part, ChecksumAlgorithm="CRC32")
        for n, part in enumerate(parts, start=1)
    ]
    listed = [{"PartNumber": n, "ETag": answer["ETag"]} for n, answer in enumerate(sent, start=1)]
    s3.complete_multipart_upload(Bucket=bucket, Key="joined", UploadId=upload, MultipartUpload={"Parts": listed})
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    head = s3.head_object(Bucket=bucket, Key="joined", ChecksumMode="ENABLED")
    assert head["ETag"] == f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-3"'
    sums = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts)
    assert head["ChecksumCRC32"].startswith(base64.b64encode(zlib.crc32(sums).to_bytes(4, "big")).decode())
    whole = b"".join(parts)
    assert s3.get_object(Bucket=bucket, Key="joined")["Body"].read() == whole
    s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": "joined"})
    s3.delete_object(Bucket=bucket, Key="joined")
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == whole


def test_parts_that_s3_would_refuse_are_refused_and_can_be_sent_again(s3: Any, plain: str) -> None:
    upload = s3.create_multipart_upload(Bucket=plain, Key="k")["UploadId"]
    tags = [s3.upload_part(Bucket=plain, Key="k", UploadId=upload, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, start=1)]
    complete = {"Bucket": plain, "Key": "k", "UploadId": upload}
    with pytest.raises(s3.exceptions.ClientError, match="EntityTooSmall"):
        s3.complete_multipart_upload(**complete, MultipartUpload={"Parts": parts})
    with pytest.raises(s3.exceptions.ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(**complete, MultipartUpload={"Parts": [{**parts[0], "ETag": '"0"'}]})
    s3.complete_multipart_upload(**complete, MultipartUpload={"Parts": parts[:1]})
    assert s3.get_object(Bucket=plain, Key="k")["Body"].read() == b"x"


def test_a_part_can_be_copied_from_a_range_of_another_object(s3: Any, plain: str) -> None:
    content = os.urandom(6 * MIB)
    s3.put_object(Bucket=plain, Key="source", Body=content)
    upload = s3.create_multipart_upload(Bucket=plain, Key="target")["UploadId"]
    part = s3.upload_part_copy(
        Bucket=plain,
        Key="target",
        UploadId=upload,
        PartNumber=1,
        CopySource={"Bucket": plain, "Key": "source"},
        CopySourceRange=f"bytes=100-{5 * MIB}",
    )
    listed = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(Bucket=plain, Key="target", UploadId=upload, MultipartUpload={"Parts": listed})
    assert s3.get_object(Bucket=plain, Key="target")["Body"].read() == content[100 : 5 * MIB + 1]


def test_of_many_writers_that_want_to_be_the_first_one_is(s3: Any, plain: str) -> None:
    def write(number: int) -> bool:
        try:
            s3.put_object(Bucket=plain, Key="once", Body=str(number).encode(), IfNoneMatch="*")
        except s3.exceptions.ClientError as error:
            refused.append(error.response["Error"]["Code"])
            return False
        return True

    refused: list[str] = []

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, first in enumerate(pool.map(write, range(24))) if first]
    assert s3.get_object(Bucket=plain, Key="once")["Body"].read() == str(won[0]).encode()
    assert len(won) == 1
    assert refused == ["PreconditionFailed"] * 23


def test_large_objects_pass_without_being_held_in_memory(s3: Any, plain: str, small: Instance, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    block = os.urandom(MIB)
    with source.open("wb") as file:
        for number in range(160):
            file.write(number.to_bytes(4, "big") + block[4:])
    one_at_a_time = TransferConfig(max_concurrency=2)
    process = psutil.Process(small.pid)
    s3.upload_file(str(source), plain, "large", Config=one_at_a_time)
    before = process.memory_info().rss
    s3.copy({"Bucket": plain, "Key": "large"}, plain, "again", Config=one_at_a_time)
    with target.open("wb") as file:
        for part in s3.get_object(Bucket=plain, Key="again")["Body"].iter_chunks(MIB):
            file.write(part)
    assert process.memory_info().rss - before < 64 * MIB
    assert target.read_bytes() == source.read_bytes()


def test_a_reader_gets_to_the_end_of_an_object_that_is_replaced_meanwhile(s3: Any, plain: str) -> None:
    content = os.urandom(16 * MIB)
    s3.put_object(Bucket=plain, Key="replaced", Body=content)
    body = s3.get_object(Bucket=plain, Key="replaced")["Body"]
    first = body.read(100)
    s3.put_object(Bucket=plain, Key="replaced", Body=b"new")
    assert first + body.read() == content
    assert s3.get_object(Bucket=plain, Key="replaced")["Body"].read() == b"new"


def test_deleted_objects_leave_no_file(s3: Any, plain: str, small: Instance) -> None:
    def files() -> int:
        return sum(path.is_file() for path in (small.data / "objects").rglob("*"))

    before = files()
    s3.put_object(Bucket=plain, Key="gone", Body=os.urandom(MIB))
    s3.put_object(Bucket=plain, Key="gone", Body=os.urandom(MIB))
    assert files() == before + 1
    s3.delete_object(Bucket=plain, Key="gone")
    assert files() == before
