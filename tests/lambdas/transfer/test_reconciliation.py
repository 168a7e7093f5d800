"""What becomes of an execution that has ended: told once, to those who wait or to those who must act."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.ledger import LedgerEntry, transfer_item
from genomics.contracts.runs import State
from lambdas.transfer import executions
from lambdas.transfer.executions import ReportPendingError
from lambdas.transfer.sweep import sweep
from tests.lambdas.conftest import BUCKET
from tests.lambdas.transfer.conftest import FILES, RUN, TASK, Transfers


def entry(transfers: Transfers, generation: int = 1, attempt: int = 1) -> LedgerEntry:
    found = transfers.platform.ledger.get(RUN, transfer_item(generation, attempt))
    assert found is not None
    return found


def put_all(transfers: Transfers) -> None:
    transfers.put_manifest()
    transfers.put_files()


def test_a_complete_run_is_announced_with_what_it_holds(transfers: Transfers) -> None:
    put_all(transfers)
    assert transfers.reconciler().reconcile(transfers.datasync.add(1)) == "SUCCEEDED: complete"
    [event] = transfers.told
    assert event["DetailType"] == "RunTransferred"
    assert event["Detail"] == {
        "run_id": RUN,
        "generation": 1,
        "folder": f"s3://{BUCKET}/run_folders/{RUN}/",
        "manifest": f"s3://{BUCKET}/manifests/{RUN}/1.tsv.gz",
        "files": 4,
        "bytes": 330,
    }
    ended = entry(transfers)
    assert (ended.state, ended.counts, ended.reason) == (State.SUCCEEDED, {"files": 4, "bytes": 330}, None)


def test_it_is_announced_once_however_often_it_is_reconciled(transfers: Transfers) -> None:
    put_all(transfers)
    execution = transfers.datasync.add(1)
    told = [transfers.reconciler().reconcile(execution) for _ in range(3)]
    assert told == ["SUCCEEDED: complete", "reconciled already", "reconciled already"]
    assert len(transfers.told) == 1


def test_a_missing_file_raises_an_alarm_that_names_it(transfers: Transfers) -> None:
    put_all(transfers)
    key = f"{object_keys.run_folder(RUN)}Data/L001/a.bcl"
    transfers.platform.s3.delete_object(Bucket=BUCKET, Key=key)
    execution = transfers.datasync.add(1)
    transfers.reconciler().reconcile(execution)
    [alarm] = transfers.told
    assert alarm["Subject"] == f"Transfer of {RUN} failed"
    assert "of 4 files 1 are missing: Data/L001/a.bcl." in alarm["Message"]
    ended = entry(transfers)
    assert ended.state is State.FAILED
    assert ended.document == f"s3://{BUCKET}/transfers/{RUN}/{execution.rsplit('/', 1)[-1]}.jsonl.gz"
    assert ended.document in alarm["Message"]
    body = transfers.platform.s3.get_object(Bucket=BUCKET, Key=object_keys.parse(ended.document)[1])["Body"].read()
    assert json.loads(gzip.decompress(body)) == {"fault": "missing", "key": key, "expected": 300}


def test_many_findings_are_counted_all_and_named_the_fatal_first(transfers: Transfers) -> None:
    listed = {f"Data/{number:03}.bcl": 1 for number in range(40)}
    transfers.put_manifest(listed)
    transfers.put_files({"A.txt": 1, "Data/007.bcl": 2})
    transfers.reconciler().reconcile(transfers.datasync.add(1))
    ended = entry(transfers)
    assert ended.counts == {"files": 40, "bytes": 40, "missing": 39, "wrong_size": 1, "not_listed": 1}
    reason = ended.reason or ""
    assert reason.startswith(
        "of 40 files 39 are missing, 1 have another size, 1 are there that the manifest does not list: Data/000.bcl, "
    )
    assert reason.endswith("Data/009.bcl, ...")


def test_a_file_that_the_manifest_does_not_list_takes_nothing_from_the_run(transfers: Transfers) -> None:
    put_all(transfers)
    transfers.put_files({"late.txt": 1})
    transfers.reconciler().reconcile(transfers.datasync.add(1))
    assert [event["DetailType"] for event in transfers.told] == ["RunTransferred"]
    assert (entry(transfers).state, entry(transfers).reason) == (
        State.SUCCEEDED,
        "of 4 files 1 are there that the manifest does not list: late.txt",
    )


def with_report(transfers: Transfers, statuses: dict[str, str], report: str = "SUCCESS", **more: Any) -> str:
    result = {"Status": report, **({"ErrorCode": "AccessDenied", "ErrorDetail": "no"} if report == "ERROR" else {})}
    execution = transfers.datasync.add(
        1, TaskReportConfig={"OutputType": "STANDARD"}, ReportResult=result, FilesTransferred=6, **more
    )
    transfers.put_report(execution, statuses)
    return execution


def test_a_file_that_could_not_be_verified_fails_the_run(transfers: Transfers) -> None:
    put_all(transfers)
    statuses = {**dict.fromkeys(FILES, "SUCCESS"), "RunInfo.xml": "FAILED"}
    transfers.reconciler().reconcile(with_report(transfers, statuses))
    assert "1 could not be verified: RunInfo.xml" in transfers.told[0]["Message"]
    assert (entry(transfers).counts or {})["verified"] == 3


def test_a_report_that_could_not_be_written_fails_the_run(transfers: Transfers) -> None:
    put_all(transfers)
    transfers.reconciler().reconcile(with_report(transfers, {}, "ERROR"))
    [alarm] = transfers.told
    said = "what was verified is not known: the task report is ERROR (AccessDenied: no)"
    assert said in alarm["Message"]
    assert (entry(transfers).state, entry(transfers).reason) == (State.FAILED, said)


def test_a_report_that_tells_of_fewer_files_than_were_transferred_fails_the_run(transfers: Transfers) -> None:
    put_all(transfers)
    # FilesTransferred, which is 6, counts two directories too.
    statuses = dict.fromkeys(FILES, "SUCCESS")
    assert transfers.reconciler().reconcile(with_report(transfers, statuses)) == "SUCCEEDED: complete"
    transfers.told.clear()
    del statuses["RunInfo.xml"]
    execution = with_report(transfers, statuses)
    transfers.platform.ledger.update(LedgerEntry(RUN, transfer_item(1, 1), State.RUNNING, started_at="2020"))
    transfers.reconciler().reconcile(execution)
    assert "the task report tells of 3 of 4 files that were transferred" in transfers.told[0]["Message"]


def test_the_report_is_waited_for_but_not_for_ever(transfers: Transfers, monkeypatch: pytest.MonkeyPatch) -> None:
    put_all(transfers)
    execution = with_report(transfers, {}, "PENDING")
    slept: list[float] = []
    with pytest.raises(ReportPendingError, match="still pending after 60 s"):
        executions.describe(transfers.datasync, execution, sleep=slept.append)  # type: ignore[arg-type]
    assert sum(slept) == 60
    assert transfers.platform.ledger.get(RUN, transfer_item(1, 1)) is None


def test_an_execution_that_ended_in_error_raises_an_alarm_with_datasyncs_words(transfers: Transfers) -> None:
    put_all(transfers)
    result = {"ErrorCode": "AgentOffline", "ErrorDetail": "the agent cannot be reached"}
    transfers.reconciler().reconcile(transfers.datasync.add(1, "ERROR", Result=result))
    assert "DataSync ended in error (AgentOffline: the agent cannot be reached)" in transfers.told[0]["Message"]


def test_the_next_attempt_is_told_of_again(transfers: Transfers) -> None:
    put_all(transfers)
    transfers.reconciler().reconcile(transfers.datasync.add(1, "ERROR"))
    transfers.reconciler().reconcile(transfers.datasync.add(2, attempt=2))
    assert [told.get("DetailType", "alarm") for told in transfers.told] == ["alarm", "RunTransferred"]


def test_late_files_are_told_of_by_their_own_execution(transfers: Transfers) -> None:
    put_all(transfers)
    transfers.put_manifest({**FILES, "late.txt": 5}, generation=2)
    first, second = transfers.datasync.add(1), transfers.datasync.add(2, generation=2)
    assert transfers.reconciler().reconcile(first).startswith("SKIPPED: manifest 2 lists")
    assert transfers.told == []
    transfers.put_files({"late.txt": 5})
    transfers.reconciler().reconcile(second)
    [event] = transfers.told
    assert (event["Detail"]["generation"], event["Detail"]["files"]) == (2, 5)


@pytest.mark.parametrize("whole", [True, False])
def test_a_manifest_that_cannot_be_used_raises_an_alarm(transfers: Transfers, whole: bool) -> None:
    if not whole:
        transfers.put_manifest(whole=False)
    transfers.reconciler().reconcile(transfers.datasync.add(1))
    assert "its manifest cannot be used" in transfers.told[0]["Message"]
    assert entry(transfers).state is State.FAILED


def test_what_the_tracker_has_not_started_is_left_alone(transfers: Transfers) -> None:
    execution = transfers.datasync.add(1)
    transfers.datasync.tags[execution] = {"owner": "somebody"}
    assert transfers.reconciler().reconcile(execution) == "not started by the run tracker"
    assert transfers.reconciler().reconcile(transfers.datasync.add(2, "TRANSFERRING")) == "still TRANSFERRING"


def test_a_claim_is_taken_over_only_when_its_holder_must_be_dead(transfers: Transfers) -> None:
    put_all(transfers)
    execution = transfers.datasync.add(1)
    reconciler = transfers.reconciler()
    claim = LedgerEntry(RUN, transfer_item(1, 1), State.RUNNING)
    assert transfers.platform.ledger.claim(claim, stale_before="0")
    assert reconciler.reconcile(execution) == "reconciled already"
    transfers.platform.ledger.update(replace(claim, started_at="2020-01-01T00:00:00.000+00:00"))
    assert reconciler.reconcile(execution) == "SUCCEEDED: complete"


def test_the_sweep_finds_what_a_lost_event_missed(transfers: Transfers) -> None:
    put_all(transfers)
    lost, done = transfers.datasync.add(1), transfers.datasync.add(2, attempt=2)
    transfers.datasync.add(3, "TRANSFERRING", attempt=3)
    foreign = transfers.datasync.add(4)
    transfers.datasync.tags[foreign] = {}
    transfers.reconciler().reconcile(done)

    sent: list[Any] = []

    class Queue:
        def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
            sent.append(json.loads(MessageBody))

    found = sweep(
        task_arn=TASK,
        queue_url="queue",
        datasync=transfers.datasync,  # type: ignore[arg-type]
        sqs=Queue(),  # type: ignore[arg-type]
        ledger=transfers.platform.ledger,
    )
    assert found == [lost]
    assert sent == [{"resources": [lost]}]
