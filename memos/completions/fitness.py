"""Whether an answer of a model may be kept."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

WHOLE = frozenset({"stop", "length", "tool_calls", "function_call"})
"""Reasons for which a model finishes what it says; for any other it was stopped."""


def unfit(answer: object, wanted: int = 1) -> str | None:
    """Why an answer may not be kept, as a clause about it; none when it may. `wanted` is the `n` of the request."""
    if not isinstance(answer, Mapping):
        return "is not an object"
    if answer.get("error"):
        return "has an error"
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return "has no choices"
    if len(choices) < wanted:
        return f"has {len(choices)} of {wanted} choices"
    if not finite(answer):
        return "has a number that JSON has not"
    return next((f"has a choice that {why}" for choice in choices if (why := _unfit_choice(choice))), None)


def finite(value: object) -> bool:
    """Whether all numbers in what was read from JSON are ones that JSON can say; 1e999 is read as infinity."""
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return True


def _unfit_choice(choice: Any) -> str | None:
    if not isinstance(choice, Mapping) or not isinstance(choice.get("message"), Mapping):
        return "has no message"
    if choice.get("error"):
        return "has an error"
    reason = choice.get("finish_reason")
    if not isinstance(reason, str):
        return "did not come to its end"
    if reason not in WHOLE:
        return f"ended by {reason[:64]!r}"
    return _unfit_message(choice["message"])


def _unfit_message(message: Mapping[str, Any]) -> str | None:
    calls = message.get("tool_calls")
    if calls and not (isinstance(calls, list) and all(_is_call(call) for call in calls)):
        return "has a tool call that names no function"
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        return "has a content that is neither a text nor a list"
    said = content.strip() if isinstance(content, str) else content
    others = (message.get(name) for name in ("function_call", "refusal", "audio"))
    return None if said or calls or any(others) else "says nothing"


def _is_call(call: Any) -> bool:
    if not isinstance(call, Mapping):
        return False
    if (function := call.get("function")) is None:
        return isinstance(call.get("custom"), Mapping)
    return isinstance(function, Mapping) and bool(function.get("name"))
