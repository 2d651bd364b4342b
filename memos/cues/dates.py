"""Rules that read dates of the calendar: days, months, seasons, quarters, years and decades."""

import re
from collections.abc import Callable
from datetime import datetime

from memos.cues.rules import preceded, rule
from memos.cues.spans import Span, between, chosen, containing, day_of, month_of, moved
from memos.cues.words import (
    COUNTED,
    DAY,
    MONTH,
    MONTHS,
    ORDINAL,
    ORDINARY,
    SEASON,
    THROUGH,
    WEEKDAY,
    WHICH,
    YEAR,
    first_month,
    month_number,
    ordinal_number,
)

_MARKED_DAY = re.compile(r"\d(?:st|nd|rd|th)| of ", re.IGNORECASE)
_PART_OF = "(?:beginning|start|middle|end|half|week|weekend|month|rest) of"
_TIME_WORDS = f"in|during|throughout|since|until|till|early|mid|late|between|{_PART_OF}"
_MONTH_FOLLOWS = re.compile(rf"\b(?:{_TIME_WORDS}|(?:{MONTHS}) {THROUGH}) $", re.IGNORECASE)
_YEAR_FOLLOWS = re.compile(
    rf"\b(?:{_TIME_WORDS}|before|after|by|from|as of|year|(?:19|20)\d\d {THROUGH}) $", re.IGNORECASE
)
_LOOSELY_FOLLOWS = re.compile(r"\b(?:from|by|before|after|as of|for) $", re.IGNORECASE)
_IN_THE = re.compile(r"\b(?:in|during) the $", re.IGNORECASE)
_GIVEN_NAMES = frozenset({"april", "may", "june", "august"})


def _instant(match: re.Match[str], at: datetime) -> Span:
    moment = datetime.fromisoformat(match[0])
    return containing("minute", moment if moment.tzinfo else moment.replace(tzinfo=at.tzinfo))


def _numeric(match: re.Match[str], at: datetime) -> Span:
    return day_of(int(match["year"]), int(match["month"]), int(match["day"]), at)


def _days(match: re.Match[str], at: datetime) -> Span | None:
    said = match.groupdict()
    if not said["year"] and said["month"] in ORDINARY and not _MARKED_DAY.search(match[0]):
        return None
    first, last = int(said.get("first") or said["day"]), int(said.get("last") or said["day"])

    def days(year: int) -> Span:
        month = month_number(said["month"])
        return between(day_of(year, month, first, at).start, day_of(year, month, last, at).end)

    return _in_year(said["year"], None, days, at)


def _month(match: re.Match[str], at: datetime) -> Span | None:
    said = match.groupdict()
    if not said["year"] and not _is_month(match, said["month"]):
        return None
    return _in_year(said["year"], said["which"], lambda year: month_of(year, month_number(said["month"]), at), at)


def _is_month(match: re.Match[str], name: str) -> bool:
    """Whether a name without a year is a month's: Sun, Mar, April and May are other things more often."""
    if name.lower() not in MONTHS.split("|"):
        return False
    if match["which"] or match["through"] is not None or preceded(match, _MONTH_FOLLOWS):
        return True
    return name.istitle() and name.lower() not in _GIVEN_NAMES and preceded(match, _LOOSELY_FOLLOWS)


def _iso_month(match: re.Match[str], at: datetime) -> Span:
    return month_of(int(match["year"]), int(match["month"]), at)


def _season(match: re.Match[str], at: datetime) -> Span | None:
    said = match.groupdict()
    if not (said["year"] or said["which"] or (said["alone"] is not None and preceded(match, _IN_THE))):
        return None
    month = first_month(said["season"])
    return _in_year(said["year"], said["which"], lambda year: month_of(year, month, at, months=3), at)


def _quarter(match: re.Match[str], at: datetime) -> Span | None:
    number = match["quarter"]
    month = 3 * (int(number) if number.isdecimal() else ordinal_number(number)) - 2
    return month_of(int(match["year"]), month, at, months=3) if month > 0 else None


