"""Stretches of time: days, weeks, seasons and years around a moment, and how far from one a moment is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "weekend": timedelta(days=7),
    "month": timedelta(days=30.44),
    "quarter": timedelta(days=91.3),
    "year": timedelta(days=365.24),
    "decade": timedelta(days=3652.4),
}
"""About how long a unit is: of a weekend, how far it is to the next."""

_MONTHS = {"month": 1, "quarter": 3, "season": 3, "year": 12, "decade": 120}
_SATURDAY = 5
_LEAST_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time from `start` up to but without `end`, and its `slack`, the measure of what is near."""

    start: datetime
    end: datetime
    slack: timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that a text speaks of: from `start` up to but without `end`, None where it is open.

    `phrase` is what it was read from. `slack` is the measure of what is near it: at this far outside, a
    moment is at a distance of 1. What is `deictic` was told from the moment of speaking (`last week`), and
    is as wrong as the moment it was understood at.
    """

    start: datetime | None
    end: datetime | None
    phrase: str
    slack: timedelta
    deictic: bool = False


def distance(period: Period, moment: datetime) -> float:
    """How far a moment is from a period: 0.0 inside, outside the gap in units of the period's `slack`.

    The slack is the period's own length, so that a day after `8 May 2023` is as far as a month after `May
    2023`; of an open period (`since May`) it is the length of what bounds it, and for vague words it is
    longer. `math.exp(-distance(...))` is a boost that is 1 inside and 0.37 at one length outside.
    """
    if period.start is not None and moment < period.start:
        return (period.start - moment) / period.slack
    if period.end is not None and moment >= period.end:
        return (moment - period.end) / period.slack
    return 0.0


def between(start: datetime, end: datetime, slack: timedelta | None = None) -> Span:
    """The span from `start` to `end`, whose slack is its length unless given; ValueError if it is empty."""
    if start >= end:
        raise ValueError(f"no time lies between {start} and {end}")
    return Span(start, end, max(slack or end - start, _LEAST_SLACK))


def moved(moment: datetime, count: int, unit: str) -> datetime:
    """The moment `count` units later, on the month's last day where its own day is missing.

    Raises ValueError or OverflowError outside the years 1 to 9999.
    """
    if unit not in _MONTHS:
        return moment + count * LENGTHS[unit]
    year, month = divmod(moment.year * 12 + moment.month - 1 + count * _MONTHS[unit], 12)
    first = moment.replace(year=year, month=month + 1, day=1)
    return min(first + timedelta(days=moment.day - 1), last_day(first))


def last_day(moment: datetime) -> datetime:
    """The last day of the moment's month, at its time of day."""
    return (moment.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def containing(unit: str, at: datetime) -> Span:
    """The unit of the calendar in which a moment lies; weeks begin on Monday, a weekend is its week's."""
    start = _START[unit](at.replace(second=0, microsecond=0, fold=0))
    return between(start, start + timedelta(days=2) if unit == "weekend" else moved(start, 1, unit))


def day_of(year: int, month: int, day: int, at: datetime) -> Span:
    """A day of the calendar in the time zone of `at`; ValueError if there is none."""
    return containing("day", at.replace(year=year, month=month, day=day))


def month_of(year: int, month: int, at: datetime, months: int = 1) -> Span:
    """A month of the calendar, or several from it on, in the time zone of `at`."""
    start = day_of(year, month, 1, at).start
    return between(start, moved(start, months, "month"))


def chosen(which: str | None, candidates: Iterable[Span], current: Span, at: datetime) -> Span:
    """Of spans that come round again, in order, the one meant by `last`, `this` or `next`, as of `at`.

    Without such a word it is the latest that has begun. ValueError if there is none.
    """
    spans = list(candidates)
    match (which or "").lower():
        case "last" | "past" | "previous":
            fitting = [span for span in spans if span.end <= at][-1:]
        case "next" | "coming" | "upcoming":
            fitting = [span for span in spans if span.start > at][:1]
        case "this":
            fitting = [span for span in spans if span.start <= at < span.end] or [current]
        case _:
            fitting = [span for span in spans if span.start <= at][-1:]
    if not fitting:
        raise ValueError(f"none of {len(spans)} spans is the {which} one as of {at}")
    return fitting[0]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0)


def _monday(at: datetime) -> datetime:
    return _midnight(at) - timedelta(days=at.weekday())


_START: dict[str, Callable[[datetime], datetime]] = {
    "minute": lambda at: at,
    "hour": lambda at: at.replace(minute=0),
    "day": _midnight,
    "week": _monday,
    "weekend": lambda at: _monday(at) + timedelta(days=_SATURDAY),
    "month": lambda at: _midnight(at).replace(day=1),
    "quarter": lambda at: _midnight(at).replace(month=at.month - (at.month - 1) % 3, day=1),
    "year": lambda at: _midnight(at).replace(month=1, day=1),
    "decade": lambda at: _midnight(at).replace(year=at.year - at.year % 10, month=1, day=1),
}
