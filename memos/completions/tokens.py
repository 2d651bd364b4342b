"""How many tokens a call of a model took."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

CHARACTERS_PER_TOKEN = 4
MOST_TOKENS = 10**9
"""More than any model takes; a server that says so is not believed."""


def tokens_in(answer: Mapping[str, Any]) -> tuple[int, int]:
    """The tokens of the prompt and of the completion, as the server counted them; 0 where it did not."""
    usage = answer.get("usage")
    if not isinstance(usage, Mapping):
        return 0, 0
    prompt, completion, total = (
        _counted(usage.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    return prompt, completion or max(total - prompt, 0)


def estimated_tokens(request: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[int, int]:
    """About how many they were, where the server does not count: one for four characters of text, rounded up.

    The rule of thumb that OpenAI publishes for English. Pictures and sounds are not counted.
    """
    tools = request.get("tools")
    asked = sum(map(len, _texts(request.get("messages")))) + (len(json.dumps(tools)) if tools else 0)
    said = sum(map(len, _texts(answer.get("choices"))))
    return -(-asked // CHARACTERS_PER_TOKEN), -(-said // CHARACTERS_PER_TOKEN)


def _counted(value: object) -> int:
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else 0


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """The texts in messages or choices that a model reads or writes."""
    if isinstance(value, str):
        if name in {"content", "text", "name", "arguments", "refusal"}:
            yield value
    elif isinstance(value, Mapping):
        for field, item in value.items():
            yield from _texts(item, field)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
