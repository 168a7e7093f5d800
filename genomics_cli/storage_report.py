"""What storage class analysis has seen, and what another lifecycle would cost or save.

S3 User Guide, "Amazon S3 analytics - Storage Class Analysis", "Exported data file layout": a row for each day, class
and range of ages, in MB; rows of `ObjectAge` ALL are totals of all ages.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from genomics.contracts import object_keys
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.storage_prices import SOURCE, StoragePrices

# A shorter time says little of how often data are read.
SHORTEST_DAYS = 30
_DAYS_OF_A_MONTH = 30.4375
_MB_OF_A_GB = 1024
_COLUMNS = ("Date", "StorageClass", "ObjectAge", "Storage_MB", "DataRetrieved_MB")
_AGE = re.compile(r"(?P<least>\d+)(?:-(?P<most>\d+)|\+)")


@dataclass(frozen=True)
class Row:
    """One day of one class and range of ages, which begins at `least_days`; sizes in GB."""

    day: date
    storage_class: str
    least_days: int
    stored_gb: float
    retrieved_gb: float


@dataclass(frozen=True)
class Usage:
    """A class and range of ages over the time reported on: GB stored on the average day, GB retrieved in all."""

    storage_class: str
    least_days: int
    stored_gb: float
    retrieved_gb: float


@dataclass(frozen=True)
class Report:
    """Usage from `first` to `last` day, and dollars a month as it is and with the lifecycle proposed.

    `archive_after_days` and `tier` are the proposal: objects that old go to Deep Archive, and whatever is retrieved of
    them is restored by that tier. A negative saving is a cost.
    """

    first: date
    last: date
    days: int
    usage: tuple[Usage, ...]
    archive_after_days: int
    tier: str
    now_dollars: float
    proposed_dollars: float
    prices: str = SOURCE

    @property
    def saving_dollars(self) -> float:
        """A month."""
        return self.now_dollars - self.proposed_dollars


def report(
    platform: Platform,
    *,
    days: int,
    archive_after_days: int,
    tier: str,
    prices: StoragePrices | None = None,
) -> Report:
    """Report on the last `days` of the exports, at least 30; UserError says when there are not as many yet."""
    return summarize(
        _exports(platform),
        days=days,
        archive_after_days=archive_after_days,
        tier=tier,
        prices=prices or StoragePrices(),
    )


def summarize(
    exports: Iterable[tuple[str, str]], *, days: int, archive_after_days: int, tier: str, prices: StoragePrices
) -> Report:
    """The same of exports given as name and text."""
    if days < SHORTEST_DAYS:
        raise UserError(f"--days {days} is too short: what is read once a month shows in {SHORTEST_DAYS} days or more")
    # An export repeats the days of the one before.
    rows = {(row.day, row.storage_class, row.least_days): row for name, text in exports for row in _rows(name, text)}
    seen = {day for day, _, _ in rows}
    last = max(seen, default=date.today())
    first = last - timedelta(days=days - 1)
    wanted = [row for row in rows.values() if row.day >= first]
    covered = len({row.day for row in wanted})
    if covered < days:
        raise UserError(
            f"storage class analysis has exported {covered} of the {days} days asked for;"
            " it begins a day after the stack storage was deployed, and adds one every day"
        )
    usage = _usage(wanted, covered)
    months = days / _DAYS_OF_A_MONTH
    now = sum(_dollars(u, u.storage_class, None, months, prices) for u in usage)
    proposed = sum(
        _dollars(u, "DEEP_ARCHIVE", tier, months, prices)
        if u.least_days >= archive_after_days and u.storage_class != "DEEP_ARCHIVE"
        else _dollars(u, u.storage_class, None, months, prices)
        for u in usage
    )
    return Report(first, last, days, usage, archive_after_days, tier, now, proposed)


def as_document(found: Report) -> dict[str, object]:
    """For machines, with the unit in each name."""
    return {
        "first_day": found.first.isoformat(),
        "last_day": found.last.isoformat(),
        "days": found.days,
        "usage": [
            {
                "storage_class": u.storage_class,
                "age_from_days": u.least_days,
                "stored_gb_average": round(u.stored_gb, 3),
                "retrieved_gb": round(u.retrieved_gb, 3),
            }
            for u in found.usage
        ],
        "retrieved_gb": round(sum(u.retrieved_gb for u in found.usage), 3),
        "proposal": {"archive_after_days": found.archive_after_days, "restore_tier": found.tier},
        "now_usd_per_month": round(found.now_dollars, 2),
        "proposed_usd_per_month": round(found.proposed_dollars, 2),
        "saving_usd_per_month": round(found.saving_dollars, 2),
        "prices": found.prices,
    }


def _usage(rows: Iterable[Row], days: int) -> tuple[Usage, ...]:
    stored: dict[tuple[str, int], float] = defaultdict(float)
    retrieved: dict[tuple[str, int], float] = defaultdict(float)
    for row in rows:
        stored[row.storage_class, row.least_days] += row.stored_gb / days
        retrieved[row.storage_class, row.least_days] += row.retrieved_gb
    return tuple(Usage(*key, stored[key], retrieved[key]) for key in sorted(stored))


def _dollars(usage: Usage, storage_class: str, tier: str | None, months: float, prices: StoragePrices) -> float:
    """A month's storage of the average day, and what was retrieved in the time, for a month."""
    if storage_class not in prices.storage:
        raise UserError(
            f"there is no price of the storage class {storage_class}; there are {', '.join(prices.storage)}"
        )
    per_gb = prices.read_infrequent if storage_class == "STANDARD_IA" else 0.0
    if tier:
        per_gb = prices.retrieval[tier]
    return usage.stored_gb * prices.storage[storage_class] + usage.retrieved_gb / months * per_gb


def _exports(platform: Platform) -> Iterator[tuple[str, str]]:
    s3, bucket = platform.cloud.s3, platform.deployment.logs_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=object_keys.STORAGE_ANALYSIS)
    found = [item for page in pages for item in page.get("Contents", ()) if item["Key"].endswith(".csv")]
    for item in sorted(found, key=lambda item: item["LastModified"]):
        text = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode("utf-8-sig")
        yield object_keys.uri(bucket, item["Key"]), text


def _rows(name: str, text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text))
    if missing := [column for column in _COLUMNS if column not in (reader.fieldnames or ())]:
        raise UserError(f"{name}:1: no column {missing[0]}; it is no export of storage class analysis (version V_1)")
    for record in reader:
        if age := _AGE.fullmatch(record["ObjectAge"] or ""):
            yield _row(f"{name}:{reader.line_num}", record, int(age["least"]))


def _row(where: str, record: Mapping[str, str], least_days: int) -> Row:
    try:
        return Row(
            day=datetime.strptime(record["Date"], "%Y-%m-%d").date(),
            storage_class=record["StorageClass"],
            least_days=least_days,
            stored_gb=float(record["Storage_MB"] or 0) / _MB_OF_A_GB,
            retrieved_gb=float(record["DataRetrieved_MB"] or 0) / _MB_OF_A_GB,
        )
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
