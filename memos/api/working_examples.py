"""Requests that show what working memory keeps."""

from fastapi.openapi.models import Example

VALUES: dict[str, Example] = {
    "plan": {
        "summary": "Keep a plan for as long as the session, and a lock that ends after a minute.",
        "value": {
            "values": [
                {"key": "plan", "value": {"step": 1, "of": ["search", "read", "write"]}},
                {"key": "lock", "value": "cortex", "ttl": 60, "if_version": 0},
            ]
        },
    },
}
"""Values that are kept together, or not at all."""

SETTINGS: dict[str, Example] = {
    "value": {"summary": "Keep a value.", "value": {"value": {"step": 1}}},
    "guarded": {
        "summary": "Keep it for an hour, if nobody has written since it was read at version 3.",
        "value": {"value": {"step": 2}, "ttl": 3600, "if_version": 3},
    },
}
"""Values for one key."""

KEYS: dict[str, Example] = {
    "keys": {"summary": "Some keys at once.", "value": {"keys": ["plan", "lock"]}},
}
"""Keys to read."""

DELETED: dict[str, Example] = {
    **KEYS,
    "guarded": {
        "summary": "A key that nobody has written since it was read at version 3.",
        "value": {"keys": ["lock"], "if_version": 3},
    },
}
"""Keys to delete."""

STEPS: dict[str, Example] = {
    "step": {"summary": "Count one more.", "value": {}},
    "cost": {"summary": "Add to a sum that is kept for an hour.", "value": {"by": 0.25, "ttl": 3600}},
}
"""What is added to numbers."""

ITEMS: dict[str, Example] = {
    "items": {"summary": "Append two items to a list.", "value": {"items": ["read the plan", {"step": 2}]}},
}
"""What is appended to lists."""

MESSAGES: dict[str, Example] = {
    "question": {
        "summary": "What a user said.",
        "value": {"content": "What is new in PostgreSQL 18?", "name": "ada"},
    },
    "answer": {
        "summary": "What an agent answered.",
        "value": {"role": "assistant", "content": "Asynchronous I/O, for one.", "name": "cortex"},
    },
}
"""Messages of a session."""

CONVERSATION: dict[str, Example] = {
    "turn": {
        "summary": "A question with its answer.",
        "value": {"messages": [example["value"] for example in MESSAGES.values()]},
    },
}
"""Messages that are appended together."""

PROMOTIONS: dict[str, Example] = {
    "messages": {"summary": "Make memories of all messages.", "value": {}},
    "some": {
        "summary": "Make memories that all agents see of those up to number 12.",
        "value": {"through": 12, "visibility": "shared"},
    },
    "keys": {"summary": "Make a memory of the value of a key.", "value": {"keys": ["plan"]}},
}
"""What becomes memories."""

TEXTS: dict[str, Example] = {
    "working": {
        "summary": "In tier 1: a message of a session, of which the metadata says who speaks.",
        "value": {
            "content": "Asynchronous I/O, for one.",
            "agent_id": "cortex",
            "session_id": "reading",
            "metadata": {"role": "assistant", "name": "cortex"},
        },
    },
    "episodic": {
        "summary": "In tier 2: a memory.",
        "value": {"content": "Ada reads up on PostgreSQL 18.", "agent_id": "cortex", "tags": ["ada"]},
    },
}
"""Texts to store in a tier."""

OPTIONS: dict[str, Example] = {
    "window": {
        "summary": "Keep it for a week after its last write; messages beyond the newest 20 become memories.",
        "value": {"ttl": 604800, "window_messages": 20, "promote": "window"},
    },
    "lasting": {"summary": "Keep the session until it is ended.", "value": {"lasting": True}},
}
"""How sessions are kept."""
