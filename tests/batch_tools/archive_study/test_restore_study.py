"""Restoring a study: every object at its key as it was, whatever happened in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batch_tools.archive_study import archive_study, restore_study
from batch_tools.archive_study.in_flight import InFlight
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts import object_keys
from genomics.contracts.archives import Archive, RestoreRequest, is_archived_kind
from tests.batch_tools.archive_study.conftest import BUCKET, LANE, Fragile, KilledError, Study

READS = object_keys.reads("0" * 64, "A_R1.fastq.gz")
REQUEST = RestoreRequest("trial", "1", (object_keys.uri(BUCKET, object_keys.archive("trial", "20260101")),))


@pytest.fixture
def archive(study: Study, directory: Path) -> Archive:
    """Archived, and its tars restored from Deep Archive."""
    outcome = archive_study.run(request=study.request(), s3=study.s3, directory=directory)
    assert outcome is not None
    for tar in outcome.archive.tars:
        study.readable(tar.key)
    return outcome.archive


@pytest.mark.usefixtures("archive")
def test_every_object_is_back_as_it_was(study: Study, directory: Path) -> None:
    (restored,) = restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    archived = [key for key in study.contents if is_archived_kind(key)]
    assert (restored.restored, restored.changed) == (len(archived), 0)
    for key, content in study.contents.items():
        assert study.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content
    # The placeholders are gone, and with them all that was in their class.
    assert [study.versions()[key] for key in (f"{LANE}C1.1/s_1_1101.bcl", READS)] == [["STANDARD_IA"], ["STANDARD"]]
    head = study.head(READS)
    assert (head["ContentType"], head["Metadata"]) == ("application/gzip", {"file-owner": "1000"})
    tags = study.s3.get_object_tagging(Bucket=BUCKET, Key=READS)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"patient": "P 1", "lane": "L001"}


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("operation", "requests", "after"),
    [
        ("put_object", 3, True),
        ("delete_object", 5, False),
        pytest.param("upload_part", 2, True, marks=pytest.mark.slow),
        pytest.param("complete_multipart_upload", 1, True, marks=pytest.mark.slow),
        pytest.param("put_object", 1, False, marks=pytest.mark.slow),
    ],
)
def test_killed_and_started_again_everything_is_back(
    study: Study, directory: Path, operation: str, requests: int, after: bool
) -> None:
    fragile: Any = Fragile(study.s3, operation, requests, after=after)
    with pytest.raises(KilledError):
        restore_study.run(request=REQUEST, s3=fragile, directory=directory)
    (restored,) = restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    # What the first attempt has brought back is nobody's change.
    assert restored.changed == 0
    for key, content in study.contents.items():
        assert study.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content


@pytest.mark.parametrize("requests", [7, 12, 21])
def test_a_study_whose_originals_have_given_way_in_part_is_brought_back(
    study: Study, directory: Path, requests: int
) -> None:
    fragile: Any = Fragile(study.s3, "put_object", requests)
    with pytest.raises(KilledError):
        archive_study.run(request=study.request(), s3=fragile, directory=directory)
    study.readable(object_keys.archive_tar("trial", "20260101", 1))
    (restored,) = restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    assert (restored.restored, restored.changed) == (16, 0)
    for key, content in study.contents.items():
        assert study.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content


@pytest.mark.usefixtures("archive")
def test_no_more_is_held_in_memory_than_there_is_room_for(
    study: Study, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_study, "REQUESTS_AHEAD", 1)
    holds: list[int] = []
    original = InFlight.holding

    @contextmanager
    def holding(self: InFlight, count: int) -> Iterator[None]:
        with original(self, count):
            holds.append(self._held)
            yield

    monkeypatch.setattr(InFlight, "holding", holding)
    restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    # Room for 1 MiB here; a part of the FASTQ has 5 MiB, and is alone.
    assert max(held for held in holds if held <= 1 << 20) > 100_000
    assert {held for held in holds if held > 1 << 20} == {5 << 20}


@pytest.mark.usefixtures("archive")
def test_a_second_restore_does_nothing(study: Study, directory: Path) -> None:
    first = restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    versions = study.head(READS)["VersionId"]
    assert restore_study.run(request=REQUEST, s3=study.s3, directory=directory) == first
    assert study.head(READS)["VersionId"] == versions


@pytest.mark.usefixtures("archive")
def test_what_was_written_over_a_placeholder_is_kept(study: Study, directory: Path) -> None:
    study.s3.put_object(Bucket=BUCKET, Key=READS, Body=b"newer")
    (restored,) = restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    assert restored.changed == 1
    assert study.s3.get_object(Bucket=BUCKET, Key=READS)["Body"].read() == b"newer"


def test_a_tar_that_is_not_restored_is_named(study: Study, directory: Path) -> None:
    archive_study.run(request=study.request(), s3=study.s3, directory=directory)
    with pytest.raises(ToolError, match=r"trial\.001\.tar cannot be read: it has not been restored"):
        restore_study.run(request=REQUEST, s3=study.s3, directory=directory)


def test_a_damaged_member_is_named_and_its_placeholder_stays(study: Study, directory: Path, archive: Archive) -> None:
    tar = archive.tars[0]
    content = bytearray(study.readable(tar.key))
    content[len(content) // 2] ^= 1
    study.s3.put_object(Bucket=BUCKET, Key=tar.key, Body=bytes(content))
    with pytest.raises(ToolError, match=r"in archives/trial/20260101/trial\.001\.tar has SHA-256"):
        restore_study.run(request=REQUEST, s3=study.s3, directory=directory)
    with pytest.raises(ClientError, match="storage class"):
        study.s3.get_object(Bucket=BUCKET, Key=READS)
