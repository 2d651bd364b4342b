"""Requests that show how answers of language models are kept and found."""

from fastapi.openapi.models import Example

KEY = "5f7e2b0c9a4d18e3b6c1f0a7d2e94835c6b7a8190f2e3d4c5b6a798081726354"

QUESTION = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": "When does the ferry leave?"},
    ],
    "temperature": 0,
}

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767225600,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "The ferry leaves at noon."},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 22, "completion_tokens": 6, "total_tokens": 28},
}

LOOKUPS: dict[str, Example] = {
    "exact": {
        "summary": "Look for the answer to exactly this request.",
        "value": {"request": QUESTION, "agent_id": "porter"},
    },
    "semantic": {
        "summary": "Take one to a question that asks the same, made within the hour.",
        "value": {"request": QUESTION, "agent_id": "porter", "semantic": True, "max_age": 3600},
    },
    "lease": {
        "summary": "Look for it, and be the one who makes it where there is none; it comes of a memory.",
        "value": {
            "request": QUESTION,
            "agent_id": "porter",
            "lease_seconds": 30,
            "sources": ["memory:0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4"],
        },
    },
}
"""Ways to look for an answer."""

STORES: dict[str, Example] = {
    "answer": {
        "summary": "Keep an answer until the memory that it comes of changes, and for a day at most.",
        "value": {
            "request": QUESTION,
            "answer": ANSWER,
            "agent_id": "porter",
            "ttl": 86400,
            "sources": ["memory:0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4@1"],
            "seconds": 0.8,
        },
    },
    "lease": {
        "summary": "Keep an answer that whoever asks in other words is to get too, and give the lease back.",
        "value": {"request": QUESTION, "answer": ANSWER, "lease": "0198c5f27a317c4e", "semantic": True},
    },
}
"""Ways to keep one."""

RELEASES: dict[str, Example] = {
    "failed": {
        "summary": "Say that the call failed, so that another makes the answer.",
        "value": {"request": QUESTION, "lease": "0198c5f27a317c4e", "outcome": "error", "seconds": 12.5},
    },
    "unused": {
        "summary": "Give a lease back without having called anything.",
        "value": {"request": QUESTION, "lease": "0198c5f27a317c4e", "outcome": "none"},
    },
}
"""Ways to go without an answer."""

RENEWALS: dict[str, Example] = {
    "lease": {"summary": "Keep a lease for 30 seconds more.", "value": {"key": KEY, "lease": "0198c5f27a317c4e"}},
}
"""A lease that is still needed."""

FORGETTING: dict[str, Example] = {
    "sources": {
        "summary": "Forget what was made of a tool and of a fact.",
        "value": {"sources": ["tool:weather.forecast", "fact:opening-hours"]},
    },
    "keys": {"summary": "Forget one answer.", "value": {"keys": [KEY]}},
}
"""Ways to say which answers are meant."""

INPUTS: dict[str, Example] = {
    "texts": {
        "summary": "Look for the embeddings of two texts.",
        "value": {"model": "text-embedding-3-small", "inputs": ["the ferry", "the harbour"]},
    },
}
"""A request for embeddings."""

EMBEDDINGS: dict[str, Example] = {
    "texts": {
        "summary": "Keep the embedding of a text, which here has three dimensions.",
        "value": {
            "model": "text-embedding-3-small",
            "options": {"dimensions": 3},
            "inputs": ["the ferry"],
            "embeddings": [[0.6, 0.0, 0.8]],
            "prompt_tokens": 2,
        },
    },
}
"""Embeddings that were made."""

COUNTS: dict[str, Example] = {
    "failed": {
        "summary": "Count a call that failed.",
        "value": {"model": "text-embedding-3-small", "agent_id": "porter", "outcome": "error", "seconds": 12.5},
    },
}
"""Calls of which nothing is kept."""
