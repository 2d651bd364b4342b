"""The arguments of a tool: always an object, whatever its request is."""

from collections.abc import Iterable, Mapping
from typing import Any

from memos.records import ToolDefinition
from memos.schemas import JsonDocument, json_schema_of, mapped, rebased
from memos.specs.offering import arguments_named

BODY = "body"
"""The argument that is the whole request of a tool whose request is no object."""

CONTAINERS = ("$defs", "definitions", "components")
MOST_REFERENCES = 16
COMPOSED = ("allOf", "anyOf", "oneOf")
OF_OBJECTS = frozenset({"additionalProperties", "patternProperties", "properties", "required"})


def arguments_schema(tool: ToolDefinition) -> dict[str, Any]:
    """JSON Schema 2020-12 of an object whose properties are the arguments of a tool.

    A request that is no object becomes the one argument `body`. What a placeholder of the URL is for is added, as a
    text that is required, where the request does not name it.
    """
    request = {"type": "object", "properties": {}} if tool.request_schema is None else tool.request_schema
    return _completed(object_schema(request, BODY), tool.placeholders.values())


def takes_whole_body(tool: ToolDefinition) -> bool:
    """Whether the request of a tool is no object, so that the argument `body` is all of it."""
    if tool.request_schema is None:
        return False
    schema = _referred(json_schema_of(tool.request_schema))
    return not _Kinds(schema).is_object(schema)


def object_schema(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of an object; what is none becomes the property of that name.

    An array without `items` is given `{}`, which means the same, for some providers take none without.
    """
    schema = _referred(_itemised(json_schema_of(given)))
    if not _Kinds(schema).is_object(schema):
        return _wrapped(schema, name)
    return {**schema, "type": "object", "properties": schema.get("properties", {})}


def _completed(schema: dict[str, Any], needed: Iterable[str]) -> dict[str, Any]:
    """A schema that names all arguments that the URL cannot be made without."""
    missing = [name for name in dict.fromkeys(needed) if name not in schema["properties"]]
    if missing:
        known = arguments_named(schema)
        missing = [name for name in missing if name not in known]
    if not missing:
        return schema
    others = schema.get("additionalProperties")
    said = others if isinstance(others, Mapping) and others else {"type": "string"}
    return {
        **schema,
        "properties": {**schema["properties"], **dict.fromkeys(missing, said)},
        "required": [
            *schema.get("required", ()),
            *(name for name in missing if name not in schema.get("required", ())),
        ],
    }


def _itemised(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    made = mapped(schema, _itemised)
    types = made.get("type")
    if types == "array" or (isinstance(types, list) and "array" in types):
        made.setdefault("items", {})
    return made


def _referred(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that begins with what its `$ref` leads to, as providers will not follow one at the top."""
    seen = {""}
    while (reference := schema.get("$ref", "")) not in seen:
        seen.add(reference)
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        found = JsonDocument(schema).target(reference)
        if not isinstance(found, Mapping) or (found.keys() & beside.keys()) - {"title", "description"}:
            return {**beside, "allOf": [{"$ref": reference}, *beside.get("allOf", [])]}
        schema = {**found, **beside}
    return schema


class _Kinds:
    """Tells schemas of objects from others; what refers to itself, or too far, is none."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._document = JsonDocument(schema)
        self._known: dict[int, bool] = {}

    def is_object(self, schema: Any, depth: int = MOST_REFERENCES) -> bool:
        """Whether a schema is of objects; each is looked at once."""
        if not isinstance(schema, Mapping) or not depth:
            return False
        if id(schema) not in self._known:
            self._known[id(schema)] = False
            self._known[id(schema)] = self._is_object(schema, depth)
        return self._known[id(schema)]

    def _is_object(self, schema: Mapping[str, Any], depth: int) -> bool:
        types = schema.get("type")
        if types is not None:
            return types == "object" or (isinstance(types, list) and "object" in types)
        if not schema.keys().isdisjoint(OF_OBJECTS):
            return True
        if isinstance(schema.get("$ref"), str):
            return self.is_object(self._document.target(schema["$ref"]), depth - 1)
        if branches := [branch for keyword in COMPOSED for branch in schema.get(keyword, ())]:
            return all(self.is_object(branch, depth - 1) for branch in branches)
        return schema.keys().isdisjoint({"const", "enum"})


def _wrapped(schema: dict[str, Any], name: str) -> dict[str, Any]:
    def moved(reference: str) -> str:
        inside = reference == "#" or (reference.startswith("#/") and reference.split("/")[1] not in CONTAINERS)
        return f"#/properties/{name}{reference[1:]}" if inside else reference

    body = rebased(schema, moved)
    containers = {keyword: body.pop(keyword) for keyword in CONTAINERS if keyword in body}
    return {"type": "object", "properties": {name: body}, "required": [name], **containers}
