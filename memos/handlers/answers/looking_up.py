"""Handler of the command that looks for the answer to a request in the cache."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic_core import from_json

from memos.answering import Questions
from memos.completions import key_of
from memos.errors import MemosError, Unavailable
from memos.events.answers import AnswerLookedUp, LookUpAnswer
from memos.handlers.answers.alike import like_answer
from memos.handlers.answers.calls import count
from memos.handlers.answers.sources import comes_of, resolved, still_holds
from memos.ports import Answers, Embedder, Provenance, Usage
from memos.records import Call, KeptAnswer, Looked, LookedUp, Origin

log = logging.getLogger(__name__)


async def look_up_answer(
    command: LookUpAnswer,
    *,
    origin: Origin,
    answers: Answers,
    provenance: Provenance,
    usage: Usage,
    questions: Questions,
    embedder: Embedder,
    cache_threshold: float | None,
) -> AnswerLookedUp:
    """Look for an answer that may be given now; where there is none, say who is to make it.

    Who holds the lease of the request's own answer looks among others, so that of many who ask at once one does.
    Raises `InvalidCommand` for sources that are not there, and `Unavailable`.
    """
    tenant, key = origin.tenant, key_of(command.request, command.upstream)
    may_be_given = partial(_may_be_given, command, tenant, answers=answers, provenance=provenance)
    found = await _own(command, origin, key, may_be_given, answers)
    if found.answer:
        await count(tenant, Call(command.agent_id, "chat", "hit", found.answer.usage), usage)
        return _given("hit", found.answer)
    if found.pending:
        return AnswerLookedUp(status="pending", key=key)
    held = origin.command_id if found.leased else None
    seek_like = partial(like_answer, answers=answers, questions=questions, embedder=embedder)
    like = await seek_like(command, tenant, cache_threshold, may_be_given)
    if like.answer:
        await _release(tenant, key, held, answers)
        await count(tenant, Call(command.agent_id, "chat", "semantic", like.answer.usage), usage)
        return _given("semantic", like.answer, asked=like.asked, likeness=like.likeness)
    sources = await _sources(command, tenant, key, held, answers=answers, provenance=provenance)
    at, refused = found.moment, like.refused
    return AnswerLookedUp(status="miss", key=key, lease=held, refused=refused, sources=sources, moment=at)


async def _own(
    command: LookUpAnswer,
    origin: Origin,
    key: str,
    may_be_given: Callable[[KeptAnswer], Awaitable[bool]],
    answers: Answers,
) -> LookedUp:
    """The answer to the very request, if it may be given, or else who is to make it."""
    lease, seconds = (origin.command_id, command.lease_seconds) if command.lease_seconds else (None, 0)
    seek = partial(answers.look_up, origin.tenant, key, lease=lease, lease_seconds=seconds)
    found = await seek(fresh=command.refresh)
    if found.answer is None or await may_be_given(found.answer):
        return found
    return await seek(fresh=True)


async def _may_be_given(
    command: LookUpAnswer, tenant: str, kept: KeptAnswer, *, answers: Answers, provenance: Provenance
) -> bool:
    """Whether an answer is as fresh as is asked, and made from what the command names and still is as it was.

    If that is not as it was, the answer goes. When the ledger does not answer it may not be given, and stays.
    """
    if not _is_fresh(kept, command) or not comes_of(kept, command.sources):
        return False
    try:
        if await still_holds(tenant, kept, provenance):
            return True
    except Unavailable as error:
        log.warning("A cached answer is not given, for nothing tells whether it still holds: %s", error)
        return False
    await answers.forget(tenant, [kept.key])
    return False


def _is_fresh(kept: KeptAnswer, command: LookUpAnswer) -> bool:
    now = datetime.now(UTC)
    age, left = (now - kept.created_at).total_seconds(), (kept.expires_at - now).total_seconds()
    return (command.max_age is None or max(age, 0) < command.max_age) and left >= (command.min_fresh or 0)


def _given(status: Looked, kept: KeptAnswer, **alike: Any) -> AnswerLookedUp:
    return AnswerLookedUp.model_construct(
        status=status,
        key=kept.key,
        answer=from_json(kept.document),
        created_at=kept.created_at,
        expires_at=kept.expires_at,
        sources=[*map(str, kept.sources)],
        **alike,
    )


async def _sources(
    command: LookUpAnswer, tenant: str, key: str, lease: str | None, *, answers: Answers, provenance: Provenance
) -> list[str]:
    """What the answer is to be made from, as it is now; who names what is not there does not keep a lease."""
    try:
        sources, _ = await resolved(tenant, command.sources, provenance)
    except MemosError:
        await _release(tenant, key, lease, answers)
        raise
    return [*map(str, sources)]


async def _release(tenant: str, key: str, lease: str | None, answers: Answers) -> None:
    if lease is not None:
        await answers.release(tenant, key, lease)
