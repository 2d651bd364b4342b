"""Rules that read what depends on the moment of speaking: yesterday, last week, two months ago, on Friday."""

import re
from datetime import datetime, timedelta

from memos.cues.rules import preceded, rule
from memos.cues.spans import LENGTHS, Span, between, chosen, containing, moved
from memos.cues.words import AMOUNT, UNIT, WEEKDAY, WHICH, amounts, weekday_number

_OFFSETS = {"yesterday": -1, "last night": -1, "tomorrow": 1}
_CALENDAR_UNITS = "(?P<unit>weekend|week|month|quarter|year|decade)"
_WEEKDAY_FOLLOWS = re.compile(r"\b(?:on|since|until|till|before|after) $", re.IGNORECASE)
_DIRECTIONS = {"next": 1, "coming": 1, "upcoming": 1, "this": 0}


def _day(match: re.Match[str], at: datetime) -> Span:
    phrase = match[0].lower()
    offset = _OFFSETS.get(phrase.rpartition("day before ")[2].rpartition("day after ")[2], 0)
    return containing("day", moved(at, 2 * offset if phrase.startswith("day ") else offset, "day"))


def _unit(match: re.Match[str], at: datetime) -> Span:
    """`Last week` is the calendar's; `the past week` and `the last week` are the seven days until now."""
    which, unit = match["which"].lower(), match["unit"].lower()
    if which == "past" or (which == "last" and match["the"]):
        return between(moved(at, -1, unit), at)
    return containing(unit, moved(at, _DIRECTIONS.get(which, -1), unit))


def _stretch(match: re.Match[str], at: datetime) -> Span:
    _, most = amounts(match["amount"])
    unit = match["unit"].lower()
    if match["which"].lower() in _DIRECTIONS:
        return between(at, moved(at, most, unit))
    return between(moved(at, -most, unit), at)


def _ago(match: re.Match[str], at: datetime) -> Span:
    """A moment so long ago, as exact as its unit: half of one to either side, or the calendar's day."""
    sign = -1 if match["side"].lower() == "ago" else 1
    unit = match["unit"].lower()
    ends = sorted(moved(at, sign * amount, unit) for amount in amounts(match["amount"]))
    return spread(ends[0], ends[1], unit)


def _weekday(match: re.Match[str], at: datetime) -> Span | None:
    if not match["which"] and not preceded(match, _WEEKDAY_FOLLOWS):
        return None
    return weekday(match["weekday"], match["which"], at)


def spread(first: datetime, last: datetime, unit: str) -> Span:
    """From about the first moment to about the last, each as exact as the unit that it is counted in."""
    if unit == "day":
        return between(containing("day", first).start, containing("day", last).end)
    half: timedelta = LENGTHS[unit] / 2
    return between(first - half, last + half)


def weekday(name: str, which: str | None, at: datetime) -> Span:
    """The day of the week that is meant by `last`, `this`, `next` or no such word, as of a moment."""
    monday = containing("week", at).start
    days = [containing("day", monday + timedelta(days=7 * week + weekday_number(name))) for week in (-2, -1, 0, 1)]
    return chosen(which, days, days[2], at)


DEIXIS = (
    rule(
        "(?:day before yesterday|yesterday|last night|today|tonight|this (?:morning|afternoon|evening)"
        r"|day after tomorrow|tomorrow)\b",
        _day,
        deictic=True,
    ),
    rule(rf"{WHICH} {AMOUNT} {UNIT}s?\b", _stretch, deictic=True),
    rule(rf"{AMOUNT} {UNIT}s? (?P<side>ago|from now)\b", _ago, deictic=True),
    rule(rf"(?P<the>the )?{WHICH} {_CALENDAR_UNITS}\b(?! of\b)", _unit, deictic=True),
    rule(rf"(?:{WHICH} )?{WEEKDAY}\b", _weekday, deictic=True),
)
