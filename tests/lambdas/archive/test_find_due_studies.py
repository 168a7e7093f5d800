"""Which studies are due, and that each is archived once at a time, and taken up where it failed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from genomics.contracts import object_keys
from genomics.contracts.archives import ArchiveRequest, Restored, Study
from genomics.contracts.environment import FindDueStudiesEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, RUN, LedgerEntry, study_partition
from genomics.contracts.runs import (
    Artifact,
    LaneReads,
    Reference,
    RunRequest,
    RunResults,
    SampleReads,
    SampleResult,
    State,
)
from lambdas import documents
from lambdas.archive.find_due_studies import ArchiveStarter
from lambdas.archive.holdings import Due, due_studies
from tests.lambdas.archive.conftest import BUCKET, MACHINE, TABLE, Account

LATER = datetime.now(UTC) + timedelta(days=1)
FOLDER = object_keys.run_folder("folder-1")


def due(account: Account, before: datetime = LATER) -> list[Due]:
    return list(due_studies(account.s3, BUCKET, written_before=before))


def put_folder(account: Account, name: str = "folder-1", **more: str) -> None:
    account.put(f"{object_keys.run_folder(name)}RunInfo.xml")
    account.put(f"{object_keys.run_folder(name)}Data/L001/C1.1/s_1_1101.bcl", **more)


def age(account: Account, key: str, days: int) -> None:
    account.key(key).last_modified -= timedelta(days=days)


def put_run(account: Account, run_id: str, study: str, read: str = "1", *, has_ended: bool = True) -> tuple[str, str]:
    """Keys of a run's first read and of its VCF."""
    mates = [object_keys.reads(read * 64, f"{read}_R{mate}.fastq.gz") for mate in (1, 2)]
    vcf, fasta = f"steps/gather_variants/{run_id}/A.vcf.gz", object_keys.reference_file("0" * 64, "r.fa")
    for key in (*mates, vcf, fasta):
        account.put(key)
    found = {key: Artifact(account.uri(key), "0" * 64, 1) for key in (*mates, vcf, fasta)}
    reads = SampleReads("A", "P", (LaneReads("L1", found[mates[0]], found[mates[1]]),))
    request = RunRequest(run_id, study, Reference("r", found[fasta]), (reads,))
    documents.write(account.s3, request, account.uri(object_keys.run_document(run_id, "request.json")))
    if not has_ended:
        return mates[0], vcf
    results = RunResults(run_id, study, "r", (SampleResult("A", "P", State.SUCCEEDED, vcf=found[vcf]),))
    documents.write(account.s3, results, account.uri(object_keys.run_results(run_id)))
    return mates[0], vcf


@pytest.fixture
def starter(account: Account) -> ArchiveStarter:
    environment = FindDueStudiesEnvironment(BUCKET, TABLE, MACHINE, 90, 1024, 64)
    return ArchiveStarter(environment, account.s3, account.executions, account.ledger)  # type: ignore[arg-type]


def day(number: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=number)


def test_a_run_s_reads_and_variants_are_its_study_s_and_the_reference_is_nobody_s(account: Account) -> None:
    read, vcf = put_run(account, "run-1", "heart")
    (found,) = due(account)
    assert found == Due("heart", (), (read, read.replace("_R1", "_R2"), vcf))


def test_reads_that_were_demultiplexed_here_and_gvcfs_are_their_study_s_too(account: Account) -> None:
    read, _ = put_run(account, "run-1", "heart")
    keys = [f"{object_keys.DEMULTIPLEXED}lane/A_R{mate}.fastq.gz" for mate in (1, 2)]
    gvcf = "steps/gather_variants/run-1/A.g.vcf.gz"
    for key in (*keys, gvcf):
        account.put(key)
    found = {key: Artifact(account.uri(key), "0" * 64, 1) for key in (*keys, gvcf)}
    uri = account.uri(object_keys.run_document("run-1", "request.json"))
    request = documents.read(account.s3, RunRequest, uri)
    lane = LaneReads("L2", found[keys[0]], found[keys[1]])
    sample = replace(request.samples[0], lanes=(*request.samples[0].lanes, lane))
    documents.write(account.s3, replace(request, samples=(sample,)), uri)
    results = account.uri(object_keys.run_results("run-1"))
    ended = documents.read(account.s3, RunResults, results)
    with_gvcf = replace(ended.samples[0], gvcf=found[gvcf])
    documents.write(account.s3, replace(ended, samples=(with_gvcf,)), results)
    (due_study,) = due(account)
    assert {read, *keys, gvcf} <= set(due_study.keys)


