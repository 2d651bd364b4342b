"""A query's filter as the vector engine takes it."""

from typing import Any

from memos.events.memories import MemoryFilter
from memos.ports import Filter
from memos.projection.points import match, seen_by


def filter_of(tenant: str, agent_id: str, wanted: MemoryFilter | None) -> Filter:
    """What the agent sees and what it asked for, in the JSON of Qdrant's REST interface."""
    seen = seen_by(tenant, agent_id)
    return seen if wanted is None else {**seen, "must": [*seen["must"], *_conditions(wanted)]}


def _conditions(wanted: MemoryFilter) -> list[Filter]:
    equal = {
        "kind": wanted.kind,
        "session_id": wanted.session_id,
        "source": wanted.source,
        "visibility": wanted.visibility,
        **{f"metadata.{name}": value for name, value in wanted.metadata.items()},
    }
    conditions = [match(key, value) for key, value in equal.items() if value is not None]
    conditions.extend(match("tags", tag) for tag in wanted.tags)
    if period := _period(wanted):
        conditions.append({"key": "occurred_at", "range": period})
    return conditions


def _period(wanted: MemoryFilter) -> dict[str, Any]:
    bounds = {"gte": wanted.occurred_after, "lt": wanted.occurred_before}
    return {name: moment.isoformat() for name, moment in bounds.items() if moment}
