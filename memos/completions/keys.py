"""What tells requests to a model apart: the key of an answer, and the surroundings of a question."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

VERSION = 1
"""Part of every key: raised when the same request is to have another key than before."""

UNHEEDED = frozenset({"stream", "stream_options", "user", "metadata", "store", "service_tier", "safety_identifier"})
UNHEEDED_BEGINNING = "prompt_cache_"
"""Fields of a request that change nothing in the answer, and what the names of further such fields begin with."""

LONGEST_QUESTION = 2000
"""Characters of the longest text that is taken for a question."""

_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


class Surroundings(NamedTuple):
    """A question, and the digest of everything else that its answer depends on."""

    context: str
    question: str


def key_of(request: Mapping[str, Any], upstream: str = "") -> str:
    """The key of the answer to a request for a chat completion: SHA-256 in hexadecimal, 64 characters.

    The same for requests that say the same: the order of fields, `null` for an absent field of the request or of
    a message, and 1.0 for 1 make no difference. Texts count as they are, to the last blank.
    """
    return _digest("chat", upstream, _heeded(request))


def embedding_key(model: str, options: Mapping[str, Any], content: str | Sequence[int], upstream: str = "") -> str:
    """The key of the embedding of one input, told apart as requests for completions are."""
    return _digest("embedding", upstream, [model, _heeded(options), content])


def surroundings_of(request: Mapping[str, Any], upstream: str = "") -> Surroundings | None:
    """The last message of a user as a question, and its surroundings; none when it is not wholly text.

    Nor when it is blank or longer than `LONGEST_QUESTION`: such a request is answered by its own answer alone.
    """
    messages: Sequence[Mapping[str, Any]] = request["messages"]
    place = max((at for at, message in enumerate(messages) if message.get("role") == "user"), default=None)
    if place is None or (taken := _taken(messages[place].get("content"))) is None:
        return None
    question, left = taken
    if not question.strip() or len(question) > LONGEST_QUESTION:
        return None
    around = [*messages[:place], {**messages[place], "content": left}, *messages[place + 1 :]]
    return Surroundings(_digest("context", upstream, _heeded({**request, "messages": around})), question)


def _taken(content: object) -> tuple[str, list[dict[str, Any]] | None] | None:
    """The text of a message, and what is left of its parts without it; none of one that is more than text."""
    if isinstance(content, str):
        return content, None
    if not isinstance(content, list) or not all(_is_text(part) for part in content):
        return None
    text = "\n".join(part["text"] for part in content)
    return text, [{name: value for name, value in part.items() if name != "text"} for part in content]


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _heeded(request: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request changes the answer, without what is absent."""
    return {
        name: [*_without_absent(value)] if name == "messages" else value
        for name, value in request.items()
        if value is not None and name not in UNHEEDED and not name.startswith(UNHEEDED_BEGINNING)
    }


def _without_absent(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        yield {name: value for name, value in message.items() if value is not None}


def _digest(kind: str, upstream: str, said: object) -> str:
    return hashlib.sha256(_json([VERSION, kind, upstream, _canonical(said)]).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """A JSON value with one form of each number."""
    kind = type(value)
    if kind is dict:
        return {name: _canonical(item) for name, item in value.items()}
    if kind is list:
        return [_canonical(item) for item in value]
    if kind is float and value.is_integer():
        return int(value)
    return value
