"""Whether something is a JSON Schema that can be relied on."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any, NamedTuple

from memos.schemas.dialects import DIALECTS, Dialect, dialect_of
from memos.schemas.faults import MOST_FAULTS, SchemaFault, shown
from memos.schemas.keywords import Path, parts
from memos.schemas.pattern_limits import PatternLimits
from memos.schemas.references import REFERENCES, JsonDocument, is_document, steps_of
from memos.schemas.rules import RULES, is_number
from memos.schemas.translation import json_schema_of

AT_ONCE = ("allOf", "anyOf", "dependencies", "dependentSchemas", "else", "if", "not", "oneOf", "then")
"""Keywords whose schemas are about the same value as the schema that they are in."""

MOST_PARTS = 100_000
"""The schemas that a value may have to be compared with at once, each counted as often as it is referred to."""

BOUNDS = ("exclusiveMaximum", "exclusiveMinimum")


class Place(NamedTuple):
    """A schema inside another, the way to it, and the document in which its references lead."""

    path: Path
    schema: Any
    document: JsonDocument


def faults_of_schema(schema: Mapping[str, Any]) -> Sequence[SchemaFault]:
    """What is wrong with a schema, at most 20 faults; nothing of a sound one.

    Sound is JSON Schema 2020-12, one of the drafts 4, 6, 7 and 2019-09 if `$schema` names it, and a Schema Object
    of OpenAPI 3. References lead to places inside of it, and not in circles; patterns can be looked for. As JSON
    Schema has it, keywords that it does not know may be there.
    """
    dialect = dialect_of(schema)
    if dialect is None:
        return [SchemaFault(("$schema",), _unknown(schema["$schema"]))]
    check = _Check(schema, dialect)
    faults = list(islice(check.faults(), MOST_FAULTS))
    return faults or [*check.endless(), *check.lost(JsonDocument(json_schema_of(schema)))]


def _unknown(named: Any) -> str:
    known = ", ".join(f"http://{name}#" if "draft-" in name else f"https://{name}" for name in DIALECTS)
    return f"{shown(named)} is no known dialect; leave it out for JSON Schema 2020-12, or use one of {known}"


class _Check:
    """One walk through a schema; it remembers what it has seen by its identity."""

    def __init__(self, schema: Mapping[str, Any], dialect: Dialect) -> None:
        self._root = JsonDocument(schema)
        self._dialect = dialect
        self._places: dict[int, Place] = {}
        self._at_once: dict[int, set[int]] = {}
        self._waiting: deque[Place] = deque()
        self._patterns = PatternLimits()

    def faults(self) -> Iterator[SchemaFault]:
        """The faults of a schema and of all inside it, the outer first."""
        self._waiting.append(Place((), self._root.schema, self._root))
        while self._waiting:
            place = self._waiting.popleft()
            if isinstance(place.schema, Mapping):
                if id(place.schema) not in self._places:
                    yield from self._visited(place)
            elif not isinstance(place.schema, bool):
                yield SchemaFault(
                    place.path, f"must be a schema: an object, true or false, not {shown(place.schema)}"
                )

    def endless(self) -> Iterator[SchemaFault]:
        """References that lead back to themselves about the same value, or unfold to more than can be compared."""
        try:
            inner_first = tuple(TopologicalSorter(self._at_once).static_order())
        except CycleError as error:
            yield self._fault_at(set(error.args[1]), "leads back to itself without end")
            return
        sizes: dict[int, int] = {}
        for key in inner_first:
            sizes[key] = 1 + sum(sizes[part] for part in self._at_once.get(key, ()))
            if sizes[key] > MOST_PARTS:
                yield self._fault_at({key, *self._at_once[key]}, f"unfolds to more than {MOST_PARTS:,} schemas")
                return

    def _fault_at(self, keys: set[int], message: str) -> SchemaFault:
        """The fault of the first reference that one of these schemas has."""
        seen = (place for key, place in self._places.items() if key in keys)
        path, schema, _ = next(place for place in seen if not place.schema.keys().isdisjoint(REFERENCES))
        keyword = next(name for name in REFERENCES if name in schema)
        return SchemaFault((*path, keyword), f"{shown(schema[keyword])} {message}")

    def lost(self, translated: JsonDocument) -> Iterator[SchemaFault]:
        """References into what JSON Schema 2020-12 says in other places."""
        for path, schema, document in self._places.values():
            for keyword in REFERENCES:
                if keyword in schema and document is self._root and _found(translated, schema[keyword])[1]:
                    message = (
                        f"{shown(schema[keyword])} leads into what is older than JSON Schema 2020-12; use $defs"
                    )
                    yield SchemaFault((*path, keyword), message)

    def _visited(self, given: Place) -> Iterator[SchemaFault]:
        inner = given.path and is_document(given.schema)
        place = given._replace(document=JsonDocument(given.schema)) if inner else given
        key, inside = id(place.schema), list(parts(place.schema))
        self._places[key] = place
        self._at_once[key] = {id(part) for path, part in inside if path[0] in AT_ONCE}
        faults = (*self._patterns.faults(place.schema), *_own(place.schema, self._dialect))
        for fault in (*faults, *self._references(place)):
            yield SchemaFault((*place.path, *fault.path), fault.message)
        self._waiting += (Place((*place.path, *path), part, place.document) for path, part in inside)

    def _references(self, place: Place) -> Iterator[SchemaFault]:
        """The faults of a schema's references; where they lead is checked as well, wherever that is."""
        for keyword in REFERENCES:
            reference = place.schema.get(keyword)
            if not isinstance(reference, str):
                continue
            found, fault = _found(place.document, reference)
            if fault:
                yield SchemaFault((keyword,), fault)
            else:
                self._at_once[id(place.schema)].add(id(found))
                self._waiting.append(Place(steps_of(reference), found, place.document))


def _own(schema: Mapping[str, Any], dialect: Dialect) -> Iterator[SchemaFault]:
    """The faults of a schema's own keywords."""
    for keyword, value in schema.items():
        if rule := RULES.get(keyword):
            yield from (SchemaFault((keyword, *fault.path), fault.message) for fault in rule(value))
    if isinstance(schema.get("items"), list) and not dialect.lists_items:
        yield SchemaFault(("items",), "must be a schema; a list of schemas is called prefixItems")
    for keyword in BOUNDS:
        if keyword in schema and not _is_bound(schema[keyword], dialect):
            yield SchemaFault((keyword,), f"must be a number, not {shown(schema[keyword])}")


def _is_bound(value: Any, dialect: Dialect) -> bool:
    return is_number(value) or (isinstance(value, bool) and dialect.boolean_bounds)


def _found(document: JsonDocument, reference: str) -> tuple[Any, str | None]:
    """The schema to which a reference leads, or what is wrong with it."""
    if not reference.startswith("#"):
        return None, f"{shown(reference)} is outside of the schema; put what it means into $defs, and use #/$defs/…"
    try:
        found = document.target(reference)
    except LookupError:
        return None, f"{shown(reference)} leads nowhere"
    if not isinstance(found, Mapping | bool):
        return None, f"{shown(reference)} leads to what is no schema"
    return found, None
