"""Requests as they are read: what the cache is to know of them, and what goes to the server behind."""

import hashlib
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from fastapi import Request
from pydantic_core import from_json, to_json

from memos.api.proxy.directives import FIELD, Directives, Mode, directives_of
from memos.api.proxy.upstream import Pairs, Upstream
from memos.completions import finite, key_of
from memos.errors import InvalidCommand
from memos.events.embeddings import MOST_INPUTS
from memos.events.envelope import DEFAULT_TENANT


class Asked(NamedTuple):
    """A request: its body without what is memOS's own, and of how many bytes it was.

    `upstream` is the server as the cache knows it, `headers` are what it gets of those of the request.
    """

    body: dict[str, Any]
    size: int
    headers: Pairs
    directives: Directives
    agent_id: str
    upstream: str
    tenant: str = DEFAULT_TENANT

    @property
    def model(self) -> str:
        """The model that is asked."""
        return str(self.body.get("model", ""))

    def sent(self, **fields: Any) -> bytes:
        """The body for the server, with some fields in the place of others.

        It is written anew, so that the server reads it as it was read here: a name that came twice is in it once.
        """
        return to_json({**self.body, **fields})

    def identity(self, key: str) -> Hashable | None:
        """What those have in common who may share an answer under way; nothing when none may."""
        return None if self.directives.alone else (self.tenant, key, self.headers, self.directives)


class Chat(NamedTuple):
    """A request for a chat completion. `key` is that of its answer; `streams` and `counts` say how it is wanted."""

    asked: Asked
    key: str
    streams: bool
    counts: bool

    @property
    def choices(self) -> int:
        """How many answers to choose from are asked for."""
        number = self.asked.body.get("n")
        return number if isinstance(number, int) else 1

    def sent(self, counting: bool) -> bytes:
        """The body for the server, which is asked to count the tokens of a stream where `counting` says so."""
        if not self.streams or self.counts or not counting:
            return self.asked.sent()
        options = self.asked.body.get("stream_options")
        told = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        return self.asked.sent(stream_options=told)


class Inputs(NamedTuple):
    """A request for embeddings: each of its inputs, and the other fields that tell embeddings apart."""

    asked: Asked
    inputs: list[str | list[int]]
    options: dict[str, Any]

    @property
    def key(self) -> str:
        """What requests for the same embeddings have in common."""
        told = [self.asked.upstream, self.asked.model, self.options, self.inputs]
        return hashlib.sha256(to_json(told)).hexdigest()

    def sent(self, missing: list[int]) -> bytes:
        """The body for the server, with the inputs at these places alone."""
        if len(missing) == len(self.inputs):
            return self.asked.sent()
        return self.asked.sent(input=[self.inputs[place] for place in missing])


async def read_asked(request: Request, upstream: Upstream, default: Mode) -> Asked:
    """A request as it came. Raises `InvalidCommand` for no object, or where it speaks wrongly of the cache."""
    raw = await request.body()
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidCommand(f"The body is no valid JSON: {error}. Send an object in UTF-8.") from error
    if not isinstance(body, dict):
        raise InvalidCommand("The body is no JSON object. Send one, as OpenAI's API describes it.")
    if not finite(body):
        raise InvalidCommand("The body is no valid JSON: a number in it is too large to be read.")
    directives, agent_id = directives_of(request.headers, body.pop(FIELD, None), default)
    headers = upstream.headers_for(request.headers)
    return Asked(body, len(raw), headers, directives, agent_id, upstream.identity(request.headers))


def chat_in(asked: Asked) -> Chat | None:
    """The request for a completion; none when it is not sound, which the server itself is to say."""
    body, messages = asked.body, asked.body.get("messages")
    sound = isinstance(messages, list) and messages and all(isinstance(message, dict) for message in messages)
    if not sound or not _has_model(body):
        return None
    options = body.get("stream_options")
    counts = isinstance(options, dict) and options.get("include_usage") is True
    return Chat(asked, key_of(body, asked.upstream), body.get("stream") is True, counts)


def inputs_in(asked: Asked) -> Inputs | None:
    """The request for embeddings; none when it is not sound, which the server itself is to say."""
    given = asked.body.get("input")
    inputs: Any = [given] if isinstance(given, str) or _are_tokens(given) else given
    if not isinstance(inputs, list) or not all(isinstance(one, str) or _are_tokens(one) for one in inputs):
        return None
    if not 0 < len(inputs) <= MOST_INPUTS or not _has_model(asked.body):
        return None
    options = {name: value for name, value in asked.body.items() if name not in {"model", "input", "user"}}
    return Inputs(asked, inputs, options)


def _has_model(body: Mapping[str, Any]) -> bool:
    return isinstance(body.get("model"), str) and bool(body["model"])


def _are_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)