def test_a_run_folder_is_a_study_of_its_own_unless_one_claims_it(account: Account) -> None:
    put_folder(account)
    assert due(account) == [Due("folder-1", (FOLDER,), ())]
    documents.write(account.s3, Study("heart", run_folders=("folder-1",)), account.uri(object_keys.study("heart")))
    assert due(account) == [Due("heart", (FOLDER,), ())]


def test_nothing_of_a_study_is_due_while_something_of_it_is_young(account: Account) -> None:
    put_folder(account)
    assert due(account, datetime.now(UTC) - timedelta(days=1)) == []


def test_what_is_archived_is_not_due(account: Account) -> None:
    put_folder(account, StorageClass="GLACIER")
    assert due(account) == []


def test_a_folder_that_was_restored_is_as_old_as_its_restore(account: Account, starter: ArchiveStarter) -> None:
    put_folder(account)
    # What is never archived keeps its age; the BCL has come back today.
    age(account, f"{FOLDER}RunInfo.xml", 200)
    assert list(starter.start_due(day(1))) == []
    assert list(starter.start_due(day(91))) == ["folder-1"]


def test_a_restore_that_took_days_makes_all_of_a_folder_as_young_as_its_end(account: Account) -> None:
    put_folder(account)
    for key in ("RunInfo.xml", "Data/L001/C1.1/s_1_1101.bcl"):
        age(account, f"{FOLDER}{key}", 92)
    before = datetime.now(UTC) - timedelta(days=90)
    assert [found.study for found in due(account, before)] == ["folder-1"]
    restored = object_keys.archive_restored("folder-1", "1")
    documents.write(account.s3, Restored(1, 0, ""), account.uri(restored))
    age(account, restored, 89)
    assert due(account, before) == []


def test_what_two_studies_use_stays(account: Account) -> None:
    shared, first = put_run(account, "run-1", "heart")
    _, second = put_run(account, "run-2", "lung")
    assert [(found.study, found.keys) for found in due(account)] == [("heart", (first,)), ("lung", (second,))]
    assert shared not in {key for found in due(account) for key in found.keys}


def test_a_study_is_started_when_it_is_ninety_days_old_and_once(account: Account, starter: ArchiveStarter) -> None:
    put_folder(account)
    assert list(starter.start_due(day(89))) == []
    assert list(starter.start_due(day(91))) == ["folder-1"]
    # The next day's look finds it under way, and begins nothing.
    assert list(starter.start_due(day(92))) == []
    (given,) = account.executions.inputs.values()
    request = documents.read(account.s3, ArchiveRequest, given["request"])
    assert (request.study, request.prefixes, request.tar_bytes) == ("folder-1", (FOLDER,), 1 << 40)


def test_a_failed_archive_is_taken_up_under_its_own_id(account: Account, starter: ArchiveStarter) -> None:
    put_folder(account)
    list(starter.start_due(day(91)))
    entry = account.ledger.get(study_partition("folder-1"), ARCHIVE)
    assert entry is not None
    account.ledger.update(replace(entry, state=State.FAILED))
    assert list(starter.start_due(day(92))) == ["folder-1"]
    first, second = account.executions.inputs.values()
    assert first["request"] == second["request"]
    assert first["name"] != second["name"]


def fail(account: Account) -> None:
    entry = account.ledger.get(study_partition("folder-1"), ARCHIVE)
    assert entry is not None
    account.ledger.update(replace(entry, state=State.FAILED, reason="it broke"))


