"""In which dialects schemas may be written, as their `$schema` names them."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Dialect(NamedTuple):
    """What sets a dialect apart from JSON Schema 2020-12."""

    lists_items: bool = False
    boolean_bounds: bool = False


UNNAMED = Dialect(boolean_bounds=True)
"""JSON Schema 2020-12, or OpenAPI 3.0, which has no name of its own."""

OPENAPI = "https://spec.openapis.org/oas/3."
DIALECTS: Mapping[str, Dialect] = {
    "json-schema.org/schema": Dialect(),
    "json-schema.org/draft/2020-12/schema": Dialect(),
    "json-schema.org/draft/2019-09/schema": Dialect(lists_items=True),
    "json-schema.org/draft-07/schema": Dialect(lists_items=True),
    "json-schema.org/draft-06/schema": Dialect(lists_items=True),
    "json-schema.org/draft-04/schema": Dialect(lists_items=True, boolean_bounds=True),
}


def dialect_of(schema: Mapping[str, Any]) -> Dialect | None:
    """The dialect of a schema; none when it names one that is not known."""
    named = schema.get("$schema")
    if named is None:
        return UNNAMED
    if not isinstance(named, str):
        return None
    if named.startswith(OPENAPI):
        return UNNAMED
    return DIALECTS.get(named.removeprefix("https://").removeprefix("http://").removesuffix("#"))
