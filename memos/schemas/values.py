"""Whether a value fits a schema."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memos.schemas.faults import MOST_FAULTS, SchemaFault
from memos.schemas.keywords import ONE, mapped
from memos.schemas.translation import json_schema_of
from memos.schemas.validating import TooManySteps, validator_of
from memos.schemas.wording import said

MOST_DEPTH = 100
TOO_DEEP = f"must not be nested more than {MOST_DEPTH} deep"


def faults_of_value(value: Any, schema: Mapping[str, Any]) -> Sequence[SchemaFault]:
    """What of a value does not fit a sound schema, at most 20 faults; nothing of one that fits.

    Nothing is ever fetched for it, whatever the schema refers to. A `format` is not checked, as JSON Schema has it,
    and neither is a pattern that has look-around or references back, which cannot be found in linear time. A check
    ends after about a second's work: what is beyond that in a very large value is not looked at.
    """
    if _is_deeper(value, MOST_DEPTH):
        return [SchemaFault((), TOO_DEEP)]
    try:
        return _different(_faults(value, schema))
    except RecursionError:
        return [SchemaFault((), "cannot be checked: it, or its schema, is nested too deeply")]


def _different(faults: Iterator[SchemaFault]) -> Sequence[SchemaFault]:
    """As many faults as are told, each once; what would be the next is not looked for."""
    found: dict[SchemaFault, None] = {}
    for fault in faults:
        found[fault] = None
        if len(found) == MOST_FAULTS:
            break
    return list(found)


def _faults(value: Any, schema: Mapping[str, Any]) -> Iterator[SchemaFault]:
    from referencing.exceptions import Unresolvable

    try:
        for error in validator_of(_spelled(json_schema_of(schema))).iter_errors(value):
            yield from said(error)
    except TooManySteps:
        return
    except Unresolvable as error:
        yield SchemaFault((), f"cannot be checked: the schema refers to {error.ref!r}, which is not in it")


def _spelled(schema: Any) -> Any:
    """A schema with `{"not": {}}` for `false` in lists and under names, where jsonschema would forget the path."""
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, Mapping):
        return schema
    return mapped(schema, _spelled) | {
        keyword: False for keyword in ONE & schema.keys() if schema[keyword] is False
    }


def _is_deeper(value: Any, most: int) -> bool:
    """Whether there is something in a value below more than so many lists and objects."""
    inside = [value]
    for _ in range(most + 1):
        inside = [part for one in inside for part in _inside(one)]
        if not inside:
            return False
    return True


def _inside(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list | tuple) else ()
