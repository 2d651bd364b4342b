"""Example requests, made from the schemas of an OpenAPI document."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from fastapi.openapi.models import Example

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


QUERIES: dict[str, Example] = {
    "words": {
        "summary": "Ask in plain words.",
        "value": {"query": "When is the test data reset?", "agent_id": "ops"},
    },
    "context": {
        "summary": "Fill the context of a model: 600 tokens of results, with what stands before and after each.",
        "value": {
            "query": "What was decided about staging?",
            "agent_id": "ops",
            "top_k": 20,
            "max_tokens": 600,
            "around": 1,
            "diversity": 0.3,
        },
    },
    "past": {
        "summary": "Ask what was known at a moment, among some memories only.",
        "value": {
            "query": "Who is on call?",
            "agent_id": "ops",
            "as_of": "2026-01-31T09:30:00Z",
            "filter": {"tags": ["rota"], "importance": {"gte": 0.5}},
        },
    },
    "preferences": {
        "summary": "Prefer what is recent and important, and learn what each score is made up of.",
        "value": {
            "query": "What is going on?",
            "agent_id": "ops",
            "preferences": {"recency": 0.2, "half_life": 7, "importance": 0.3},
            "explain": True,
        },
    },
}
"""Queries that show what can be asked."""


def curl(
    server: str, method: str, path: str, operation: Schema, schemas: Mapping[str, Schema], *, body: Any = None
) -> str:
    """A request as a command for a shell; with no `body` given it has what is required in one."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example(parameter["schema"], schemas)))
    words = ["curl", *(() if method == "get" else ("-X", method.upper())), shlex.quote(server + path)]
    schema = body_schema(operation)
    if schema is not None:
        data = json.dumps(example(schema, schemas) if body is None else body, ensure_ascii=False)
        words += ["\\\n  -H", "'Content-Type: application/json'", "\\\n  -d", shlex.quote(data)]
    return " ".join(words)


def named_examples(operation: Schema) -> list[tuple[str | None, Any]]:
    """The bodies that the document itself gives for an operation, each with what it shows."""
    contents = operation.get("requestBody", {}).get("content", {}).values()
    return [(one["summary"], one["value"]) for content in contents for one in content.get("examples", {}).values()]


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