def test_an_archive_that_has_failed_three_times_is_planned_anew(account: Account, starter: ArchiveStarter) -> None:
    put_folder(account)
    for number in range(91, 95):
        assert list(starter.start_due(day(number))) == ["folder-1"]
        fail(account)
    first, second, third, fourth = (given["request"] for given in account.executions.inputs.values())
    assert first == second == third != fourth
    assert fourth > third


def test_an_archive_whose_tars_were_verified_is_finished_however_often_it_fails(
    account: Account, starter: ArchiveStarter
) -> None:
    put_folder(account)
    list(starter.start_due(day(91)))
    entry = account.ledger.get(study_partition("folder-1"), ARCHIVE)
    assert entry is not None
    assert entry.fingerprint
    account.archive("folder-1", entry.fingerprint)
    for number in range(92, 97):
        fail(account)
        assert list(starter.start_due(day(number))) == ["folder-1"]
    assert len({given["request"] for given in account.executions.inputs.values()}) == 1


def test_an_archive_that_was_restored_before_it_was_finished_is_never_taken_up(
    account: Account, starter: ArchiveStarter
) -> None:
    put_folder(account)
    list(starter.start_due(day(91)))
    entry = account.ledger.get(study_partition("folder-1"), ARCHIVE)
    assert entry is not None
    assert entry.fingerprint
    account.archive("folder-1", entry.fingerprint)
    fail(account)
    restored = object_keys.archive_restored("folder-1", entry.fingerprint)
    documents.write(account.s3, Restored(1, 0, ""), account.uri(restored))
    list(starter.start_due(day(200)))
    first, second = (given["request"] for given in account.executions.inputs.values())
    assert first != second


def test_the_reason_of_an_attempt_that_failed_does_not_stand_beside_the_next(
    account: Account, starter: ArchiveStarter
) -> None:
    put_folder(account)
    list(starter.start_due(day(91)))
    fail(account)
    list(starter.start_due(day(92)))
    entry = account.ledger.get(study_partition("folder-1"), ARCHIVE)
    assert entry is not None
    assert (entry.state, entry.attempt, entry.reason) == (State.RUNNING, 2, None)


def test_of_two_looks_at_once_one_starts_the_archive(
    account: Account, starter: ArchiveStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_folder(account)
    read = account.ledger.get

    def read_then_lose(run_id: str, item: str) -> LedgerEntry | None:
        found = read(run_id, item)
        if item == ARCHIVE:
            account.ledger.update(LedgerEntry(run_id, ARCHIVE, State.RUNNING, fingerprint="x", execution_arn="other"))
        return found

    monkeypatch.setattr(account.ledger, "get", read_then_lose)
    assert list(starter.start_due(day(91))) == []
    assert account.executions.inputs == {}


@pytest.mark.parametrize("state", [None, State.PLANNED, State.RUNNING])
def test_reads_stay_while_a_run_is_under_way(account: Account, starter: ArchiveStarter, state: State | None) -> None:
    put_run(account, "run-1", "heart", has_ended=False)
    if state:
        account.ledger.update(LedgerEntry("run-1", RUN, state))
    assert list(starter.start_due(day(91))) == []
    # A run that has failed as a whole leaves no results.
    account.ledger.update(LedgerEntry("run-1", RUN, State.FAILED))
    assert list(starter.start_due(day(91))) == ["heart"]


def test_a_finished_archive_is_followed_by_another(account: Account, starter: ArchiveStarter) -> None:
    put_folder(account)
    list(starter.start_due(day(91)))
    account.ledger.update(LedgerEntry(study_partition("folder-1"), ARCHIVE, State.SUCCEEDED))
    assert list(starter.start_due(day(200))) == ["folder-1"]
    first, second = account.executions.inputs.values()
    assert first["request"] != second["request"]


def test_a_study_that_is_being_restored_waits(account: Account, starter: ArchiveStarter) -> None:
    put_folder(account)
    account.ledger.update(LedgerEntry(study_partition("folder-1"), RESTORE, State.RUNNING))
    assert list(starter.start_due(day(91))) == []
