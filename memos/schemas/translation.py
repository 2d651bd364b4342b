"""Schemas of OpenAPI 3.0 and of older drafts of JSON Schema, said in JSON Schema 2020-12."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memos.schemas.keywords import mapped

OLDER = frozenset(
    {
        "$id",
        "$recursiveAnchor",
        "$recursiveRef",
        "$schema",
        "additionalItems",
        "dependencies",
        "discriminator",
        "example",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "externalDocs",
        "id",
        "items",
        "nullable",
        "xml",
    }
)
"""Keywords that 2020-12 does not have, or means otherwise."""

MORE_THAN_TYPES = frozenset({"$ref", "allOf", "anyOf", "const", "not", "oneOf"})
"""Keywords that may refuse null whatever `type` says."""

DROPPED = ("$recursiveAnchor", "$schema", "discriminator", "externalDocs", "xml")


def json_schema_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema in JSON Schema 2020-12, without `$schema`; of one that is in it already a copy."""
    translated: dict[str, Any] = _translated(schema)
    translated.pop("$id", None)
    return translated


def _translated(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    made = mapped(schema, _translated)
    if not OLDER.isdisjoint(made):
        for name in DROPPED:
            made.pop(name, None)
        for rule in RULES:
            made = rule(made)
    return made


def _bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """Of OpenAPI 3.0 and draft 4, where `exclusiveMinimum` says how `minimum` is meant."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    return schema


def _items(schema: dict[str, Any]) -> dict[str, Any]:
    """Before 2020-12 a list of `items` said what comes first, and `additionalItems` what comes after."""
    rest = schema.pop("additionalItems", None)
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if rest is not None:
            schema["items"] = rest
    return schema


def _dependencies(schema: dict[str, Any]) -> dict[str, Any]:
    """Before 2019-09 one keyword said both which names and which schemas depend on a name."""
    for name, needs in schema.pop("dependencies", {}).items():
        keyword = "dependentRequired" if isinstance(needs, list) else "dependentSchemas"
        schema[keyword] = {**schema.get(keyword, {}), name: needs}
    return schema


def _recursion(schema: dict[str, Any]) -> dict[str, Any]:
    if "$recursiveRef" in schema:
        schema.setdefault("$ref", schema.pop("$recursiveRef"))
    return schema


def _names(schema: dict[str, Any]) -> dict[str, Any]:
    """Before 2019-09 an `$id` could be an anchor; in draft 4 it was called `id`."""
    if isinstance(schema.get("id"), str):
        del schema["id"]
    own = schema.get("$id")
    if isinstance(own, str) and own.startswith("#"):
        del schema["$id"]
        if re.fullmatch(r"#[A-Za-z_][-A-Za-z0-9._]*", own):
            schema.setdefault("$anchor", own[1:])
    return schema


def _example(schema: dict[str, Any]) -> dict[str, Any]:
    if "example" in schema:
        schema.setdefault("examples", [schema.pop("example")])
        schema.pop("example", None)
    return schema


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Of OpenAPI 3.0. An `enum` need not repeat that null is meant: hardly any document does."""
    if schema.pop("nullable", False) is not True:
        return schema
    if schema.keys() & MORE_THAN_TYPES:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema:
        return schema
    schema["type"] = _with_null(schema["type"])
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _with_null(types: str | Sequence[str]) -> list[str]:
    named = [types] if isinstance(types, str) else list(types)
    return named if "null" in named else [*named, "null"]


RULES: Sequence[Callable[[dict[str, Any]], dict[str, Any]]] = (
    _bounds,
    _items,
    _dependencies,
    _recursion,
    _names,
    _example,
    _nullable,
)
