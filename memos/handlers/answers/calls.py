"""Counting the calls of models, made and saved; a count that fails is logged, and never fails the call."""

import logging
from collections.abc import Mapping
from typing import Any

from memos.completions import estimated_tokens, tokens_in
from memos.errors import Unavailable
from memos.ports import Usage
from memos.records import Call, CallUsage

log = logging.getLogger(__name__)

LONGEST_NAME = 255
"""Characters of the name of a model by which its calls are counted."""


async def count(tenant: str, call: Call, usage: Usage) -> None:
    """Count a call today."""
    try:
        await usage.count(tenant, [call])
    except Unavailable as error:
        log.warning("A call of a model is not counted: %s", error)


def name_of(model: str) -> str:
    """The name by which the calls of a model are counted and its answers forgotten."""
    return model[:LONGEST_NAME]


def usage_of(request: Mapping[str, Any], answer: Mapping[str, Any], seconds: float) -> CallUsage:
    """What a chat completion cost, by the server's count of tokens, or else about."""
    tokens = tokens_in(answer)
    prompt, completion = tokens if any(tokens) else estimated_tokens(request, answer)
    return CallUsage(name_of(request["model"]), prompt, completion, seconds)
