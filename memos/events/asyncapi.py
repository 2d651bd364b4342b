"""The bus as an AsyncAPI 3.0 document, made from the table of streams."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import memos
from memos.events.envelope import REPLY_PREFIX, Envelope
from memos.events.facts import FACTS
from memos.events.problems import PROBLEM_TYPE, Problem
from memos.events.streams import FACTS_STREAM, STREAMS, Stream

SCHEMAS = "#/components/schemas/"
MESSAGES = "#/components/messages/"

DESCRIPTION = (
    "Commands go to Redis Streams with XADD: one field `__data__` holds a CloudEvents 1.0 JSON document. "
    "The reply goes where `replyto` says: to a list under `memos:reply:` (RPUSH, with a TTL), or, after "
    "`channel:`, to a pub/sub channel. A reply, or a problem instead of it, carries the command's "
    "`correlationid`, or its `id` when it has none."
)


def asyncapi() -> dict[str, Any]:
    """The whole document, as JSON data."""
    models: set[type[BaseModel]] = {Envelope, Problem, *FACTS.values()}
    models |= {model for stream in STREAMS for model in (stream.command, stream.reply)}
    wanted = [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)]
    _, definitions = models_json_schema(wanted, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "memOS.as",
            "version": memos.__version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {**{stream.name: _channel(stream) for stream in STREAMS}, "facts": _facts(), "reply": _inbox()},
        "operations": {**{_key(stream): _operation(stream) for stream in STREAMS}, "FollowFacts": _following()},
        "components": {"messages": _messages(), "schemas": definitions["$defs"]},
    }


def _key(stream: Stream) -> str:
    return stream.command.__name__


def _channel(stream: Stream) -> dict[str, Any]:
    return {
        "address": stream.name,
        "description": f"Redis Stream of the {stream.lane} lane, consumer group `memos`.",
        "messages": {_key(stream): {"$ref": MESSAGES + _key(stream)}},
    }


def _inbox() -> dict[str, Any]:
    names = sorted({stream.reply.__name__ for stream in STREAMS} | {"Problem"})
    return {
        "address": None,
        "description": f"The list or pub/sub channel that a command's `replyto` names, under `{REPLY_PREFIX}`.",
        "messages": {name: {"$ref": MESSAGES + name} for name in names},
    }


def _facts() -> dict[str, Any]:
    return {
        "address": FACTS_STREAM,
        "description": "Redis Stream of the newest facts of all tenants; the id of an entry is `<position>-0`.",
        "messages": {model.__name__: {"$ref": MESSAGES + model.__name__} for model in FACTS.values()},
    }


def _following() -> dict[str, Any]:
    return {
        "action": "send",
        "summary": "Tell what has happened, in order and at least once.",
        "channel": {"$ref": "#/channels/facts"},
        "messages": [{"$ref": f"#/channels/facts/messages/{model.__name__}"} for model in FACTS.values()],
    }


def _operation(stream: Stream) -> dict[str, Any]:
    replies = [stream.reply.__name__, "Problem"]
    return {
        "action": "receive",
        "summary": stream.command.__doc__,
        "channel": {"$ref": f"#/channels/{stream.name}"},
        "messages": [{"$ref": f"#/channels/{stream.name}/messages/{_key(stream)}"}],
        "reply": {
            "address": {"location": "$message.payload#/replyto"},
            "channel": {"$ref": "#/channels/reply"},
            "messages": [{"$ref": f"#/channels/reply/messages/{name}"} for name in replies],
        },
    }


def _messages() -> dict[str, Any]:
    commands = {_key(stream): _message(_key(stream), [stream.event_type]) for stream in STREAMS}
    replies: dict[str, list[str]] = {"Problem": [PROBLEM_TYPE]}
    for stream in STREAMS:
        replies.setdefault(stream.reply.__name__, []).append(stream.reply_type)
    facts = {model.__name__: _message(model.__name__, [kind]) for kind, model in FACTS.items()}
    return commands | {name: _message(name, kinds) for name, kinds in replies.items()} | facts


def _message(model: str, kinds: list[str]) -> dict[str, Any]:
    told = {"properties": {"type": {"enum": kinds}, "data": {"$ref": SCHEMAS + model}}, "required": ["data"]}
    return {
        "name": model,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {"allOf": [{"$ref": SCHEMAS + "Envelope"}, told]},
    }
