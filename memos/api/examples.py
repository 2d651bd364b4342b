"""Example requests, made from the schemas of an OpenAPI document."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

SAMPLES: Mapping[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": 0.5,
    "boolean": True,
    "null": None,
}
FORMATS: Mapping[str, str] = {
    "uuid": "0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4",
    "date-time": "2026-01-31T09:30:00Z",
}


def curl(server: str, method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> str:
    """A request with what is required in it, as a command for a shell."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example(parameter["schema"], schemas)))
    words = ["curl", *(() if method == "get" else ("-X", method.upper())), shlex.quote(server + path)]
    body = body_schema(operation)
    if body is not None:
        data = json.dumps(example(body, schemas), ensure_ascii=False)
        words += ["\\\n  -H", "'Content-Type: application/json'", "\\\n  -d", shlex.quote(data)]
    return " ".join(words)


def body_schema(message: Schema) -> Schema | None:
    """The schema of an operation's body, or `None` when it takes none."""
    body: Schema | None = message.get("requestBody")
    return None if body is None else content_schema(body)


def content_schema(message: Schema) -> Schema:
    """The schema of a body or of a response, of whatever media type comes first."""
    for content in message.get("content", {}).values():
        schema: Schema = content.get("schema", {})
        return schema
    return {}


def example(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """A value that fits a schema: its own example or default if it has one; of objects the required fields."""
    given = _given(schema)
    if given is not None:
        return given
    if "$ref" in schema:
        return example(schemas[name_of(schema)], schemas)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    return _made(schema, schemas)


def _given(schema: Schema) -> Any:
    """A value that the schema itself names, or `None`."""
    values = (*schema.get("examples", ()), schema.get("const"), schema.get("default"), *schema.get("enum", ()))
    return next((value for value in values if value is not None), None)


def _made(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """A value made from the schema's type."""
    match schema.get("type"):
        case "array":
            return [example(schema.get("items", {}), schemas)]
        case "object":
            return {name: example(schema["properties"][name], schemas) for name in _shown(schema)}
        case kind:
            return FORMATS.get(schema.get("format", ""), SAMPLES.get(str(kind), "text"))


def _shown(schema: Schema) -> list[str]:
    """The required fields; where there are none, the first, since an empty object rarely says anything."""
    return list(schema.get("required") or list(schema.get("properties", ()))[:1])


def name_of(schema: Schema) -> str:
    """The name of the schema that a reference points to."""
    return str(schema["$ref"]).rpartition("/")[2]
