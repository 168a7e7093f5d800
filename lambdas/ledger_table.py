"""The run ledger's table: writing and reading its entries."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from genomics.contracts import ledger
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Entries are sorted as the plan lists them: the run, its reference, each sample with its steps, the load.
RUN_ORDER = 0
REFERENCE_ORDER = 1
LOAD_ORDER = 1_000_000_000
_ENTRIES_PER_SAMPLE = 100_000

# Of one client, which many threads share.
PARALLEL_REQUESTS = 16


def sample_order(index: int) -> int:
    """Place of the run's sample number `index`, counted from 0; the entries of its steps follow it."""
    return (index + 1) * _ENTRIES_PER_SAMPLE


def utc_now() -> str:
    """The time as the ledger writes it: ISO 8601, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def open_ledger(table: str) -> Ledger:
    """The ledger in the table, through a client that many threads may share."""
    config = Config(max_pool_connections=PARALLEL_REQUESTS, retries={"mode": "standard", "max_attempts": 8})
    return Ledger(boto3.client("dynamodb", config=config), table)


class Ledger:
    """The entries of one table. They are only ever updated: field by field, by whoever knows it."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def update(self, entry: LedgerEntry) -> LedgerEntry:
        """Set the entry's fields, leave the item's others as they are; returns the entry as it then stands."""
        answer = self._client.update_item(TableName=self._table, ReturnValues="ALL_NEW", **ledger.update(entry))
        return ledger.from_item(answer["Attributes"])

    def update_all(self, entries: Iterable[LedgerEntry]) -> None:
        """Update many entries at once."""
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as threads:
            list(threads.map(self.update, entries))

    def start(self, entry: LedgerEntry) -> bool:
        """Update a run's entry unless the run has been started before; False if it was, and nothing is written."""
        arguments = ledger.update(entry)
        if entry.reason is None:
            arguments["UpdateExpression"] += " REMOVE #reason"
            arguments["ExpressionAttributeNames"]["#reason"] = "reason"
        # A run that could not be started has FAILED, but never ended.
        arguments["ConditionExpression"] = (
            "attribute_not_exists(run_id) OR (#state = :failed AND attribute_not_exists(finished_at))"
        )
        arguments["ExpressionAttributeValues"][":failed"] = {"S": State.FAILED.value}
        return self._update_on_condition(arguments)

    def claim(self, entry: LedgerEntry, *, stale_before: str) -> bool:
        """Make the entry RUNNING from now on, unless another has: one that began before `stale_before` is taken over.

        False if it is at work elsewhere, or has ended.
        """
        arguments = ledger.update(replace(entry, state=State.RUNNING, started_at=utc_now()))
        arguments["ConditionExpression"] = "attribute_not_exists(run_id) OR (#state = :state AND #started_at < :stale)"
        arguments["ExpressionAttributeValues"][":stale"] = {"S": stale_before}
        return self._update_on_condition(arguments)

    def claim_for_execution(self, entry: LedgerEntry) -> bool:
        """Make an entry RUNNING for its execution, unless it is for another; False if it is."""
        arguments = ledger.update(entry)
        arguments["UpdateExpression"] += " REMOVE #task_token, #finished_at"
        arguments["ExpressionAttributeNames"] |= {
            "#task_token": "task_token",
            "#finished_at": "finished_at",
            "#execution_arn": "execution_arn",
        }
        arguments["ConditionExpression"] = (
            "attribute_not_exists(run_id) OR #state <> :running OR #execution_arn = :mine"
        )
        arguments["ExpressionAttributeValues"] |= {
            ":running": {"S": State.RUNNING.value},
            ":mine": {"S": entry.execution_arn or ""},
        }
        return self._update_on_condition(arguments)

    def follow(self, entry: LedgerEntry, read: LedgerEntry | None) -> bool:
        """Put what has begun in the place of an entry that has ended, or of none; False if it is not as it was read."""
        arguments = ledger.update(entry)
        arguments["UpdateExpression"] += " REMOVE #finished_at, #seconds, #reason, #rows"
        arguments["ExpressionAttributeNames"] |= {f"#{n}": n for n in ("finished_at", "seconds", "reason", "rows")}
        if read is None:
            arguments["ConditionExpression"] = "attribute_not_exists(run_id)"
        else:
            arguments["ExpressionAttributeValues"][":read_state"] = {"S": read.state.value}
            arguments["ExpressionAttributeNames"]["#execution_arn"] = "execution_arn"
            its_execution = "attribute_not_exists(#execution_arn)"
            if read.execution_arn:
                arguments["ExpressionAttributeValues"][":read_execution"] = {"S": read.execution_arn}
                its_execution = "#execution_arn = :read_execution"
            arguments["ConditionExpression"] = f"#state = :read_state AND {its_execution}"
        return self._update_on_condition(arguments)

    def update_if(self, entry: LedgerEntry, *, still: State) -> bool:
        """Update an entry only while it is in the state `still`; False if it is not."""
        arguments = ledger.update(entry)
        arguments["ConditionExpression"] = "#state = :still"
        arguments["ExpressionAttributeValues"][":still"] = {"S": still.value}
        return self._update_on_condition(arguments)

    def reopen(self, ended: LedgerEntry, state: State, reason: str) -> bool:
        """Take an entry's end back; False if it has ended anew, or gone on, since `ended` was read."""
        arguments = ledger.update(LedgerEntry(ended.run_id, ended.item, state, reason=reason))
        arguments["UpdateExpression"] += " REMOVE #finished_at, #seconds"
        arguments["ExpressionAttributeNames"] |= {f"#{n}": n for n in ("finished_at", "seconds")}
        arguments["ConditionExpression"] = "#state = :ended AND #finished_at = :finished"
        arguments["ExpressionAttributeValues"] |= {
            ":ended": {"S": ended.state.value},
            ":finished": {"S": ended.finished_at or ""},
        }
        return self._update_on_condition(arguments)

    def end(self, entry: LedgerEntry) -> None:
        """Update an entry that has come to its end: now, unless it says when; its seconds count from its start."""
        self._count_seconds(self.update(_finished(entry)))

    def end_if(self, entry: LedgerEntry, *, still: State) -> bool:
        """As `end`, only while the entry is in the state `still`; False if it is not."""
        if not self.update_if(_finished(entry), still=still):
            return False
        if ended := self.get(entry.run_id, entry.item):
            self._count_seconds(ended)
        return True

    def get(self, run_id: str, item: str) -> LedgerEntry | None:
        """One entry, or None."""
        key = {ledger.PARTITION_KEY: {"S": run_id}, ledger.SORT_KEY: {"S": item}}
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return ledger.from_item(found) if found else None

    def find(self, run_id: str, prefix: str) -> list[LedgerEntry]:
        """A run's entries whose item begins with `prefix`, in the order of the plan."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="run_id = :run AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#item": ledger.SORT_KEY},
            ExpressionAttributeValues={":run": {"S": run_id}, ":prefix": {"S": prefix}},
        )
        entries = [ledger.from_item(item) for page in pages for item in page["Items"]]
        return sorted(entries, key=lambda entry: (entry.order or 0, entry.item))

    def _count_seconds(self, ended: LedgerEntry) -> None:
        if ended.started_at and ended.finished_at:
            seconds = _seconds_between(ended.started_at, ended.finished_at)
            self.update(LedgerEntry(ended.run_id, ended.item, ended.state, seconds=seconds))

    def _update_on_condition(self, arguments: dict[str, Any]) -> bool:
        try:
            self._client.update_item(TableName=self._table, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _finished(entry: LedgerEntry) -> LedgerEntry:
    return entry if entry.finished_at else replace(entry, finished_at=utc_now())


def _seconds_between(started_at: str, finished_at: str) -> float:
    span = datetime.datetime.fromisoformat(finished_at) - datetime.datetime.fromisoformat(started_at)
    return round(span.total_seconds(), 3)
