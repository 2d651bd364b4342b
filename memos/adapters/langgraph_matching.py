"""Which items and namespaces a LangGraph operation means, by the rules of LangGraph's own stores."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langgraph.store.base import MatchCondition

from memos.errors import Fault, InvalidCommand

WILDCARD = "*"

Value = Mapping[str, Any]


def passes(value: Value, wanted: Value | None) -> bool:
    """Whether the fields of a value are as a filter asks. Raises `InvalidCommand` for no operator."""
    return all(_as_wanted(value.get(name), condition) for name, condition in (wanted or {}).items())


def _as_wanted(value: Any, wanted: Any) -> bool:
    """Whether a value is what a condition says: equal, equal in the parts that are named, or within limits."""
    if isinstance(wanted, Mapping):
        if any(name.startswith("$") for name in wanted):
            return all(_compared(value, operator, limit) for operator, limit in wanted.items())
        return isinstance(value, Mapping) and passes(value, wanted)
    if isinstance(wanted, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(wanted):
            return False
        return all(_as_wanted(one, part) for one, part in zip(value, wanted, strict=True))
    return bool(value == wanted)


def _compared(value: Any, operator: str, limit: Any) -> bool:
    if operator in EQUALITIES:
        return EQUALITIES[operator](value, limit)
    if operator not in COMPARISONS:
        known = ", ".join([*EQUALITIES, *COMPARISONS])
        fault = Fault(f"filter.{operator}", f"is no operator; there are {known}")
        raise InvalidCommand(f"The filter is not valid: {operator} {fault.message}.", faults=[fault])
    pair = _comparable(value, limit)
    return pair is not None and COMPARISONS[operator](*pair)


def _comparable(value: Any, limit: Any) -> tuple[Any, Any] | None:
    """Both as numbers, texts of numbers too; else both as the texts they are, dates for instance; else nothing."""
    try:
        return float(value), float(limit)
    except (TypeError, ValueError):
        return (value, limit) if isinstance(value, str) and isinstance(limit, str) else None


def lies(namespace: Sequence[str], condition: MatchCondition) -> bool:
    """Whether a namespace begins or ends as a condition says; `*` stands for any label."""
    path = condition.path
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in {WILDCARD, label} for label, wanted in zip(part, path, strict=True))


def common_prefix(conditions: Sequence[MatchCondition]) -> tuple[str, ...]:
    """The longest beginning without wildcards that all namespaces have which meet the conditions."""
    beginnings = [_fixed(one.path) for one in conditions if one.match_type == "prefix"]
    return max(beginnings, key=len, default=())


def _fixed(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(path[: path.index(WILDCARD)] if WILDCARD in path else path)


EQUALITIES: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: bool(value == wanted),
    "$ne": lambda value, wanted: bool(value != wanted),
}
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda value, limit: bool(value > limit),
    "$gte": lambda value, limit: bool(value >= limit),
    "$lt": lambda value, limit: bool(value < limit),
    "$lte": lambda value, limit: bool(value <= limit),
}
