"""What storage class analysis exported, and the arithmetic of a proposed lifecycle."""

from datetime import date, timedelta
from typing import Any

import pytest

from genomics_cli.errors import UserError
from genomics_cli.storage_prices import StoragePrices
from genomics_cli.storage_report import as_document, summarize

# S3 User Guide, "Amazon S3 analytics - Storage Class Analysis", "Exported data file layout".
HEADER = (
    "Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,DataUploaded_MB,Storage_MB,DataRetrieved_MB,GetRequestCount,"
    "CumulativeAccessRatio,ObjectAgeForSIATransition,RecommendedObjectAgeForSIATransition"
)
FIRST = date(2026, 1, 1)


def export(days: int = 31, first: date = FIRST) -> str:
    """1,000 GB of which 10 GB are read each day while young, and 2,000 GB older than 90 days, 1 GB read each day."""
    lines = [HEADER]
    for number in range(days):
        day = (first + timedelta(days=number)).isoformat()
        lines += [
            f"{day},whole-bucket,,STANDARD,000-014,10,0,{1_000 * 1024},{10 * 1024},9,0.1,,",
            f"{day},whole-bucket,,STANDARD_IA,090-119,10,0,{2_000 * 1024},{1 * 1024},9,0.1,,",
            f"{day},whole-bucket,,STANDARD,ALL,10,0,{1_000 * 1024},{10 * 1024},9,0.1,,",
            f"{day},whole-bucket,,STANDARD_IA,ALL,10,0,{2_000 * 1024},{1 * 1024},9,0.1,,",
        ]
    return "\n".join(lines)


def summarized(*exports: str, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"days": 30, "archive_after_days": 90, "tier": "Bulk", "prices": StoragePrices()}
    named = [(f"s3://logs/{n}.csv", text) for n, text in enumerate(exports)]
    return dict(as_document(summarize(named, **{**given, **changes})))


def test_usage_is_by_class_and_age_without_the_totals() -> None:
    found = summarized(export())
    assert (found["first_day"], found["last_day"], found["days"]) == ("2026-01-02", "2026-01-31", 30)
    assert found["usage"] == [
        {"storage_class": "STANDARD", "age_from_days": 0, "stored_gb_average": 1000.0, "retrieved_gb": 300.0},
        {"storage_class": "STANDARD_IA", "age_from_days": 90, "stored_gb_average": 2000.0, "retrieved_gb": 30.0},
    ]
    assert found["retrieved_gb"] == 330.0


def test_the_saving_is_that_of_the_list_prices() -> None:
    found = summarized(export())
    months = 30 / 30.4375
    # 1,000 GB STANDARD, 2,000 GB STANDARD_IA, and 30 GB read from it: https://aws.amazon.com/s3/pricing/, 2026-01.
    now = 1_000 * 0.023 + 2_000 * 0.0125 + 30 / months * 0.01
    proposed = 1_000 * 0.023 + 2_000 * 0.00099 + 30 / months * 0.0025
    assert found["now_usd_per_month"] == round(now, 2)
    assert found["proposed_usd_per_month"] == round(proposed, 2)
    assert found["saving_usd_per_month"] == pytest.approx(now - proposed, abs=0.01)


def test_what_is_retrieved_often_costs_more_by_the_fast_tier() -> None:
    dear = StoragePrices(retrieval={"Bulk": 0.0025, "Standard": 20.0})
    assert summarized(export(), tier="Standard", prices=dear)["saving_usd_per_month"] < 0


def test_exports_that_repeat_days_count_them_once() -> None:
    assert summarized(export(), export())["usage"] == summarized(export())["usage"]


def test_less_than_thirty_days_are_refused() -> None:
    with pytest.raises(UserError, match="--days 7 is too short"):
        summarized(export(), days=7)
    with pytest.raises(UserError, match="has exported 12 of the 30 days asked for"):
        summarized(export(12))
    with pytest.raises(UserError, match="has exported 0 of the 30 days"):
        summarized()


def test_a_file_that_is_no_export_is_named_with_its_line() -> None:
    with pytest.raises(UserError, match=r"s3://logs/0\.csv:1: no column Date"):
        summarized("a,b\n1,2")
    broken = export().replace(f"{2_000 * 1024}", "much", 1)
    with pytest.raises(UserError, match=r"s3://logs/0\.csv:3: .*much"):
        summarized(broken)
