"""Tools and their schemas as MCP has them."""

from typing import Any

from mcp_types import Tool, ToolAnnotations

from memos.mcp_server.table import ServedTool

NAMED = frozenset({"properties", "$defs"})
"""Where a schema has names of its own for keys."""

NOTHING = {"type": "null"}


def described(tool: ServedTool) -> Tool:
    """A tool with its schemas, and hints at what it does."""
    given = tool.gives.model_json_schema(mode="serialization")
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=without_null(untitled(tool.takes.model_json_schema())),
        output_schema=untitled(given),
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.effect == "reads",
            destructive_hint=tool.effect in {"overwrites", "calls"},
            idempotent_hint=tool.repeatable,
            open_world_hint=tool.effect == "calls",
        ),
    )


def untitled(schema: Any) -> Any:
    """A schema without its titles, which say what the names say."""
    if isinstance(schema, list):
        return [untitled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _inside(key, part) for key, part in schema.items() if key != "title"}


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of arguments in which what may be left out is not said to be null, too; that confuses models."""
    properties = {name: _plain(part) for name, part in schema.get("properties", {}).items()}
    return {**schema, "properties": properties}


def _inside(key: str, part: Any) -> Any:
    return {name: untitled(one) for name, one in part.items()} if key in NAMED else untitled(part)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in schema.get("anyOf", []) if choice != NOTHING]
    if len(choices) != 1:
        return schema
    rest = {key: part for key, part in schema.items() if key not in {"anyOf", "default"}}
    return {**choices[0], **rest}
