"""What of a tool's definition is searched for words."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from memos.records import ToolDefinition

MOST_PARAMETERS = 32
"""Parameters of a tool that are read; what it is for stands before."""

MOST_OF_A_DESCRIPTION = 120
"""Characters of a parameter's description that are read."""

DEEPEST = 3
"""How deep parameters within parameters are read."""


def compared_text(tool: ToolDefinition) -> str:
    """Its name, description, examples, and parameters with their descriptions."""
    schema = tool.request_schema or {}
    parameters = islice(_parameters(schema), MOST_PARAMETERS)
    return "\n".join([f"{tool.name}: {tool.description}", *tool.examples, *parameters])


def _parameters(schema: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth == DEEPEST:
        return
    for name, about in properties.items():
        if isinstance(about, Mapping):
            yield f"{name} {str(about.get('description', ''))[:MOST_OF_A_DESCRIPTION]}"
            yield from _parameters(about, depth + 1)
