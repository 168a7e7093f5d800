"""When schedules are due: the rate, cron and at expressions of EventBridge and of its Scheduler.

EventBridge User Guide, "Using cron and rate expressions"; EventBridge Scheduler User Guide, "Schedule types".
"""

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), start=1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199

DayTest = Callable[[date], bool]


class ExpressionError(ValueError):
    """Not a schedule expression; the message says why in one line."""


@dataclass(frozen=True)
class Rate:
    """Every `seconds`, counted from when the schedule began."""

    seconds: int

    def after(self, moment: float, began: float) -> float | None:
        """The first time after `moment` (seconds since the epoch) at which it is due."""
        return began + ((moment - began) // self.seconds + 1) * self.seconds if moment >= began else began


@dataclass(frozen=True)
class Once:
    """At one time."""

    at: float

    def after(self, moment: float, began: float) -> float | None:
        """That time, or None when it has passed."""
        return self.at if self.at > moment else None


@dataclass(frozen=True)
class Cron:
    """At the minutes that the six fields of a cron expression name, by the clock of `zone`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    is_day: DayTest
    zone: tzinfo

    def after(self, moment: float, began: float) -> float | None:
        """The first due time after `moment`, None if there is none."""
        start = datetime.fromtimestamp(moment, self.zone)
        for day in self._days(start.date()):
            for hour in self.hours:
                if day == start.date() and hour < start.hour:
                    continue
                for minute in self.minutes:
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                    due = local.timestamp()
                    # What a change to summer time skips does not happen that day.
                    if due > moment and datetime.fromtimestamp(due, self.zone).hour == hour:
                        return due
        return None

    def _days(self, day: date) -> Iterator[date]:
        while day.year <= max(self.years, default=0):
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            else:
                if self.is_day(day):
                    yield day
                day += timedelta(days=1)


Expression = Rate | Once | Cron


def parse(text: str, zone: tzinfo = UTC) -> Expression:
    """The expression that `text` is; `zone` is that of cron and at expressions. Raises ExpressionError."""
    if found := _RATE.fullmatch(text):
        return _rate(text, int(found[1]), found[2], is_plural=bool(found[3]))
    if found := _AT.fullmatch(text):
        return Once(datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp())
    if found := _CRON.fullmatch(text):
        return _cron(text, found[1].split(), zone)
    raise ExpressionError(f"{text} is neither rate(...) nor cron(...) nor at(...)")


def _rate(text: str, value: int, unit: str, *, is_plural: bool) -> Rate:
    # "If the value is equal to 1, then the unit must be singular. If the value is greater than 1, the unit must be
    # plural."
    if value < 1 or is_plural is (value == 1):
        raise ExpressionError(f"{text}: the unit is singular for 1 and plural for more")
    return Rate(value * _UNITS[unit])


def _cron(text: str, fields: list[str], zone: tzinfo) -> Cron:
    if len(fields) != 6:
        raise ExpressionError(
            f"{text} has {len(fields)} fields, not 6: minutes hours day-of-month month day-of-week year"
        )
    minutes, hours, day, month, weekday, year = fields
    # "You can't specify the Day-of-month and Day-of-week fields in the same cron expression."
    if (day == "?") is (weekday == "?"):
        raise ExpressionError(f"{text}: exactly one of day-of-month and day-of-week must be ?")
    try:
        return Cron(
            minutes=tuple(sorted(_values(minutes, 0, 59))),
            hours=tuple(sorted(_values(hours, 0, 23))),
            months=frozenset(_values(month, 1, 12, _MONTHS)),
            years=frozenset(_values(year, _FIRST_YEAR, _LAST_YEAR)),
            is_day=_day_of_month(day) if weekday == "?" else _day_of_week(weekday),
            zone=zone,
        )
    except ValueError as error:
        raise ExpressionError(f"{text}: {error}") from error


def _values(field: str, lowest: int, highest: int, names: dict[str, int] | None = None) -> set[int]:
    """The numbers that a field names. ValueError for what it cannot hold."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = lowest, highest
        else:
            begin = _number(first, names)
            end = _number(last, names) if last else highest if step else begin
        if not lowest <= begin <= highest or not lowest <= end <= highest:
            raise ValueError(f"{part} is not within {lowest}-{highest}")
        # A range may wrap, as FRI-MON does.
        values = range(begin, end + 1) if begin <= end else [*range(begin, highest + 1), *range(lowest, end + 1)]
        found.update(list(values)[:: _number(step, None) if step else 1])
    return found


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text.capitalize() in names:
        return names[text.capitalize()]
    if not text.isdigit():
        raise ValueError(f"{text!r} is not a number")
    return int(text)


def _day_of_month(field: str) -> DayTest:
    if field == "L":
        return lambda day: day.day == _length(day)
    if field == "LW":
        return lambda day: day.day == _nearest_weekday(day, _length(day))
    if field.endswith("W"):
        wanted = min(_values(field[:-1], 1, 31))
        return lambda day: wanted <= _length(day) and day.day == _nearest_weekday(day, wanted)
    days = _values(field, 1, 31)
    return lambda day: day.day in days


def _day_of_week(field: str) -> DayTest:
    if field == "L":  # the last day of the week
        return lambda day: _weekday(day) == _DAYS["Sat"]
    if field.endswith("L"):
        last = _number(field[:-1], _DAYS)
        return lambda day: _weekday(day) == last and day.day > _length(day) - 7
    if "#" in field:
        name, _, instance = field.partition("#")
        wanted, number = _number(name, _DAYS), min(_values(instance, 1, 5))
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == number
    days = _values(field, 1, 7, _DAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The weekday closest to day `wanted` of the month, within the month."""
    there = day.replace(day=wanted)
    if there.isoweekday() == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if there.isoweekday() == 7:
        return wanted + 1 if wanted < _length(day) else wanted - 2
    return wanted


def due_times(expression: Expression, after: float, until: float, began: float) -> Iterable[float]:
    """Every due time later than `after` and not later than `until`, in order."""
    moment = expression.after(after, began)
    while moment is not None and moment <= until:
        yield moment
        moment = expression.after(moment, began)
