"""Filters applied to a payload in this process, with the meaning that the vector engines give them."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from memos.errors import InvalidCommand
from memos.stores.filters import (
    Clause,
    Condition,
    DatetimeRange,
    FieldCondition,
    IsEmpty,
    Match,
    MatchAny,
    MatchExcept,
    MatchText,
    MatchValue,
    MinShould,
    PayloadField,
    Range,
)

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
MOMENT = re.compile(
    r"\s*(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[Tt ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))? ?(?P<offset>[Zz]|UTC|[+-]\d\d(?::?[0-5]\d)?)?)?)?",
    re.ASCII,
)
"""What Qdrant takes for a time: RFC 3339 but no leap second, and what lacks an offset, seconds or a time of day."""

PARTS = ("year", "month", "day", "hour", "minute", "second")


class Moment(NamedTuple):
    """A time, and the nanoseconds beyond its microseconds."""

    time: datetime
    nanoseconds: int


def matches(clause: Clause, payload: Mapping[str, Any]) -> bool:
    """Whether a payload meets a clause of clauses, ranges, matches of values, and fields that are empty.

    Raises `InvalidCommand` for another condition: those only engines understand.
    """
    return (
        all(_holds(condition, payload) for condition in clause.must)
        and not any(_holds(condition, payload) for condition in clause.must_not)
        and (not clause.should or any(_holds(condition, payload) for condition in clause.should))
        and (clause.min_should is None or _enough(clause.min_should, payload))
    )


def _enough(few: MinShould, payload: Mapping[str, Any]) -> bool:
    return sum(_holds(condition, payload) for condition in few.conditions) >= few.min_count


def _holds(condition: Condition, payload: Mapping[str, Any]) -> bool:
    match condition:
        case Clause():
            return matches(condition, payload)
        case FieldCondition(key=key, match=wanted) if wanted is not None:
            return any(_is(value, wanted) for value in _values(key, payload))
        case FieldCondition(key=key, range=bounds) if bounds is not None:
            return any(_within(value, bounds) for value in _values(key, payload))
        case IsEmpty(is_empty=PayloadField(key=key)):
            return not _values(key, payload)
    raise InvalidCommand(f"The condition {condition!r} is understood by vector engines alone. Leave it out.")


def _values(key: str, payload: Mapping[str, Any]) -> Sequence[Any]:
    """What is at a dotted path, if there is something; of a list, its items."""
    value: Any = payload
    for step in key.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _is(value: Any, wanted: Match) -> bool:
    match wanted:
        case MatchValue(value=one):
            return _same(value, one)
        case MatchAny(any=several):
            return any(_same(value, one) for one in several)
        case MatchExcept(except_=several):
            return value is not None and not any(_same(value, one) for one in several)
        case MatchText():
            raise InvalidCommand("Words are matched by vector engines alone. Leave this condition out.")


def _same(value: Any, wanted: str | int | bool) -> bool:
    """Equal and of one type: to Python, True is 1 and 1 is 1.0."""
    return type(value) is type(wanted) and value == wanted


def _within(value: Any, bounds: Range) -> bool:
    comparable: Any
    if isinstance(bounds, DatetimeRange):
        comparable = moment_of(value) if isinstance(value, str) else None
    else:
        comparable = float(value) if type(value) in {int, float} else None
    return comparable is not None and all(
        COMPARISONS[name](comparable, Moment(limit, 0) if isinstance(limit, datetime) else limit)
        for name, limit in bounds
        if limit is not None
    )


def moment_of(text: str) -> Moment | None:
    """The time that a text states; `None` if it states none."""
    stated = MOMENT.fullmatch(text)
    if stated is None:
        return None
    year, month, day, hour, minute, second = (int(stated[part] or 0) for part in PARTS)
    nanoseconds = int((stated["fraction"] or "")[:9].ljust(9, "0"))
    try:
        time = datetime(year, month, day, hour, minute, second, nanoseconds // 1000, _zone(stated["offset"]))
    except ValueError:
        return None
    return Moment(time, nanoseconds % 1000)


def _zone(offset: str | None) -> timezone:
    """Raises `ValueError` for a day or more."""
    if offset is None or offset in "ZzUTC":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
