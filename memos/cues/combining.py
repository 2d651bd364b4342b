"""What the words before a date make of it: the end of May, the week before 9 June, since Monday."""

import re
from datetime import datetime, timedelta

from memos.cues.deixis import spread, weekday
from memos.cues.spans import Span, between, chosen, containing, moved
from memos.cues.words import AMOUNT, ORDINAL, UNIT, WEEKDAY, amounts, ordinal_number

REACH = 60
"""Characters before a date within which words are taken together with it."""

_INSTANT = timedelta(microseconds=1)
_SIXTHS = {
    "early": (0, 2),
    "beginning": (0, 2),
    "start": (0, 2),
    "first half": (0, 3),
    "mid": (2, 4),
    "middle": (2, 4),
    "second half": (3, 6),
    "late": (4, 6),
    "end": (4, 6),
}
_PART = re.compile(
    rf"\b(?:(?P<part>{'|'.join(_SIXTHS)})(?:[ -]| (?:of|in) )"
    rf"|{ORDINAL} (?P<unit>day|weekend|week|month) (?:of|in) )(?:the )?$",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    rf"\b(?:{AMOUNT} )?(?:{UNIT}s?|{WEEKDAY}) (?P<side>before|prior to|after|following|of) (?:the )?$",
    re.IGNORECASE,
)
_OPEN = re.compile(r"\b(?P<side>since|after|before|prior to|until|till|up to|by) (?:the )?$", re.IGNORECASE)


def part(words: str, span: Span) -> tuple[str, Span]:
    """Take a part of a span, if the words that lead up to it say so: `early `, `the second week of `.

    Returns the words that were taken, "" if none, and the span that is meant.
    """
    match = _PART.search(words)
    if match is None:
        return "", span
    if match["part"]:
        first, last = _SIXTHS[match["part"].lower()]
        sixth = (span.end - span.start) / 6
        return match[0], between(span.start + first * sixth, span.start + last * sixth)
    return match[0], _nth(ordinal_number(match["ordinal"]), match["unit"].lower(), span)


def offset(words: str, span: Span) -> tuple[str, Span]:
    """Take what lies at an offset from a span: `two weeks before `, `the Sunday after `, `the weekend of `.

    Returns the words that were taken, "" if none, and the span that is meant.
    """
    match = _OFFSET.search(words)
    if match is None:
        return "", span
    side = match["side"].lower()
    which = {"before": "last", "prior to": "last", "of": "this"}.get(side, "next")
    at = span.end - _INSTANT if which == "next" else span.start
    if match["weekday"]:
        return match[0], weekday(match["weekday"], which, at)
    unit = match["unit"].lower()
    if which == "this" or unit == "weekend":
        weeks = [containing(unit, moved(at, weeks, "week")) for weeks in (-1, 0, 1)]
        return match[0], chosen(which, weeks, weeks[1], at)
    return match[0], _beside(span, match["amount"], unit, 1 if which == "next" else -1)


def opened(words: str, span: Span) -> tuple[str, datetime | None, datetime | None]:
    """Open a span to one side, if the words that lead up to it say so: `since `, `before `, `by the `.

    Returns the words that were taken, "" if none, and where the period begins and ends.
    """
    match = _OPEN.search(words)
    if match is None:
        return "", span.start, span.end
    match match["side"].lower():
        case "since":
            return match[0], span.start, None
        case "after":
            return match[0], span.end, None
        case "before" | "prior to":
            return match[0], None, span.start
        case _:
            return match[0], None, span.end


def _beside(span: Span, amount: str | None, unit: str, sign: int) -> Span:
    edge = span.start if sign < 0 else span.end
    if amount is None:
        other = moved(edge, sign, unit)
        return between(min(edge, other), max(edge, other))
    first, last = sorted(moved(span.start, sign * count, unit) for count in amounts(amount))
    return spread(first, last, unit)


def _nth(number: int, unit: str, span: Span) -> Span:
    if unit == "weekend":
        weekends = [containing(unit, moved(span.start, week, "week")) for week in range(6)]
        within = [one for one in weekends if span.start <= one.start < span.end]
        if number > len(within):
            raise ValueError(f"{span} has no weekend {number}")
        return within[number - (number > 0)]
    if number < 0:
        return between(moved(span.end, -1, unit), span.end)
    return between(moved(span.start, number - 1, unit), moved(span.start, number, unit))
