"""What the keywords of a schema may have as their values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from memos.schemas.faults import SchemaFault, shown
from memos.schemas.keywords import LISTED, NAMED

Rule = Callable[[Any], Iterator[SchemaFault]]

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
COUNTS = frozenset(
    {
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
    }
)
TEXTS = frozenset(
    {
        "$comment",
        "$dynamicRef",
        "$recursiveRef",
        "$ref",
        "contentEncoding",
        "contentMediaType",
        "description",
        "format",
        "title",
    }
)
FLAGS = frozenset({"$recursiveAnchor", "deprecated", "nullable", "readOnly", "uniqueItems", "writeOnly"})
OBJECTS = frozenset({"$vocabulary", "discriminator", "externalDocs", "xml"})
ANCHORS = frozenset({"$anchor", "$dynamicAnchor"})


def only(fits: Callable[[Any], bool], message: str) -> Rule:
    """The rule that a value fits, or else the message is what is wrong with it."""

    def rule(value: Any) -> Iterator[SchemaFault]:
        if not fits(value):
            yield SchemaFault((), f"{message}, not {shown(value)}")

    return rule


def is_number(value: Any) -> bool:
    """Whether JSON would call it a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return is_number(value) and value >= 0 and (isinstance(value, int) or value.is_integer())


def _types(value: Any) -> Iterator[SchemaFault]:
    if not isinstance(value, list):
        yield from _type((), value)
    elif not value:
        yield SchemaFault((), "must name a type")
    else:
        for index, name in enumerate(value):
            yield from _type((index,), name)
        yield from _repeated(value)


def _type(path: tuple[int, ...], name: Any) -> Iterator[SchemaFault]:
    if name not in TYPES:
        yield SchemaFault(path, f"{shown(name)} is no type; use {', '.join(TYPES[:-1])} or {TYPES[-1]}")


def names(value: Any) -> Iterator[SchemaFault]:
    """The rule of a list of names."""
    if not isinstance(value, list):
        yield SchemaFault((), f"must be a list of names, not {shown(value)}")
        return
    for index, name in enumerate(value):
        if not isinstance(name, str):
            yield SchemaFault((index,), f"must be a name, not {shown(name)}")
    yield from _repeated(value)


def _repeated(named: Sequence[Any]) -> Iterator[SchemaFault]:
    seen: set[str] = set()
    for index, name in enumerate(named):
        if isinstance(name, str) and name in seen:
            yield SchemaFault((index,), f"{shown(name)} is named twice")
        elif isinstance(name, str):
            seen.add(name)


def _names_by_name(value: Any) -> Iterator[SchemaFault]:
    if not isinstance(value, Mapping):
        yield SchemaFault((), f"must be an object of lists of names, not {shown(value)}")
        return
    for name, needs in value.items():
        yield from (SchemaFault((name, *fault.path), fault.message) for fault in names(needs))


def _schemas_by_name(value: Any) -> Iterator[SchemaFault]:
    if not isinstance(value, Mapping):
        yield SchemaFault((), f"must be an object of schemas by name, not {shown(value)}")


def _dependencies(value: Any) -> Iterator[SchemaFault]:
    yield from _schemas_by_name(value)
    if isinstance(value, Mapping):
        yield from _names_by_name({name: needs for name, needs in value.items() if isinstance(needs, list)})


def _is_name_of_document(value: Any) -> bool:
    return isinstance(value, str) and ("#" not in value or value.startswith("#"))


def _is_anchor(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z_][-A-Za-z0-9._]*", value))


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(COUNTS, only(_is_count, "must be a number of things, 0 or more")),
    **dict.fromkeys(TEXTS, only(lambda value: isinstance(value, str), "must be a text")),
    **dict.fromkeys(FLAGS, only(lambda value: isinstance(value, bool), "must be true or false")),
    **dict.fromkeys(OBJECTS, only(lambda value: isinstance(value, Mapping), "must be an object")),
    **dict.fromkeys(ANCHORS, only(_is_anchor, "must be a name of letters, digits, -, _ and .")),
    **dict.fromkeys(("maximum", "minimum"), only(is_number, "must be a number")),
    **dict.fromkeys(("enum", "examples"), only(lambda value: isinstance(value, list), "must be a list of values")),
    **dict.fromkeys(
        LISTED, only(lambda value: isinstance(value, list) and bool(value), "must be a list of schemas")
    ),
    **dict.fromkeys(NAMED, _schemas_by_name),
    "$id": only(_is_name_of_document, "must be a URI without a fragment"),
    "dependencies": _dependencies,
    "dependentRequired": _names_by_name,
    "multipleOf": only(lambda value: is_number(value) and value > 0, "must be a number above 0"),
    "pattern": only(lambda value: isinstance(value, str), "must be a regular expression"),
    "required": names,
    "type": _types,
}
"""The rule of each keyword that has one; what is inside schemas of its own is theirs."""
