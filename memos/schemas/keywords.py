"""Where a schema has schemas inside it (JSON Schema 2020-12, section 10; older drafts; OpenAPI 3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]

ONE = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords with a schema; before 2020-12 `items` may have a list of them."""

LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords with a list of schemas."""

NAMED = frozenset({"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"})
"""Keywords with schemas by name; `dependencies` may have lists of names among them."""

COMPONENTS = "components"
"""Where a document of OpenAPI has its `schemas`, to which references lead."""


def parts(schema: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The schemas directly inside a schema, with the path to each from there."""
    for keyword, value in schema.items():
        if keyword in LISTED or (keyword == "items" and isinstance(value, list)):
            yield from (((keyword, index), part) for index, part in enumerate(_listed(value)))
        elif keyword in ONE:
            yield (keyword,), value
        elif keyword in NAMED:
            yield from (((keyword, name), part) for name, part in _named(value) if not _is_names(keyword, part))
        elif keyword == COMPONENTS and isinstance(value, Mapping):
            yield from (((keyword, "schemas", name), part) for name, part in _named(value.get("schemas")))


def mapped(schema: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A copy of a schema with what `change` makes of each schema directly inside it, and of what is none."""
    return {keyword: _changed(keyword, value, change) for keyword, value in schema.items()}


def _changed(keyword: str, value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list) and (keyword in LISTED or keyword == "items"):
        return [change(part) for part in value]
    if keyword in ONE:
        return change(value)
    if keyword in NAMED and isinstance(value, Mapping):
        return {name: change(part) for name, part in value.items()}
    if keyword == COMPONENTS and isinstance(value, Mapping) and "schemas" in value:
        return {**value, "schemas": _changed("$defs", value["schemas"], change)}
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _named(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, Mapping) else ()


def _is_names(keyword: str, part: Any) -> bool:
    return keyword == "dependencies" and isinstance(part, list)
