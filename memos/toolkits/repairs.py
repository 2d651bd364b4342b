"""Schemas of others, without what they say wrongly."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from memos.schemas import SchemaFault, faults_of_schema, json_schema_of

MOST_ROUNDS = 10

_NEEDED = frozenset({"$ref", "$schema"})
"""Keywords without which a schema would mean something else altogether."""


class Repaired(NamedTuple):
    """A schema in JSON Schema 2020-12, and the faults that it no longer has."""

    schema: dict[str, Any]
    left_out: list[SchemaFault]


def repaired(schema: Mapping[str, Any]) -> Repaired:
    """A schema without the keywords that are at fault, such as `required: true` of a property.

    One with a fault that cannot be left out comes back as it was.
    """
    whole = deepcopy(dict(schema))
    left_out: list[SchemaFault] = []
    for _ in range(MOST_ROUNDS):
        faults = faults_of_schema(whole)
        if not faults:
            return Repaired(json_schema_of(whole), left_out)
        left_out += (fault for fault in faults if _removed(whole, fault))
    return Repaired(dict(schema), [])


def _removed(schema: Any, fault: SchemaFault) -> bool:
    """Whether the keyword at fault could be taken out of the schema."""
    *way, last = fault.path or ("",)
    try:
        for step in way:
            schema = schema[step]
    except LookupError:
        return False
    if not isinstance(schema, dict) or last in _NEEDED or last not in schema:
        return False
    del schema[last]
    return True
