"""Chat completions as they travel: OpenAI's API, as far as it matters to a model that calls tools."""

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue

CHARACTERS_PER_TOKEN = 4
FinishReason = Literal["stop", "tool_calls", "length"]


class FunctionCalled(BaseModel):
    """A call of a function; `arguments` is JSON."""

    name: str
    arguments: str = "{}"


class CallMade(BaseModel):
    """A call that the model wanted."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCalled


class TextPart(BaseModel):
    """A part of a message; only text says something to this model."""

    type: str
    text: str = ""


class Message(BaseModel):
    """A message of any role."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    tool_calls: list[CallMade] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class FunctionOffered(BaseModel):
    """A function that the model may call; `parameters` is JSON Schema."""

    name: str = Field(min_length=1, max_length=64)
    description: str = ""
    parameters: dict[str, Any] = {}


class ToolOffered(BaseModel):
    """A tool that the model may call."""

    type: Literal["function"]
    function: FunctionOffered


class FunctionNamed(BaseModel):
    """The name of a function."""

    name: str


class ToolNamed(BaseModel):
    """The tool that has to be called."""

    type: Literal["function"]
    function: FunctionNamed


class JsonSchemaNamed(BaseModel):
    """The schema of an answer."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    fields: dict[str, Any] = Field(default={}, alias="schema")


class ResponseFormat(BaseModel):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchemaNamed | None = None


class StreamOptions(BaseModel):
    """Whether a stream ends with what it took."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """What is asked; fields that do not matter to this model are taken and left alone."""

    model: str
    messages: list[Message] = Field(min_length=1)
    tools: list[ToolOffered] = []
    tool_choice: Literal["none", "auto", "required"] | ToolNamed = "auto"
    response_format: ResponseFormat = ResponseFormat()
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: Literal[1] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None

    @property
    def digest(self) -> str:
        """What tells it from others, so that the same request has the same ids in its answer."""
        return sha256(self.model_dump_json(exclude={"stream", "stream_options"}).encode()).hexdigest()


class Said(NamedTuple):
    """What the model says: a text, or the call of a tool by its name, with arguments as JSON."""

    text: str = ""
    tool: str | None = None
    arguments: str = "{}"


class Completion:
    """The answer to a request, whole or in pieces. The same request has the same answer, to the letter."""

    def __init__(self, request: ChatRequest, said: Said) -> None:
        self._request = request
        self._id = request.digest
        most = request.max_completion_tokens or request.max_tokens
        self._text = said.text if most is None else said.text[: most * CHARACTERS_PER_TOKEN]
        self._said = said
        self.reason: FinishReason = "length" if self._text != said.text else "tool_calls" if said.tool else "stop"

    @property
    def usage(self) -> dict[str, int]:
        """Tokens, estimated at one for four characters."""
        asked = [self._request.model_dump_json(include={"messages", "tools"})]
        given = [self._text, self._said.tool or "", self._said.arguments if self._said.tool else ""]
        prompt, completion = tokens_of(asked), tokens_of(given)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    @property
    def whole(self) -> dict[str, JsonValue]:
        """The answer in one piece."""
        message: dict[str, JsonValue] = {"role": "assistant", "content": self._text or None, "refusal": None}
        if self._said.tool:
            message["tool_calls"] = [self._call()]
        choice: JsonValue = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": dict(self.usage)}

    def events(self) -> Iterator[bytes]:
        """The answer as server-sent events, word by word."""
        yield self._chunk({"role": "assistant", "content": None if self._said.tool else ""})
        yield from map(self._chunk, self._deltas())
        yield self._chunk({}, self.reason)
        if self._request.stream_options and self._request.stream_options.include_usage:
            yield event({**self._head("chat.completion.chunk"), "choices": [], "usage": dict(self.usage)})
        yield b"data: [DONE]\n\n"

    def _deltas(self) -> Iterator[dict[str, JsonValue]]:
        if self._said.tool:
            yield {"tool_calls": [{"index": 0, **self._call("")}]}
            for piece in pieces(self._said.arguments):
                yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        else:
            for piece in pieces(self._text):
                yield {"content": piece}

    def _call(self, arguments: str | None = None) -> dict[str, JsonValue]:
        given = self._said.arguments if arguments is None else arguments
        function: dict[str, JsonValue] = {"name": self._said.tool, "arguments": given}
        return {"id": f"call_{self._id[:24]}", "type": "function", "function": function}

    def _chunk(self, delta: dict[str, JsonValue], reason: FinishReason | None = None) -> bytes:
        choice: JsonValue = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, kind: str) -> dict[str, JsonValue]:
        return {"id": f"chatcmpl-{self._id[:24]}", "object": kind, "created": 0, "model": self._request.model}


def event(document: JsonValue) -> bytes:
    """A document as a server-sent event."""
    return b"data: %s\n\n" % json.dumps(document, ensure_ascii=False).encode()


def pieces(text: str) -> list[str]:
    """A text word by word, with the spaces."""
    return re.findall(r"[^ ]* |[^ ]+$", text)


def tokens_of(texts: Sequence[str]) -> int:
    """About how many tokens texts are; never none."""
    return max(1, round(sum(map(len, texts)) / CHARACTERS_PER_TOKEN))
