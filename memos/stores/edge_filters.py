"""Filters as Qdrant Edge takes them."""

from collections.abc import Sequence

import numpy
import qdrant_edge as edge

from memos.stores import filters


def edge_filter(clause: filters.Clause) -> edge.Filter | None:
    """A filter as Edge takes it; None when it lets everything pass."""
    return None if clause == filters.Clause() else _filter(clause)


def _filter(clause: filters.Clause) -> edge.Filter:
    fewest = clause.min_should
    return edge.Filter(
        must=_conditions(clause.must),
        should=_conditions(clause.should),
        must_not=_conditions(clause.must_not),
        min_should=edge.MinShould(_conditions(fewest.conditions) or [], fewest.min_count) if fewest else None,
    )


def _conditions(conditions: Sequence[filters.Condition]) -> "list[edge.ConditionType] | None":
    """None when there are none: within nested objects, Edge lets nothing pass an empty `should`."""
    return [_condition(condition) for condition in conditions] or None


def _condition(condition: filters.Condition) -> "edge.ConditionType":
    match condition:
        case filters.FieldCondition():
            return _field_condition(condition)
        case filters.IsEmpty(is_empty=field):
            return edge.IsEmptyCondition(field.key)
        case filters.IsNull(is_null=field):
            return edge.IsNullCondition(field.key)
        case filters.HasId(has_id=ids):
            return edge.HasIdCondition(set(ids))
        case filters.NestedCondition(nested=nested):
            return edge.NestedCondition(nested.key, _filter(nested.filter))
        case filters.Clause():
            return _filter(condition)


def _field_condition(field: filters.FieldCondition) -> edge.FieldCondition:
    return edge.FieldCondition(
        key=field.key,
        match=_match(field.match) if field.match else None,
        range=_range(field.range) if field.range else None,
        values_count=edge.ValuesCount(**field.values_count.model_dump()) if field.values_count else None,
        is_empty=field.is_empty,
        is_null=field.is_null,
    )


def _match(match: filters.Match) -> "edge.MatchType":
    """Edge takes Python's booleans, which are integers too, for integers; numpy's it takes for booleans."""
    match match:
        case filters.MatchValue(value=bool(value)):
            return edge.MatchValue(numpy.bool_(value))  # type: ignore[arg-type]
        case filters.MatchValue(value=value):
            return edge.MatchValue(value)
        case filters.MatchAny(any=values):
            return edge.MatchAny(values)
        case filters.MatchExcept(except_=values):
            return edge.MatchExcept(values)
        case filters.MatchText(text=text):
            return edge.MatchText(text)


def _range(bounds: filters.Range) -> "edge.RangeType":
    if isinstance(bounds, filters.NumberRange):
        return edge.RangeFloat(**bounds.model_dump())
    return edge.RangeDateTime(**bounds.model_dump(mode="json"))
