"""Handlers of the commands that keep the answer to a request, or say that there will be none."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic_core import to_json

from memos.completions import key_of, unfit
from memos.errors import InvalidCommand, Unavailable
from memos.events.answers import AnswerReleased, AnswerStored, ReleaseAnswer, StoreAnswer
from memos.handlers.answers.alike import with_question
from memos.handlers.answers.calls import count, name_of, usage_of
from memos.handlers.answers.sources import resolved
from memos.ports import Answers, Embedder, Provenance, Usage
from memos.records import AnswerDraft, AnswerSource, CachePolicy, Call, CallUsage, Origin, Unkept

log = logging.getLogger(__name__)

KEPT = "The answer is kept."
UNKEPT: Mapping[Unkept, str] = {
    "no-room": "The answer is not kept: the cache has no room for it, see MEMOS_CACHE_BYTES.",
    "forgotten": "The answer is not kept: answers like it were forgotten while it was made, or that took too long.",
    "sources": "The answer is not kept: with those of the answer in its place it has too many sources.",
}


async def store_answer(
    command: StoreAnswer,
    *,
    origin: Origin,
    answers: Answers,
    provenance: Provenance,
    usage: Usage,
    embedder: Embedder,
    cache_policy: CachePolicy,
) -> AnswerStored:
    """Keep an answer that may be kept, give the lease back, and count the call, whatever becomes of the answer.

    Raises `InvalidCommand` for sources that are not there; the lease is given back then too.
    """
    tenant, key = origin.tenant, key_of(command.request, command.upstream)
    spent = usage_of(command.request, command.answer, command.seconds)
    try:
        drafted = await _drafted(command, tenant, key, spent, provenance=provenance, policy=cache_policy)
    except InvalidCommand:
        await _release(tenant, key, command.lease, answers)
        raise
    until, message = await _kept(drafted, command, tenant, key, answers=answers, embedder=embedder)
    await count(tenant, Call(command.agent_id, "chat", "miss", spent, command.shared), usage)
    return AnswerStored(key=key, status="stored" if until else "not-stored", expires_at=until, message=message)


async def _kept(
    drafted: AnswerDraft | str, command: StoreAnswer, tenant: str, key: str, *, answers: Answers, embedder: Embedder
) -> tuple[datetime | None, str]:
    """Until when what is to be kept is kept, and what is said of that; without a draft the lease is given back."""
    if isinstance(drafted, str):
        await _release(tenant, key, command.lease, answers)
        return None, drafted
    draft = await with_question(drafted, command, embedder) if command.semantic else drafted
    [until] = await answers.keep(
        tenant, [draft], lease=command.lease, moment=command.moment, seconds=command.seconds
    )
    return (until, KEPT) if isinstance(until, datetime) else (None, UNKEPT[until])


async def release_answer(
    command: ReleaseAnswer, *, origin: Origin, answers: Answers, usage: Usage
) -> AnswerReleased:
    """Give the lease back, and count the call if there was one, and those who shared in what it came to."""
    tenant, key = origin.tenant, key_of(command.request, command.upstream)
    await _release(tenant, key, command.lease, answers)
    model = name_of(command.request["model"])
    spent = CallUsage(model, command.prompt_tokens, command.completion_tokens, command.seconds)
    await count(tenant, Call(command.agent_id, "chat", command.outcome, spent, command.shared), usage)
    return AnswerReleased(key=key)


async def _drafted(
    command: StoreAnswer,
    tenant: str,
    key: str,
    spent: CallUsage,
    *,
    provenance: Provenance,
    policy: CachePolicy,
) -> AnswerDraft | str:
    """What is to be kept, or why nothing is."""
    wanted = command.request.get("n")
    if why := unfit(command.answer, wanted if isinstance(wanted, int) else 1):
        return f"The answer is not kept: it {why}."
    document = to_json(command.answer)
    if len(document) > policy.answer_bytes:
        most = f"the {policy.answer_bytes} bytes that MEMOS_CACHE_ANSWER_BYTES allows"
        return f"The answer is not kept: it is larger than {most}."
    sources = await _sources(command, tenant, provenance)
    if isinstance(sources, str):
        return sources
    return AnswerDraft(key, "chat", document, spent, command.ttl, sources)


async def _sources(command: StoreAnswer, tenant: str, provenance: Provenance) -> Sequence[AnswerSource] | str:
    """What the answer was made from, or why an answer made from it is not kept."""
    try:
        sources, moved = await resolved(tenant, command.sources, provenance)
    except Unavailable as error:
        log.warning("An answer is not kept, for nothing tells whether its sources are as they were: %s", error)
        return "The answer is not kept: the ledger, which knows its sources, does not answer."
    if moved:
        return f"The answer is not kept: what it was made from changed meanwhile: {', '.join(map(str, moved))}."
    return sources


async def _release(tenant: str, key: str, lease: str | None, answers: Answers) -> None:
    if lease is not None:
        await answers.release(tenant, key, lease)
