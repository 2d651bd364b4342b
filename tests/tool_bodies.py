"""Tools as they are sent to be registered: complete unless told otherwise."""

from typing import Any

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where."}, "days": {"type": "integer"}},
    "required": ["city"],
}


def definition(tool_id: str, **fields: Any) -> dict[str, Any]:
    """A tool that tells the weather."""
    return {
        "tool_id": tool_id,
        "name": "Weather forecast",
        "description": "Tells the weather in a city for the next days.",
        "endpoint_url": "http://tools.test/weather",
        "request_schema": WEATHER,
        **fields,
    }
