"""What the API document says of OpenAI's routes, as far as memOS reads them; the rest is the server's."""

from typing import Any, Literal

from memos.api.proxy.directives import AGENT, FIELD, MODE, SOURCES, TTL

Schema = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 1}
MODES: Schema = {"type": "string", "enum": ["exact", "semantic", "off"]}
OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}

HEADERS = {
    MODE: (MODES, "How the cache is asked: also for answers to like questions, or not at all"),
    TTL: (NUMBER, "Seconds that the answer is kept"),
    AGENT: (TEXT, "The agent for whom the call is counted"),
    SOURCES: (TEXT, "What the answer is made from: `memory:<id>`, `tool:<id>`, `fact:<id>`, with commas between"),
    "cache-control": (TEXT, "`no-cache`, `no-store`, `only-if-cached`, `max-age=`, `min-fresh=` as in RFC 9111"),
}

OWN: Schema = {
    "type": "object",
    "description": "What is said to memOS alone; it wins over headers, and the server never sees it.",
    "additionalProperties": False,
    "properties": {
        "agent_id": TEXT,
        "cache": MODES,
        "ttl": NUMBER,
        "sources": {"type": "array", "items": TEXT},
    },
}

TOLD = {
    "x-memos-cache": ({"type": "string", "enum": ["hit", "semantic", "miss"]}, "Where the answer is from"),
    "x-memos-cache-key": (TEXT, "The key of the answer, by which it can be dropped"),
    "x-memos-not-kept": (TEXT, "Why the answer will not be kept, such as for a source that is not there"),
    "age": ({"type": "integer", "minimum": 0}, "Seconds that the answer has been kept"),
}

SAID = {
    400: "The body or what it says of the cache is not sound; errors are in OpenAI's shape",
    502: "The server behind is away, silent for too long, or does not go on answering",
    503: "No server is set, or answers under way take more memory than they may",
    504: "There is no cached answer, and the request said `only-if-cached`",
}

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": TEXT,
                "type": TEXT,
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}

QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "When does the ferry leave?"}]}
CHAT_EXAMPLES = {
    "plain": {"summary": "As OpenAI's client sends it", "value": QUESTION},
    "made of a memory": {
        "summary": "An answer that goes when a memory changes",
        "value": {**QUESTION, FIELD: {"agent_id": "clerk", "cache": "semantic", "sources": ["memory:m1@1"]}},
    },
}
EMBEDDINGS_EXAMPLES = {
    "two": {
        "summary": "Each input is kept by itself",
        "value": {"model": "text-embedding-3-small", "input": ["The ferry", "The train"]},
    }
}

Kind = Literal["chat", "embeddings"]


def request_of(kind: Kind) -> Schema:
    """The headers and the body that are read."""
    parameters = [
        {"name": name, "in": "header", "required": False, "schema": schema, "description": said}
        for name, (schema, said) in HEADERS.items()
    ]
    name, field, examples = (
        ("messages", OBJECTS, CHAT_EXAMPLES) if kind == "chat" else ("input", {}, EMBEDDINGS_EXAMPLES)
    )
    schema = {"type": "object", "required": ["model", name], "properties": {"model": TEXT, name: field, FIELD: OWN}}
    content = {"application/json": {"schema": schema, "examples": examples}}
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}


def responses_of(kind: Kind | None = None) -> Responses:
    """What may be answered: as OpenAI describes it, with headers of memOS, or an error."""
    data = "choices" if kind == "chat" else "data"
    schema = {"type": "object", "required": [data], "properties": {data: OBJECTS}}
    content: Schema = {"application/json": {"schema": schema}}
    if kind == "chat":
        content["text/event-stream"] = {"schema": TEXT}
    headers = {name: {"schema": schema, "description": said} for name, (schema, said) in TOLD.items()}
    whole = {"description": "What the server answered, now or before", "content": content}
    statuses = SAID if kind else {status: SAID[status] for status in (502, 503)}
    errors: Responses = {
        status: {"description": said, "content": {"application/json": {"schema": ERROR}}}
        for status, said in statuses.items()
    }
    return {200: {**whole, "headers": headers} if kind else whole, **errors}
