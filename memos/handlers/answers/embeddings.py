"""Handlers of the commands that look for embeddings in the cache, and keep them."""

import base64
import binascii
import math
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic_core import from_json, to_json

from memos.completions import embedding_key
from memos.events.embeddings import (
    CountEmbeddings,
    EmbeddingsCounted,
    EmbeddingsLookedUp,
    EmbeddingsStored,
    LookUpEmbeddings,
    OfEmbeddings,
    StoreEmbeddings,
)
from memos.handlers.answers.calls import count
from memos.ports import Answers, Usage
from memos.records import AnswerDraft, Call, CallUsage, KeptAnswer, Origin


async def look_up_embeddings(
    command: LookUpEmbeddings, *, origin: Origin, answers: Answers, usage: Usage
) -> EmbeddingsLookedUp:
    """Look for the embeddings of inputs; only when all are kept is a call of the model saved, and counted."""
    found = await answers.look_up_many(origin.tenant, _keys(command))
    kept, saved = [one for one in found if one], 0
    if len(kept) == len(found):
        spared = _sum(command.model, kept)
        saved = spared.prompt_tokens
        await count(origin.tenant, Call(command.agent_id, "embeddings", "hit", spared), usage)
    results = [from_json(one.document) if one else None for one in found]
    return EmbeddingsLookedUp.model_construct(results=results, saved_prompt_tokens=saved)


async def store_embeddings(
    command: StoreEmbeddings, *, origin: Origin, answers: Answers, usage: Usage
) -> EmbeddingsStored:
    """Keep those of the embeddings that are some, and count the call."""
    drafts = [
        AnswerDraft(key, "embeddings", to_json(embedding), spent, ttl=None, sources=())
        for key, embedding, spent in zip(_keys(command), command.embeddings, _shares(command), strict=True)
        if _is_embedding(embedding)
    ]
    kept = await answers.keep(origin.tenant, drafts, seconds=command.seconds) if drafts else []
    await count(origin.tenant, _call(command, "miss"), usage)
    return EmbeddingsStored(stored=sum(isinstance(until, datetime) for until in kept))


async def count_embeddings(command: CountEmbeddings, *, origin: Origin, usage: Usage) -> EmbeddingsCounted:
    """Count a call of which nothing is kept, if there was one, and those who shared in what it came to."""
    await count(origin.tenant, _call(command, command.outcome), usage)
    return EmbeddingsCounted()


def _call(command: StoreEmbeddings | CountEmbeddings, outcome: Literal["miss", "error", "none"]) -> Call:
    spent = CallUsage(command.model, command.prompt_tokens, 0, command.seconds)
    return Call(command.agent_id, "embeddings", outcome, spent, command.shared)


def _keys(command: OfEmbeddings) -> list[str]:
    return [embedding_key(command.model, command.options, one, command.upstream) for one in command.inputs]


def _is_embedding(embedding: Sequence[float] | str) -> bool:
    """Whether it is numbers, or finite numbers of 32 bits in Base64."""
    if not isinstance(embedding, str):
        return bool(embedding)
    try:
        numbers = base64.b64decode(embedding, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(numbers) and len(numbers) % 4 == 0 and _are_finite(numbers)


def _are_finite(numbers: bytes) -> bool:
    return all(math.isfinite(number) for (number,) in struct.iter_unpack("<f", numbers))


def _shares(command: StoreEmbeddings) -> list[CallUsage]:
    """What each input cost, by its length; together all that the call did."""
    lengths = [len(one) for one in command.inputs]
    whole, before, counted = max(sum(lengths), 1), 0, 0
    shares = []
    for length in lengths:
        before += length
        tokens = command.prompt_tokens * before // whole - counted
        counted += tokens
        shares.append(CallUsage(command.model, tokens, 0, command.seconds * length / whole))
    return shares


def _sum(model: str, kept: Sequence[KeptAnswer]) -> CallUsage:
    tokens = sum(one.usage.prompt_tokens for one in kept)
    return CallUsage(model, tokens, 0, sum(one.usage.seconds for one in kept))
