"""Requests that show how a task is begun, with its context, and ended, with what was learned."""

from fastapi.openapi.models import Example

CONTEXTS: dict[str, Example] = {
    "task": {
        "summary": "All that there is for a task, in 2000 tokens.",
        "value": {
            "task": "Book a table for six on Friday evening.",
            "agent_id": "concierge",
            "agent_capabilities": ["bookings:write"],
            "max_tokens": 2000,
        },
    },
    "equipped": {
        "summary": "With the agent's session, and what a loadout equips it with; half a second is all there is.",
        "value": {
            "task": "What is new in PostgreSQL 18?",
            "agent_id": "cortex",
            "session_id": "postgres-18",
            "loadout": "researcher",
            "messages": 5,
            "deadline_ms": 500,
        },
    },
    "lessons": {
        "summary": "Lessons alone, of some tasks alone.",
        "value": {
            "task": "Deploy the billing system.",
            "agent_id": "ops",
            "lessons": 10,
            "memories": 0,
            "tools": 0,
            "filter": {"tags": ["deployment"]},
        },
    },
}
"""Tasks whose context is asked for."""

LEARNINGS: dict[str, Example] = {
    "success": {
        "summary": "It went well, and this is why.",
        "value": {
            "task": "Book a table for six on Friday evening.",
            "outcome": "success",
            "agent_id": "concierge",
            "task_id": "booking-4711",
            "lessons": [{"content": "The Lantern takes groups of six by telephone alone.", "tags": ["bookings"]}],
            "memories": [{"memory_id": "0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4", "helped": True}],
            "tools": [{"tool_id": "telephone__call", "helped": True, "latency_ms": 85000}],
            "cost": 0.04,
            "seconds": 112.5,
        },
    },
    "correction": {
        "summary": "It failed, for an earlier lesson is wrong by now.",
        "value": {
            "task": "Book a table for eight on Sunday.",
            "outcome": "failure",
            "agent_id": "concierge",
            "lessons": [
                {
                    "content": "The Lantern does not take groups by telephone any more; write to them.",
                    "contradicts": ["0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4"],
                }
            ],
            "tools": [{"tool_id": "telephone__call", "helped": False, "error": "nobody answered"}],
        },
    },
    "later": {
        "summary": "Do not wait until it is learned.",
        "value": {
            "task": "Find the minutes of Monday's meeting.",
            "outcome": "partial",
            "agent_id": "concierge",
            "lessons": [{"content": "Minutes are filed under the date, not under the topic."}],
            "wait": False,
        },
    },
}
"""What was learned of tasks."""
