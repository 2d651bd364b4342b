"""Requests that show what can be said and asked of tools."""

from fastapi.openapi.models import Example

REGISTRATIONS: dict[str, Example] = {
    "body": {
        "summary": "A tool that takes its arguments as a JSON object.",
        "value": {
            "tool_id": "todo.add",
            "name": "Add a task",
            "description": "Puts a task on the to-do list, with the day on which it is due.",
            "endpoint_url": "http://tools.example/todo",
            "request_schema": {
                "type": "object",
                "properties": {
                    "title": {"type": "string", "description": "What is to be done."},
                    "due": {"type": "string", "format": "date"},
                },
                "required": ["title"],
            },
            "required_capabilities": ["tasks:write"],
            "tags": ["planning"],
            "examples": ["Remind me to call the plumber on Friday."],
        },
    },
    "address": {
        "summary": "A tool whose arguments travel in its address.",
        "value": {
            "tool_id": "weather.forecast",
            "name": "Weather forecast",
            "description": "Tells the weather in a city for the next days.",
            "endpoint_url": "http://tools.example/weather/{city}",
            "request_schema": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
                "required": ["city"],
            },
            "invocation": {
                "kind": "http",
                "method": "GET",
                "parameters": [{"argument": "city", "place": "path"}, {"argument": "days", "place": "query"}],
            },
        },
    },
    "mcp": {
        "summary": "A tool of an MCP server.",
        "value": {
            "tool_id": "calendar.free",
            "name": "Free hours",
            "description": "Finds hours at which everybody who is to meet is free.",
            "endpoint_url": "http://tools.example/mcp",
            "invocation": {
                "kind": "mcp",
                "transport": "streamable-http",
                "server": "calendar",
                "tool": "find_free_hours",
            },
        },
    },
}
"""Tools that are called in each of the ways there are."""

DISCOVERIES: dict[str, Example] = {
    "task": {
        "summary": "Describe a task, and get the tools for it as OpenAI's models call them.",
        "value": {
            "query": "Look up tomorrow's weather and put an umbrella on my list.",
            "top_k": 5,
            "format": "openai",
        },
    },
    "agent": {
        "summary": "Leave out what the agent may not use, and learn what each score is made up of.",
        "value": {
            "query": "note that the plumber comes on Friday",
            "agent_capabilities": ["tasks:write", "calendar:read"],
            "explain": True,
        },
    },
    "capabilities": {
        "summary": "Ask for tools by what they require, without a task.",
        "value": {"capabilities": ["tasks:write", "tasks:read"], "match": "any", "tags": ["planning"]},
    },
}
"""Searches that show what can be asked."""

OUTCOMES: dict[str, Example] = {
    "success": {
        "summary": "The tool did what it was called for.",
        "value": {
            "tool_id": "todo.add",
            "agent_id": "concierge",
            "task": "Remind me to call the plumber on Friday.",
            "success": True,
            "latency_ms": 41.5,
        },
    },
    "failure": {
        "summary": "It failed; do not wait until that is recorded.",
        "value": {
            "tool_id": "weather.forecast",
            "agent_id": "concierge",
            "task": "Will it rain in Lisbon?",
            "success": False,
            "error": "503 Service Unavailable",
            "wait": False,
        },
    },
}
"""What became of calls."""
