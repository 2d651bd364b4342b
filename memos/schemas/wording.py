"""What is wrong with a value, in plain words."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from memos.schemas.faults import SchemaFault, shown
from memos.schemas.keywords import Path

LONGEST_MESSAGE = 300
MOST_NAMED = 10
UNIONS = ("anyOf", "oneOf")
TAGS = ("const", "enum")
KINDS: Mapping[str, str] = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
LIMITS: Mapping[str, str] = {
    "exclusiveMaximum": "must be less than {0}",
    "exclusiveMinimum": "must be more than {0}",
    "maxItems": "must have at most {0} items",
    "maxLength": "must have at most {0} characters",
    "maxProperties": "must have at most {0} properties",
    "maximum": "must be at most {0}",
    "minItems": "must have at least {0} items",
    "minLength": "must have at least {0} characters",
    "minProperties": "must have at least {0} properties",
    "minimum": "must be at least {0}",
    "multipleOf": "must be a multiple of {0}",
    "pattern": "must match the pattern {0}",
    "const": "must be {0}",
}


Error = Any
"""A `ValidationError` of jsonschema, whose attributes are of any type."""


def said(error: Error) -> Iterator[SchemaFault]:
    """The faults that an error of jsonschema stands for, each at the path of what is wrong."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        yield from (
            SchemaFault((*path, name), "is required") for name in error.validator_value if _lacks(error, name)
        )
    elif error.validator == "additionalProperties" and error.validator_value is False:
        yield from _unknown(path, error.instance, error.schema)
    elif error.validator in UNIONS and error.context:
        yield from _alternatives(path, error)
    else:
        yield SchemaFault(path, message_of(error)[:LONGEST_MESSAGE])


def message_of(error: Error) -> str:
    """What is wrong, without the path to it."""
    keyword = str(error.validator)
    if keyword in LIMITS:
        return f"{LIMITS[keyword].format(shown(error.validator_value))}, not {shown(error.instance)}"
    message: str = WORDS[keyword](error) if keyword in WORDS else error.message
    return message


def _lacks(error: Error, name: str) -> bool:
    return name not in error.instance


def _unknown(path: Path, unknown: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[SchemaFault]:
    known = schema.get("properties", {})
    there = f"there are {', '.join(list(known)[:MOST_NAMED])}" if known else "there are none"
    yield from (SchemaFault((*path, name), f"is not known; {there}") for name in unknown)


def _alternatives(path: Path, error: Error) -> Iterator[SchemaFault]:
    """The faults of the alternative that was meant, if one stands out; else what they would all have."""
    branches: defaultdict[Any, list[Error]] = defaultdict(list)
    for part in error.context:
        branches[part.relative_schema_path[0]].append(part)
    first, *others = sorted(branches.values(), key=_strangeness)
    if not others or _strangeness(first) < _strangeness(others[0]):
        for part in first:
            yield from said(part)
    elif tags := _tags([first, *others]):
        yield SchemaFault((*path, *tags[0].relative_path), _one_of(tags[0].instance, _values(tags)))
    elif all(part.validator == "type" and not part.relative_path for part in error.context):
        kinds = dict.fromkeys(_kinds(part.validator_value) for part in error.context)
        yield SchemaFault(path, f"must be {' or '.join(kinds)}, not {shown(error.instance)}")
    else:
        faults = islice((fault for part in error.context for fault in said(part)), MOST_NAMED)
        reasons = dict.fromkeys(": ".join(filter(None, (_dotted(at[len(path) :]), text))) for at, text in faults)
        yield SchemaFault(path, f"fits none of the alternatives: {'; '.join(reasons)}"[:LONGEST_MESSAGE])


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _strangeness(branch: Sequence[Error]) -> tuple[bool, bool, int]:
    """How little a value seems to be meant for an alternative: by its type, by its tags, by how soon it differs."""
    of_type = any(part.validator == "type" and not part.relative_path for part in branch)
    return of_type, any(part.validator in TAGS for part in branch), -max(len(part.relative_path) for part in branch)


def _tags(branches: Sequence[Sequence[Error]]) -> Sequence[Error]:
    """What sets the alternatives apart, if it is the value at one place."""
    tags = [part for branch in branches for part in branch if part.validator in TAGS]
    same = len({tuple(tag.relative_path) for tag in tags}) == 1
    return tags if same and len(tags) == len(branches) else []


def _values(tags: Sequence[Error]) -> list[Any]:
    return [
        value
        for tag in tags
        for value in (tag.validator_value if tag.validator == "enum" else [tag.validator_value])
    ]


def _kinds(types: str | Sequence[str]) -> str:
    named = [types] if isinstance(types, str) else types
    return " or ".join(KINDS.get(name, name) for name in named)


def _one_of(instance: Any, values: Sequence[Any]) -> str:
    more = f" or {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
    return f"must be one of {', '.join(map(shown, values[:MOST_NAMED]))}{more}, not {shown(instance)}"


WORDS: Mapping[str, Callable[[Error], str]] = {
    "contains": lambda error: "has too few or too many of the items that it must have",
    "enum": lambda error: _one_of(error.instance, error.validator_value),
    "None": lambda error: "must not be given",
    "not": lambda error: "must not be what the schema rules out" if error.validator_value else "must not be given",
    "oneOf": lambda error: "fits several of the alternatives, of which it must fit one",
    "type": lambda error: f"must be {_kinds(error.validator_value)}, not {shown(error.instance)}",
    "uniqueItems": lambda error: "must not have an item twice",
}
