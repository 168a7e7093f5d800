"""EventBridge User Guide, "Using cron and rate expressions"; EventBridge Scheduler User Guide, "Schedule types"."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from embedded_aws.events.cron import ExpressionError, due_times, parse


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def next_times(expression: str, after: str, number: int = 1, zone: str = "UTC") -> list[str]:
    times = due_times(parse(expression, ZoneInfo(zone)), at(after, zone), at("2030-01-01", zone), at(after, zone))
    return [
        datetime.fromtimestamp(t, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") for t in itertools.islice(times, number)
    ]


# 2026-01-01 is a Thursday.
@pytest.mark.parametrize(
    ("expression", "times"),
    [
        # the guide's examples, with the times that their descriptions name
        ("cron(0 10 * * ? *)", ["2026-01-01 10:00", "2026-01-02 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-01 12:15", "2026-01-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01 08:00", "2026-02-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-01-01 00:15", "2026-01-01 00:30"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-01-01 00:10"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-01 08:00", "2026-01-01 08:05"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-01-01 00:30", "2026-01-01 01:00"]),
        # the wildcards
        ("cron(0 9 L * ? *)", ["2026-01-31 09:00", "2026-02-28 09:00"]),
        ("cron(0 9 LW * ? *)", ["2026-01-30 09:00", "2026-02-27 09:00"]),
        # "3W specifies the weekday closest to the third day of the month": the 3rd of January 2026 is a Saturday
        ("cron(0 9 3W * ? *)", ["2026-01-02 09:00", "2026-02-03 09:00"]),
        # "3#2 would be the second Tuesday of the month"
        ("cron(0 9 ? * 3#2 *)", ["2026-01-13 09:00", "2026-02-10 09:00"]),
        ("cron(15 10 ? * 6L *)", ["2026-01-30 10:15", "2026-02-27 10:15"]),
        ("cron(0 0 1 JAN,JUL ? 2027-2028)", ["2027-01-01 00:00", "2027-07-01 00:00", "2028-01-01 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00"]),
        ("rate(5 minutes)", ["2026-01-01 00:05", "2026-01-01 00:10"]),
        ("rate(1 hour)", ["2026-01-01 01:00"]),
        ("rate(7 days)", ["2026-01-08 00:00", "2026-01-15 00:00"]),
        ("at(2026-11-20T13:00:00)", ["2026-11-20 13:00"]),
    ],
)
def test_an_expression_is_due_when_the_guide_says(expression: str, times: list[str]) -> None:
    assert next_times(expression, "2026-01-01", len(times)) == times


def test_what_has_passed_is_never_due_again() -> None:
    assert next_times("at(2025-01-01T00:00:00)", "2026-01-01") == []
    assert next_times("cron(0 0 1 1 ? 2025)", "2026-01-01") == []


def test_a_cron_expression_goes_by_the_clock_of_its_zone() -> None:
    # Summer time in New York began on 2026-03-08 at 2:00, which then did not exist.
    times = next_times("cron(30 2 * * ? *)", "2026-03-07", 2, "America/New_York")
    assert times == ["2026-03-07 02:30", "2026-03-09 02:30"]
    due = parse("cron(0 9 * * ? *)", ZoneInfo("America/New_York")).after(at("2026-07-01"), 0)
    assert due is not None
    assert datetime.fromtimestamp(due, UTC).hour == 13


@pytest.mark.parametrize(
    "expression",
    [
        "every day", "rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)",
        "cron(0 10 * * *)", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 10 * * ? *)", "cron(0 10 ? * 8 *)",
        "cron(0 10 * FOO ? *)", "at(2026-11-20)",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        parse(expression)
