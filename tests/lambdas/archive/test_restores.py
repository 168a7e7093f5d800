"""Restores: who may ask, what is joined, when it goes on, and who is told, once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.archives import Restored
from genomics.contracts.environment import RestoreEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.archive.await_tars import await_tars, go_on_if_readable
from lambdas.archive.begin_restore import Restores
from lambdas.archive.notice_reads import notice_reads
from lambdas.archive.notify_requesters import notify_requesters
from lambdas.archive.record_failure import record_failure
from lambdas.archive.record_stopped import StoppedWork
from lambdas.failures import Caught
from tests.lambdas.archive.conftest import BUCKET, MACHINE, TABLE, Account

PARTITION = study_partition("heart")
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:Restores:"


def begin(
    account: Account, email: str = "ana@lab.example", *, execution: str = "one", owner: str = ""
) -> dict[str, Any]:
    environment = RestoreEnvironment(BUCKET, TABLE, account.topic, "Bulk", 7, owner)
    restores = Restores(environment, account.s3, account.sns, account.ledger)
    return restores.begin(study="heart", email=email, execution=f"{EXECUTION}{execution}")


def state(account: Account, item: str = RESTORE) -> State | None:
    entry = account.ledger.get(PARTITION, item)
    return entry.state if entry else None


def wait_for_tars(account: Account) -> None:
    await_tars(
        study="heart",
        token="token",
        bucket=BUCKET,
        s3=account.s3,
        step_functions=account.executions,  # type: ignore[arg-type]
        ledger=account.ledger,
    )


def tar_is_restored(account: Account) -> bool:
    return go_on_if_readable(
        study="heart",
        bucket=BUCKET,
        s3=account.s3,
        step_functions=account.executions,  # type: ignore[arg-type]
        ledger=account.ledger,
    )


def notify(account: Account, *, execution: str = "one", is_in_shares: bool = True, topic: str = "") -> int:
    return notify_requesters(
        study="heart",
        request_uri=account.uri(object_keys.restore_request("heart", execution)),
        is_in_shares=is_in_shares,
        topic_arn=topic or account.topic,
        s3=account.s3,
        sns=account.sns,
        ledger=account.ledger,
    )


def bring_back(account: Account, archive_id: str = "1", *, changed: int = 0) -> None:
    """What the job leaves."""
    uri = account.uri(object_keys.archive_restored("heart", archive_id))
    documents.write(account.s3, Restored(1, changed, ""), uri)


def stop(account: Account, execution: str, status: str) -> int:
    stopped = StoppedWork(account.topic, account.sns, account.ledger)
    return stopped.record("heart", f"{EXECUTION}{execution}", status)


def test_a_restore_asks_s3_for_the_tars_and_notes_who_waits(account: Account) -> None:
    archive = account.archive()
    begun = begin(account)
    assert (begun["joined"], begun["tars"]) == (False, 1)
    assert "Restore" in account.s3.head_object(Bucket=BUCKET, Key=archive.tars[0].key)
    assert (state(account), state(account, "requester#ana@lab.example")) == (State.RUNNING, State.PLANNED)
    (subscription,) = account.sns.list_subscriptions_by_topic(TopicArn=account.topic)["Subscriptions"]
    attributes = account.sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == {"recipient": ["ana@lab.example"]}


def test_who_asks_while_it_runs_joins_and_is_told_too(account: Account) -> None:
    account.archive()
    begin(account)
    assert begin(account, "bob@lab.example", execution="two")["joined"] is True
    assert begin(account, "ana@lab.example", execution="three")["joined"] is True
    bring_back(account)
    assert notify(account) == 2
    assert account.told() == ["ana@lab.example", "bob@lab.example"]


def test_nobody_is_told_twice_whoever_notifies_again(account: Account) -> None:
    account.archive()
    begin(account)
    bring_back(account)
    assert (notify(account), notify(account)) == (1, 0)
    assert account.told() == ["ana@lab.example"]


def test_an_e_mail_that_could_not_be_sent_is_sent_by_the_next_try(account: Account) -> None:
    account.archive()
    begin(account)
    bring_back(account)
    with pytest.raises(Exception, match="NotFound"):
        notify(account, topic=f"{account.topic}-gone")
    assert notify(account) == 1


def test_who_asks_after_the_end_is_told_without_a_restore(account: Account) -> None:
    account.archive()
    begin(account)
    bring_back(account)
    notify(account)
    begun = begin(account, "bob@lab.example", execution="two")
    assert (begun["joined"], begun["tars"]) == (False, 0)
    notify(account, execution="two")
    assert account.told() == ["ana@lab.example", "bob@lab.example"]


@pytest.mark.parametrize(
    ("registered", "fallback", "told"),
    [("pi@lab.example", "x@lab.example", ["pi@lab.example"]), ("", "x@lab.example", ["x@lab.example"]), ("", "", [])],
)
def test_a_gateway_s_read_tells_the_owner(account: Account, registered: str, fallback: str, told: list[str]) -> None:
    account.archive(owner=registered)
    begin(account, "", owner=fallback)
    bring_back(account)
    notify(account)
    assert account.told() == told


def test_what_cannot_be_restored_is_said_in_a_line(account: Account) -> None:
    with pytest.raises(ValueError, match=r"^study heart has no archive"):
        begin(account)
    account.archive()
    account.ledger.update(LedgerEntry(PARTITION, ARCHIVE, State.RUNNING))
    with pytest.raises(ValueError, match=r"^study heart is being archived; ask again when that has ended"):
        begin(account)
    account.ledger.update(LedgerEntry(PARTITION, ARCHIVE, State.SUCCEEDED))
    with pytest.raises(ValueError, match=r"^'nobody' is no e-mail address"):
        begin(account, "nobody")


def test_the_last_tar_lets_it_go_on_once(account: Account) -> None:
    account.archive()
    account.archive(archive_id="2")
    begin(account)
    # moto restores at the second look; the first is the function's own.
    wait_for_tars(account)
    for _ in range(3):
        tar_is_restored(account)
    assert account.executions.successes == ["token"]


def test_a_tar_that_was_ready_before_the_token_came_is_not_missed(account: Account) -> None:
    archive = account.archive()
    begin(account)
    assert tar_is_restored(account) is False
    account.s3.head_object(Bucket=BUCKET, Key=archive.tars[0].key)
    wait_for_tars(account)
    assert account.executions.successes == ["token"]


def test_a_failure_ends_its_own_entry_only(account: Account) -> None:
    account.archive()
    begin(account)
    caught = Caught("States.TaskFailed", "it broke")
    told = {"study": "heart", "item": RESTORE, "caught": caught, "ledger": account.ledger}
    record_failure(execution=f"{EXECUTION}other", **told)  # type: ignore[arg-type]
    assert state(account) is State.RUNNING
    line = record_failure(execution=f"{EXECUTION}one", **told)["line"]  # type: ignore[arg-type]
    assert line == "restore of heart failed: States.TaskFailed: it broke"
    assert state(account) is State.FAILED
    assert begin(account, execution="two")["joined"] is False


def test_an_execution_that_was_stopped_keeps_nobody_out(account: Account) -> None:
    account.archive()
    begin(account)
    stop(account, "one", "ABORTED")
    assert begin(account, "bob@lab.example", execution="two")["joined"] is False


def test_who_waits_is_told_that_a_restore_has_failed_and_why(account: Account) -> None:
    account.archive()
    begin(account)
    begin(account, "bob@lab.example", execution="two")
    caught = Caught("States.TaskFailed", "the tar is damaged")
    record_failure(study="heart", item=RESTORE, execution=f"{EXECUTION}one", caught=caught, ledger=account.ledger)
    assert (stop(account, "one", "FAILED"), stop(account, "one", "FAILED")) == (2, 0)
    assert account.told() == ["ana@lab.example", "bob@lab.example"]
    _, text = account.mails()[0]
    assert "could not be brought back from the archive: restore of heart failed" in text
    assert "the tar is damaged" in text
    assert "genomics restore heart" in text


def test_a_failure_that_nobody_could_record_ends_the_entry(account: Account) -> None:
    account.archive()
    begin(account)
    assert stop(account, "one", "FAILED") == 1
    entry = account.ledger.get(PARTITION, RESTORE)
    assert entry is not None
    assert (entry.state, entry.reason) == (State.FAILED, "restore of heart: failed")


def test_the_end_of_another_execution_tells_nobody(account: Account) -> None:
    account.archive()
    begin(account)
    # One that has joined, and one that was followed by this.
    assert stop(account, "two", "FAILED") == 0
    assert state(account) is State.RUNNING


@pytest.mark.parametrize(
    ("changed", "is_in_shares", "said"),
    [
        (0, True, "All objects of study heart are at their keys again. The file shares show them."),
        (3, True, "are at their keys again, except 3 of them: their keys were written or deleted after"),
        (0, False, "A file share could not be refreshed"),
    ],
)
def test_the_e_mail_says_what_is_not_as_it_was(account: Account, changed: int, is_in_shares: bool, said: str) -> None:
    account.archive()
    account.archive(archive_id="2")
    begin(account)
    bring_back(account)
    bring_back(account, "2", changed=changed)
    notify(account, is_in_shares=is_in_shares)
    ((_, text),) = account.mails()
    assert said in text


def test_a_copy_that_is_about_to_go_is_kept_for_the_whole_time(account: Account) -> None:
    archive = account.archive()
    key = archive.tars[0].key
    account.s3.restore_object(Bucket=BUCKET, Key=key, RestoreRequest={"Days": 1})
    account.s3.head_object(Bucket=BUCKET, Key=key)
    account.key(key)._expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    begin(account)
    assert "false" in account.s3.head_object(Bucket=BUCKET, Key=key)["Restore"]
    # S3 API Reference, RestoreObject: on a restored object it sets the time for which the copy stays anew.
    assert account.key(key)._expiry > datetime.now(UTC).replace(tzinfo=None) + timedelta(days=6)


def test_reads_through_a_gateway_start_each_study_once(account: Account) -> None:
    for name in ("a", "b"):
        account.put(f"run_folders/r/{name}.bcl", StorageClass="GLACIER", Metadata={"archive-study": "heart"})
    account.put("run_folders/r/plain.bcl")
    entries: list[Any] = [
        {"type": "InaccessibleStorageClass", "bucket": BUCKET, "key": "run_folders/r/a.bcl"},
        # As a share below the prefix names it.
        {"type": "InaccessibleStorageClass", "bucket": BUCKET, "key": "r/b.bcl"},
        {"type": "InaccessibleStorageClass", "bucket": BUCKET, "key": "run_folders/r/plain.bcl"},
        {"type": "InaccessibleStorageClass", "bucket": "another", "key": "run_folders/r/a.bcl"},
        {"type": "ObjectMissing", "bucket": BUCKET, "key": "run_folders/r/a.bcl"},
    ]
    log_events = [{"message": json.dumps(entry)} for entry in entries] + [{"message": "no JSON"}]

    def notice(hour: int) -> list[str]:
        return notice_reads(
            log_events=log_events,
            bucket=BUCKET,
            state_machine_arn=MACHINE,
            now=datetime(2026, 1, 1, hour, tzinfo=UTC),
            s3=account.s3,
            step_functions=account.executions,  # type: ignore[arg-type]
        )

    assert (notice(1), notice(1), notice(2)) == (["heart"], [], ["heart"])
    assert list(account.executions.inputs.values()) == [{"study": "heart", "email": ""}] * 2