def _year(match: re.Match[str], at: datetime) -> Span | None:
    return month_of(int(match["year"]), 1, at, months=12) if preceded(match, _YEAR_FOLLOWS) else None


def _years(match: re.Match[str], at: datetime) -> Span:
    first = month_of(int(match["year"]), 1, at, months=12)
    return between(first.start, month_of(int(match["last"]), 1, at, months=12).end)


def _decade(match: re.Match[str], at: datetime) -> Span:
    start = day_of(int(match["decade"] + "0"), 1, 1, at).start
    return between(start, moved(start, 1, "decade"))


def _in_year(year: str | None, which: str | None, of: Callable[[int], Span], at: datetime) -> Span:
    """What comes once a year: of the year that is said, or else the one meant as of `at`."""
    if year:
        return of(int(year))
    return chosen(which, [of(at.year + offset) for offset in (-2, -1, 0, 1)], of(at.year), at)


_NTH = "(?:st|nd|rd|th)?"
_ON_WEEKDAY = f"(?:{WEEKDAY},? (?:the )?)?"
_OF_YEAR = f"(?:(?:,? ?|-|,? of ){YEAR})?"

DATES = (
    rule(
        r"(?:19|20)\d\d-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?(?![\w:-]|\.\d)",
        _instant,
    ),
    rule(r"(?P<year>(?:19|20)\d\d)([-/])(?P<month>\d\d?)\2(?P<day>\d\d?)(?![\w/-])", _numeric),
    rule(r"(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<year>(?:19|20)\d\d)(?![\w/])", _numeric),
    rule(r"(?P<day>\d\d?)([/.])(?P<month>\d\d?)\2(?P<year>(?:19|20)\d\d)(?![\w/])", _numeric),
    rule(
        rf"{_ON_WEEKDAY}(?:(?P<first>\d\d?){_NTH} ?{THROUGH} ?(?:the )?)?(?P<day>\d\d?){_NTH}[ -](?:of )?{MONTH}"
        rf"{_OF_YEAR}",
        _days,
    ),
    rule(
        rf"{_ON_WEEKDAY}{MONTH} (?:the )?{DAY}(?: ?{THROUGH} ?(?P<last>\d\d?){_NTH}(?!\d| ?[a-z]))?{_OF_YEAR}",
        _days,
    ),
    rule(r"(?P<year>(?:19|20)\d\d)-(?P<month>0[1-9]|1[0-2])(?![\w/-]|[.:]\d)", _iso_month),
    rule(rf"(?:{WHICH} )?{MONTH}(?:,? (?:of )?{YEAR}|(?P<through>(?= {THROUGH} (?:{MONTHS})\b)))?", _month),
    rule(rf"(?:{WHICH} )?{SEASON}\b(?:,? (?:of )?{YEAR}|(?P<alone>(?= ?(?:[?.,;:!)]|$))))?", _season),
    rule(rf"q(?P<quarter>[1-4])(?:,? (?:of )?|[/-])?{YEAR}", _quarter),
    rule(rf"{YEAR}[ -]?q(?P<quarter>[1-4])\b", _quarter),
    rule(rf"{ORDINAL.replace('ordinal', 'quarter')} quarter (?:of |in )?{YEAR}", _quarter),
    rule(
        rf"(?P<year>(?:19|20)\d\d) ?[-\u2013/] ?(?P<last>(?:19|20)\d\d)(?![\w/-]|[.:]\d)(?! (?:{COUNTED})\b)",
        _years,
    ),
    rule(r"(?P<decade>(?:19|20)\d)0s\b", _decade),
    rule(rf"{YEAR}(?![\w%/-])(?! (?:{COUNTED})\b)", _year),
)
"""In the order of precedence. 05/08/2023 is read both ways, by two rules."""
