"""What a model has answered, read from the body of an OpenAI-compatible server's response."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from devenviro.texts import legible

MOST_TOKENS = 2**40
"""What one answer can have taken at most; a count that is none, or is out of bounds, counts as no tokens."""

LONGEST_REASON = 300


class ModelFailed(Exception):
    """A model could not be asked, did not answer in time, or not with what can be used."""


class _Read(BaseModel):
    """A part of a body; servers add fields of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


def _text(given: object) -> object:
    """A text, also one that is given in parts, or not at all."""
    if isinstance(given, list) and all(isinstance(part, dict) and "text" in part for part in given):
        given = "".join(str(part["text"]) for part in given)
    return legible(given) if isinstance(given, str) else given


def _arguments(given: object) -> object:
    """Arguments as JSON; some servers give them as an object, or none."""
    if given is None or isinstance(given, dict):
        given = json.dumps(given or {})
    return _text(given) or "{}"


def _counted(given: object) -> int:
    counted = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MOST_TOKENS
    return given if counted and isinstance(given, int) else 0


def _usage(given: object) -> object:
    return given if isinstance(given, dict) else {}


def _id(given: object) -> object:
    return _text(given) or f"call_{uuid4().hex}"


Text: TypeAlias = Annotated[str, BeforeValidator(_text)]


class _Function(_Read):
    name: Annotated[Text, Field(min_length=1)]
    arguments: Annotated[str, BeforeValidator(_arguments)] = "{}"


class _Call(_Read):
    id: Annotated[str, BeforeValidator(_id), Field(validate_default=True)] = ""
    type: str = "function"
    function: _Function | None = None


class _Message(_Read):
    content: Text | None = None
    tool_calls: list[_Call] | None = None


class _Choice(_Read):
    message: _Message


class _Usage(_Read):
    total_tokens: Annotated[int, BeforeValidator(_counted)] = 0


class _Completion(_Read):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Annotated[_Usage, BeforeValidator(_usage)] = _Usage()


def read_answer(body: bytes) -> tuple[dict[str, Any], int]:
    """The message in the body of a response, as the next request may repeat it, and the tokens that it took.

    Raises `ModelFailed` for a body that is no completion.
    """
    try:
        found = _Completion.model_validate(json.loads(body))
    except ValidationError as error:
        raise ModelFailed(f"The model's answer is no completion: {_wrong(error)}.") from error
    except (ValueError, RecursionError) as error:
        said = legible(" ".join(body[:LONGEST_REASON].decode(errors="replace").split()))
        raise ModelFailed(f"The model answered with what is no JSON: {said}") from error
    message = found.choices[0].message
    return _repeatable(message), found.usage.total_tokens


def _repeatable(message: _Message) -> dict[str, Any]:
    """A message as a request repeats it. Raises `ModelFailed` for the call of no function."""
    kept: dict[str, Any] = {"role": "assistant", "content": message.content or None}
    calls = [call for call in message.tool_calls or [] if call.type == "function"]
    if any(call.function is None for call in calls):
        raise ModelFailed("The model's answer is no completion: one of its calls names no function.")
    return {**kept, "tool_calls": [call.model_dump() for call in calls]} if calls else kept


def _wrong(error: ValidationError) -> str:
    """Where the first thing is that is wrong, and what is."""
    first: Mapping[str, Any] = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "its body"
    what = "Input should be an object" if first["type"] == "model_type" else first["msg"]
    return legible(f"{where}: {what}")[:LONGEST_REASON]
