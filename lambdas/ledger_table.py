"""The run ledger's table: writing and reading its entries."""

from __future__ import annotations

import datetime
import itertools
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

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

_BATCH = 25
_BATCH_ATTEMPTS = 8


def sample_order(index: int) -> int:
    """Place of the run's sample number `index`, counted from 0; the entries of its steps follow it."""
    return (index + 1) * _ENTRIES_PER_SAMPLE


def utc_now() -> str:
    """The time as the ledger writes it: ISO 8601, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def seconds_between(started_at: str | None, finished_at: str) -> float | None:
    """Seconds between two of the ledger's times; None where the first is not known."""
    if started_at is None:
        return None
    span = datetime.datetime.fromisoformat(finished_at) - datetime.datetime.fromisoformat(started_at)
    return span.total_seconds()


class Ledger:
    """The entries of one table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put_all(self, entries: Iterable[LedgerEntry]) -> None:
        """Write entries whole, replacing what they replace."""
        requests: Iterator[Any] = iter([{"PutRequest": {"Item": ledger.to_item(entry)}} for entry in entries])
        while batch := list(itertools.islice(requests, _BATCH)):
            self._put_batch(batch)

    def put_unless_started(self, entry: LedgerEntry) -> bool:
        """Write a run's entry unless the run has been started before; False if it was, and nothing is written."""
        # A run that could not be started has FAILED without an end; that entry may be replaced.
        return self._guarded(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=ledger.to_item(entry),
                ConditionExpression=(
                    "attribute_not_exists(run_id) OR (#state = :failed AND attribute_not_exists(finished_at))"
                ),
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":failed": {"S": State.FAILED.value}},
            )
        )

    def update(self, entry: LedgerEntry) -> None:
        """Set the entry's fields and leave the item's others as they are."""
        self._client.update_item(TableName=self._table, **ledger.update(entry))

    def update_if(self, entry: LedgerEntry, *, still: State) -> bool:
        """Update an entry only while it is in the state `still`; False if it is not."""
        arguments = ledger.update(entry)
        arguments["ExpressionAttributeValues"][":still"] = {"S": still.value}
        return self._guarded(
            lambda: self._client.update_item(TableName=self._table, ConditionExpression="#state = :still", **arguments)
        )

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

    def _put_batch(self, batch: list[Any]) -> None:
        for attempt in range(_BATCH_ATTEMPTS):
            answer = self._client.batch_write_item(RequestItems={self._table: batch})
            batch = list(answer.get("UnprocessedItems", {}).get(self._table, []))
            if not batch:
                return
            time.sleep(0.05 * 2**attempt)
        raise RuntimeError(f"DynamoDB left {len(batch)} items of {self._table} unwritten")

    @staticmethod
    def _guarded(write: Any) -> bool:
        try:
            write()
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True
