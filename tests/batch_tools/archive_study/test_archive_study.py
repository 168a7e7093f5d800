"""Archiving a study: the tar, its index, what gives way and when, and attempts that are killed at every commit."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from batch_tools.archive_study import archive_study
from batch_tools.archive_study.archive_study import Outcome
from batch_tools.archive_study.index import read_index
from batch_tools.archive_study.objects_read import SUMS
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts import object_keys
from genomics.contracts.archives import is_archived_kind
from tests.batch_tools.archive_study.conftest import BUCKET, LANE, PART, RUN, Fragile, KilledError, Study, sha256

FIRST = f"{LANE}C1.1/s_1_1101.bcl"
READS = object_keys.reads("0" * 64, "A_R1.fastq.gz")


def archived(study: Study, directory: Path, s3: Any = None, **changes: Any) -> Outcome:
    outcome = archive_study.run(request=study.request(**changes), s3=s3 or study.s3, directory=directory)
    assert outcome is not None
    return outcome


def members(study: Study) -> dict[str, bytes]:
    return {key: content for key, content in study.contents.items() if is_archived_kind(key)}


def test_plain_tar_unpacks_every_member(study: Study, directory: Path) -> None:
    outcome = archived(study, directory)
    (tar,) = outcome.archive.tars
    path = directory / "study.tar"
    path.write_bytes(study.readable(tar.key))
    (directory / "out").mkdir()
    done = subprocess.run(["tar", "-xf", str(path), "-C", str(directory / "out")], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    found = {
        str(file.relative_to(directory / "out")): file.read_bytes()
        for file in (directory / "out").rglob("*")
        if file.is_file()
    }
    assert found == members(study)


def test_the_index_says_where_each_member_lies_and_what_it_was(study: Study, directory: Path) -> None:
    outcome = archived(study, directory)
    content = study.readable(outcome.archive.tars[0].key)
    entries = list(read_index(directory / "index"))
    assert [entry.key for entry in entries] == sorted(members(study))
    for entry in entries:
        assert content[entry.offset : entry.offset + entry.size] == study.contents[entry.key]
        assert entry.sha256 == sha256(study.contents[entry.key])
    (reads,) = [entry for entry in entries if entry.key.endswith("fastq.gz")]
    assert reads.tags == {"patient": "P 1", "lane": "L001"}
    assert reads.metadata == {"file-owner": "1000"}
    assert reads.headers["ContentType"] == "application/gzip"
    assert reads.storage_class == "STANDARD"
    assert {entry.storage_class for entry in entries if entry.key.endswith(".bcl")} == {"STANDARD_IA", "STANDARD"}
    assert study.head(outcome.archive.index).get("StorageClass") is None


# S3 User Guide, "Checking object integrity in Amazon S3": what objects have by default, and what writers may choose.
@pytest.mark.parametrize("algorithm", ["CRC64NVME", "CRC32C", "SHA256"])
def test_members_are_verified_by_what_s3_has_recorded(study: Study, directory: Path, algorithm: str) -> None:
    found = SUMS[algorithm.lower()]()
    found.update(study.contents[READS])
    study.record_sum(READS, algorithm, found.digest())
    archived(study, directory)
    assert {e.key: e.verified_by for e in read_index(directory / "index")}[READS] == (algorithm.lower(),)


def test_a_member_that_is_not_what_s3_has_recorded_ends_it(study: Study, directory: Path) -> None:
    study.record_sum(READS, "CRC64NVME", bytes(8))
    with pytest.raises(ToolError, match=r"A_R1\.fastq\.gz: crc64nvme is [0-9a-f]{16}, S3 has recorded 0{16}"):
        archived(study, directory)
    assert all(study.readable(key) == content for key, content in study.contents.items())


def test_members_of_which_s3_has_no_sum_are_counted(study: Study, directory: Path) -> None:
    study.put_in_parts(READS, study.contents[READS])
    archive = archived(study, directory).archive
    assert archive.unverified == 1
    assert [e.key for e in read_index(directory / "index") if not e.verified_by] == [READS]


def test_the_tar_is_written_to_deep_archive_in_parts(study: Study, directory: Path) -> None:
    outcome = archived(study, directory)
    (tar,) = outcome.archive.tars
    head = study.head(tar.key)
    assert head["StorageClass"] == "DEEP_ARCHIVE"
    assert head["ContentLength"] == tar.size
    assert -(-tar.size // PART) == 2
    assert tar.checksum.endswith("-2")


def test_placeholders_stand_at_the_keys_and_the_originals_are_gone(study: Study, directory: Path) -> None:
    outcome = archived(study, directory)
    assert (outcome.exchange.replaced, outcome.exchange.changed) == (len(members(study)), 0)
    versions = study.versions()
    assert [versions[key] for key in members(study)] == [["GLACIER"]] * len(members(study))
    head = study.head(FIRST)
    assert head["Metadata"]["archive-study"] == "trial"
    assert head["Metadata"]["archive-tar"] == object_keys.uri(BUCKET, outcome.archive.tars[0].key)
    assert head["ContentLength"] < 400
    # What is no BCL, FASTQ or VCF stays.
    assert versions[f"{RUN}RunInfo.xml"] == ["STANDARD"]


def test_a_copy_of_the_vcf_stays_readable(study: Study, directory: Path) -> None:
    archived(study, directory)
    vcf = "steps/gather_variants/ff/A.vcf.gz"
    copy = object_keys.vcf_copy("trial", "20260101", vcf)
    assert study.head(copy)["StorageClass"] == "STANDARD_IA"
    assert study.readable(copy) == study.contents[vcf]


def test_a_limit_makes_several_tars_that_each_open(study: Study, directory: Path) -> None:
    outcome = archived(study, directory, tar_bytes=1 << 20)
    # The FASTQ is larger than the limit and has a tar of its own; all else fits into one.
    assert len(outcome.archive.tars) == 2
    names = []
    for tar in outcome.archive.tars:
        with tarfile.open(fileobj=io.BytesIO(study.readable(tar.key))) as opened:
            names += opened.getnames()
    assert names == sorted(members(study))


# Documents in their order: plan 1, upload 2, parts 3 and 4, archive 5, placeholders 6 to 21, exchange 22.
KILLS = [
    ("create_multipart_upload", 1, True),
    ("upload_part", 1, False),
    ("upload_part", 2, True),
    ("put_object", 4, True),
    ("complete_multipart_upload", 1, True),
    ("put_object", 5, True),
    ("put_object", 12, True),
    ("delete_object", 7, True),
]
MORE_KILLS = [
    *[("put_object", number, after) for number in range(1, 23) for after in (False, True)],
    *[("upload_file", number, after) for number in (1, 2) for after in (False, True)],
    *[("delete_object", number, after) for number in range(1, 17) for after in (False, True)],
    ("create_multipart_upload", 1, False),
    ("upload_part", 1, True),
    ("upload_part", 2, False),
    ("complete_multipart_upload", 1, False),
    ("copy", 1, False),
    ("copy", 1, True),
    ("delete_objects", 1, False),
]


@pytest.mark.parametrize(
    ("operation", "requests", "after"),
    [*KILLS, *(pytest.param(*kill, marks=pytest.mark.slow) for kill in MORE_KILLS if kill not in KILLS)],
)
def test_killed_anywhere_and_started_again_nothing_is_lost(
    study: Study, directory: Path, operation: str, requests: int, after: bool
) -> None:
    first, second = directory / "first", directory / "second"
    first.mkdir()
    second.mkdir()
    with pytest.raises(KilledError):
        archived(study, first, Fragile(study.s3, operation, requests, after=after))
    outcome = archived(study, second)
    content = study.readable(outcome.archive.tars[0].key)
    entries = {entry.key: entry for entry in read_index(second / "index")}
    assert set(entries) == set(members(study))
    versions = study.versions()
    for key, original in members(study).items():
        entry = entries[key]
        assert content[entry.offset : entry.offset + entry.size] == original
        assert entry.sha256 == sha256(original)
        assert versions[key] == ["GLACIER"]


def test_a_second_attempt_sends_only_the_parts_that_are_missing(study: Study, directory: Path) -> None:
    sent: list[int] = []
    original = study.s3.upload_part

    class Sending(Fragile):
        """Notes which parts are sent; is killed at the one that is `deadly`, which may be on its way before another."""

        deadly = 0

        def __getattr__(self, name: str) -> Any:
            return self.send if name == "upload_part" else super().__getattr__(name)

        def send(self, **arguments: Any) -> Any:
            if arguments["PartNumber"] == self.deadly:
                raise KilledError
            sent.append(arguments["PartNumber"])
            return original(**arguments)

    dying = Sending(study.s3, "", 0)
    dying.deadly = 2
    with pytest.raises(KilledError):
        archived(study, directory, dying)
    archived(study, directory, Sending(study.s3, "", 0))
    assert sent == [1, 2]


def test_originals_stay_until_the_tar_is_verified(study: Study, directory: Path) -> None:
    with pytest.raises(KilledError):
        archived(study, directory, Fragile(study.s3, "complete_multipart_upload", 1))
    assert all(study.readable(key) == content for key, content in study.contents.items())


def test_a_damaged_tar_ends_it_and_originals_stay(study: Study, directory: Path) -> None:
    class Damaging(Fragile):
        def __getattr__(self, name: str) -> Any:
            if name != "complete_multipart_upload":
                return super().__getattr__(name)
            return lambda **to: study.s3.put_object(
                Bucket=to["Bucket"], Key=to["Key"], Body=b"x", StorageClass="DEEP_ARCHIVE"
            )

    with pytest.raises(ToolError, match="is not what was sent"):
        archived(study, directory, Damaging(study.s3, "", 0))
    assert all(study.readable(key) == content for key, content in study.contents.items())


def test_an_object_that_changes_before_it_is_read_ends_it(study: Study, directory: Path) -> None:
    with pytest.raises(KilledError):
        archived(study, directory, Fragile(study.s3, "create_multipart_upload", 1))
    study.s3.delete_object(Bucket=BUCKET, Key=FIRST, VersionId=study.head(FIRST)["VersionId"])
    with pytest.raises(ToolError, match=r"C1\.1/s_1_1101\.bcl cannot be read"):
        archived(study, directory)


def test_what_is_written_after_it_was_archived_is_left_alone(study: Study, directory: Path) -> None:
    with pytest.raises(KilledError):
        archived(study, directory, Fragile(study.s3, "copy", 1))
    study.s3.put_object(Bucket=BUCKET, Key=FIRST, Body=b"newer")
    outcome = archived(study, directory)
    assert (outcome.exchange.replaced, outcome.exchange.changed) == (len(members(study)) - 1, 1)
    assert study.readable(FIRST) == b"newer"


def test_what_is_younger_than_the_limit_is_not_taken_and_makes_no_archive(study: Study, directory: Path) -> None:
    request = study.request(written_before="2000-01-01T00:00:00+00:00")
    assert archive_study.run(request=request, s3=study.s3, directory=directory) is None
    left = study.s3.list_objects_v2(Bucket=BUCKET, Prefix="archives/")["Contents"]
    assert {each["Key"].rpartition("/")[2] for each in left} == {"plan.json", "members.jsonl.gz"}
    assert all(study.readable(key) == content for key, content in study.contents.items())


def test_a_bucket_without_versions_is_refused(study: Study, directory: Path) -> None:
    study.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(ToolError, match="keeps no versions"):
        archived(study, directory)
