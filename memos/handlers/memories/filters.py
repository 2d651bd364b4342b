"""A filter as the vector engine takes it: the JSON of Qdrant's REST interface."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from memos.events.conditions import MomentRange, NumberRange, Range
from memos.events.filters import MemoryFilter
from memos.ports import Filter
from memos.projection.points import match, seen_by
from memos.records.payloads import mark_of

EXACT_UP_TO = 2**53
"""Integers beyond cannot all be told apart as 64-bit floats, which ranges compare."""

UNMARKED: Filter = {"is_empty": {"key": "marks"}}
"""Points with too many values for marks, and those that former versions wrote, are compared value by value."""


def filter_of(tenant: str, agent_id: str, wanted: MemoryFilter | None) -> Filter:
    """What the agent sees and what it asked for."""
    seen = seen_by(tenant, agent_id)
    return seen if wanted is None else {**seen, "must": [*seen["must"], *conditions_of(wanted)]}


def conditions_of(wanted: MemoryFilter) -> list[Filter]:
    """The conditions that a memory must all meet."""
    return [*_equalities(wanted), *_ranges(wanted), *_on_metadata(wanted), *_combined(wanted)]


def _equalities(wanted: MemoryFilter) -> Iterator[Filter]:
    fields = {
        "kind": wanted.kind,
        "agent_id": wanted.agent_id,
        "session_id": wanted.session_id,
        "source": wanted.source,
        "visibility": wanted.visibility,
        "tags": wanted.tags_any,
    }
    yield from (match("tags", tag) for tag in wanted.tags)
    for key, value in fields.items():
        if value is not None:
            yield _any_of(key, value) if isinstance(value, list) else match(key, value)


def _ranges(wanted: MemoryFilter) -> Iterator[Filter]:
    limits: Mapping[str, Mapping[str, Any]] = {
        "importance": _limits(wanted.importance),
        "sequence": _limits(wanted.sequence),
        "occurred_at": {"gte": wanted.occurred_after, "lt": wanted.occurred_before},
        "created_at": {"gte": wanted.created_after, "lt": wanted.created_before},
    }
    for key, given in limits.items():
        if any(limit is not None for limit in given.values()):
            yield _between(key, given)


def _on_metadata(wanted: MemoryFilter) -> Iterator[Filter]:
    for name, condition in wanted.metadata.items():
        key = f"metadata.{name}"
        if isinstance(condition, NumberRange | MomentRange):
            yield _between(key, _limits(condition))
        else:
            values = condition if isinstance(condition, list) else [condition]
            marked = _any_of("marks", [mark_of(name, value) for value in values])
            yield {"should": [marked, {"must": [UNMARKED, {"should": [_equal(key, value) for value in values]}]}]}


def _combined(wanted: MemoryFilter) -> Iterator[Filter]:
    for part in wanted.and_:
        yield from conditions_of(part)
    if wanted.or_:
        yield {"should": [_all(part) for part in wanted.or_]}
    if wanted.not_:
        yield {"must_not": [_all(wanted.not_)]}


def _all(part: MemoryFilter) -> Filter:
    conditions = conditions_of(part)
    return conditions[0] if len(conditions) == 1 else {"must": conditions}


def _equal(key: str, value: str | bool | int | float) -> Filter:
    """Numbers are equal by their value, which a range compares: 2 is 2.0."""
    if isinstance(value, float) or (type(value) is int and abs(value) <= EXACT_UP_TO):
        return _between(key, {"gte": value, "lte": value})
    return match(key, value)


def _any_of(key: str, values: Sequence[Any]) -> Filter:
    return {"key": key, "match": {"any": list(values)}}


def _limits(wanted: Range[Any] | None) -> dict[str, Any]:
    return dict(wanted) if wanted else {}


def _between(key: str, limits: Mapping[str, Any]) -> Filter:
    """Times are written as text, all others are numbers."""
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return {"key": key, "range": {name: _written(limit) for name, limit in given.items()}}


def _written(limit: Any) -> Any:
    return limit.isoformat() if isinstance(limit, datetime) else float(limit)
