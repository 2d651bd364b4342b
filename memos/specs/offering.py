"""Schemas of arguments as every provider takes them, and back.

At the top of a schema providers refuse what is combined of others, and names of arguments with other characters
than theirs. What they are offered instead names every argument and asks for no more than the schema does; that is
kept in `$defs`, where a model may read it and from where it is restored. The call is checked against all of it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from memos.schemas import JsonDocument, rebased
from memos.specs.names import ARGUMENT, argument_name

KEPT = "memos.arguments"
PLACE = f"#/$defs/{KEPT}"
REFUSED = frozenset({"allOf", "anyOf", "const", "enum", "not", "oneOf"})
MOST_REFERENCES = 16

Arguments = dict[str, dict[str, Any]]
"""The schemas that are said of each argument, by their JSON."""


def offered(schema: dict[str, Any], description: str | None = None) -> dict[str, Any]:
    """A schema of arguments as every provider takes it, with another description if one is given."""
    said = {} if description is None else {"description": description}
    if not _is_refused(schema) and schema.keys().isdisjoint(said):
        return {**schema, **said}
    kept = rebased(schema, _into)
    defs = kept.pop("$defs", {})
    found, required = _Reading({**kept, "$defs": {**defs, KEPT: kept}}).arguments(kept)
    return {
        **{keyword: value for keyword, value in kept.items() if keyword not in REFUSED | {"required"}},
        **said,
        "properties": {argument_name(name): _one_of([*said.values()]) for name, said in found.items()},
        **({"required": [argument_name(name) for name in found if name in required]} if required else {}),
        "$defs": {**defs, KEPT: kept},
    }


def restored(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema from which one was made to be offered; of another the schema itself."""
    defs = schema.get("$defs")
    if not isinstance(defs, Mapping) or not isinstance(defs.get(KEPT), Mapping):
        return schema
    others = {name: part for name, part in defs.items() if name != KEPT}
    found: dict[str, Any] = rebased({**defs[KEPT], **({"$defs": others} if others else {})}, _out_of)
    return found


def named_arguments(schema: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments under the names that the schema has for them, where a model was offered others."""
    renamed = {argument_name(name): name for name in arguments_named(schema)}
    return {renamed.get(name, name): value for name, value in given.items()}


def arguments_named(schema: dict[str, Any]) -> Collection[str]:
    """The arguments that a schema names, in itself or in what it is combined of."""
    return _Reading(schema).arguments(schema)[0].keys()


def _is_refused(schema: Mapping[str, Any]) -> bool:
    return not schema.keys().isdisjoint(REFUSED) or not all(map(ARGUMENT.fullmatch, schema["properties"]))


def _into(reference: str) -> str:
    inside = reference == "#" or (reference.startswith("#/") and not reference.startswith("#/$defs/"))
    return PLACE + reference[1:] if inside else reference


def _out_of(reference: str) -> str:
    return "#" + reference.removeprefix(PLACE) if reference.startswith(PLACE) else reference


class _Reading:
    """Gathers what is said of each argument in a schema and in what it is combined of; each is read once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = JsonDocument(document)
        self._read: dict[int, tuple[Arguments, set[str]]] = {}

    def arguments(self, schema: Any, depth: int = MOST_REFERENCES) -> tuple[Arguments, set[str]]:
        """What is said of each argument, and which are always required.

        What a schema says itself is what counts, whatever the parts say in addition.
        """
        if not isinstance(schema, Mapping) or not depth:
            return {}, set()
        if id(schema) not in self._read:
            self._read[id(schema)] = {}, set()
            self._read[id(schema)] = self._arguments(schema, depth)
        return self._read[id(schema)]

    def _arguments(self, schema: Mapping[str, Any], depth: int) -> tuple[Arguments, set[str]]:
        found: Arguments = {}
        required = set(schema.get("required", ()))
        for keyword in ("$ref", "allOf", "anyOf", "oneOf"):
            read = [self.arguments(part, depth - 1) for part in self._parts(schema, keyword)]
            for name, said in (item for arguments, _ in read for item in arguments.items()):
                found.setdefault(name, {}).update(said)
            if read:
                needed = [names for _, names in read]
                required |= set.intersection(*needed) if keyword in {"anyOf", "oneOf"} else set.union(*needed)
        own = schema.get("properties", {})
        return found | {name: {json.dumps(said, sort_keys=True): said} for name, said in own.items()}, required

    def _parts(self, schema: Mapping[str, Any], keyword: str) -> Sequence[Any]:
        value = schema.get(keyword, ())
        return [self._document.target(value)] if isinstance(value, str) else value


def _one_of(schemas: Sequence[Any]) -> Any:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
