"""The LLM cache in Redis."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from memos.records import (
    AnswerDraft,
    AnswerSource,
    CachePolicy,
    CacheSize,
    KeptAnswer,
    KeptQuestion,
    LookedUp,
    Unkept,
)
from memos.stores.answer_drafts import (
    SOURCE_BYTES,
    about,
    is_found_by_question,
    kept_answer,
    kept_questions,
    question_group,
    source_place,
    time_of,
)
from memos.stores.lua import Argument, Run, load_script, reached, run, run_all

SCRIPTS = (
    "bar",
    "count_in",
    "forget",
    "forget_all_in",
    "keep",
    "look_up",
    "look_up_many",
    "questions",
    "release",
    "renew",
    "size",
)

LEASED, PENDING = 1, 2
"""What a look-up that finds nothing says of the lease."""

MOST_TOGETHER = 256
"""Answers that are sent to be kept together."""

NO_ROOM = 0
UNKEPT: Mapping[int, Unkept] = {NO_ROOM: "no-room", -1: "forgotten", -2: "sources"}
"""What keeping an answer says when it is not kept."""

BARRED_SECONDS = 3600
"""How long answers that were under way when they were forgotten are not kept: longer than any call takes."""

MOST_FORGOTTEN = 500
"""Answers that one script forgets; others have their turn between two."""

EVERYTHING = ""
"""Stands for all answers where others are named by a set that they are in."""

MICROSECONDS = 1_000_000

WHAT = "The cache of answers"


class RedisAnswers:
    """Fulfils the port `Answers`. All keys of a tenant have its hash tag, and end by themselves.

    `draw` gives numbers from 0 to 1, which decide how much sooner than asked an answer ends.
    """

    def __init__(self, redis: Redis, policy: CachePolicy, *, draw: Callable[[], float] = random.random) -> None:
        self._redis = redis
        self._policy = policy
        self._draw = draw
        self._scripts = {name: load_script("answers_accounts.lua", f"answers_{name}.lua") for name in SCRIPTS}

    async def look_up(
        self, tenant: str, key: str, *, lease: str | None = None, lease_seconds: float = 0, fresh: bool = False
    ) -> LookedUp:
        """The answer under a key, or who makes it; one round trip."""
        asked = (key, self._policy.eviction, "1" if fresh else "", lease or "", _milliseconds(lease_seconds))
        with reached(WHAT):
            for _ in range(2):
                found = await self._run("look_up", tenant, *asked)
                if isinstance(found[0], int):
                    state, at = found
                    return LookedUp(None, leased=state == LEASED, pending=state == PENDING, moment=at)
                if answer := kept_answer(key, found):
                    return LookedUp(answer)
                await self._run("forget", tenant, key)  # it is broken: somebody is to make it anew
        return LookedUp(None)

    async def look_up_many(self, tenant: str, keys: Sequence[str]) -> list[KeptAnswer | None]:
        """The answers under keys, in order; one round trip."""
        if not keys:
            return []
        with reached(WHAT):
            found = await self._run("look_up_many", tenant, self._policy.eviction, *keys)
        return [
            kept_answer(key, one) if isinstance(one, list) else None for key, one in zip(keys, found, strict=True)
        ]

    async def keep(
        self,
        tenant: str,
        drafts: Sequence[AnswerDraft],
        *,
        lease: str | None = None,
        moment: int | None = None,
        seconds: float = 0,
    ) -> list[datetime | Unkept]:
        """Keep answers; one round trip for each 256."""
        begun = [BARRED_SECONDS * MICROSECONDS, "" if moment is None else moment, round(seconds * MICROSECONDS)]
        leases = [lease or "", *[""] * len(drafts)]
        runs = [self._keeping(tenant, draft, held, begun) for draft, held in zip(drafts, leases, strict=False)]
        found: list[int] = []
        with reached(WHAT):
            for start in range(0, len(runs), MOST_TOGETHER):
                found += await run_all(self._redis, runs[start : start + MOST_TOGETHER])
        return [UNKEPT.get(ends) or time_of(ends) for ends in found]

    async def renew(self, tenant: str, key: str, lease: str, seconds: float) -> bool:
        """Keep a lease; one that had ended, and is nobody's, is held again."""
        with reached(WHAT):
            return bool(await self._run("renew", tenant, key, lease, _milliseconds(seconds)))

    async def release(self, tenant: str, key: str, lease: str) -> None:
        """Give back a lease, unless it is another's by now."""
        with reached(WHAT):
            await self._run("release", tenant, key, lease)

    async def bar(
        self,
        tenant: str,
        *,
        keys: Sequence[str] = (),
        sources: Sequence[AnswerSource] = (),
        models: Sequence[str] = (),
        everything: bool = False,
    ) -> None:
        """Have answers that are under way now not be kept."""
        barred = [*(f"key:{key}" for key in keys), *_sets(sources), *map(_set_of_model, models)]
        with reached(WHAT):
            await self._run("bar", tenant, _milliseconds(BARRED_SECONDS), *barred, *[EVERYTHING] * everything)

    async def forget(self, tenant: str, keys: Sequence[str]) -> int:
        """Forget answers; return how many there were."""
        forgotten = 0
        with reached(WHAT):
            for start in range(0, len(keys), MOST_FORGOTTEN):
                forgotten += await self._run("forget", tenant, *keys[start : start + MOST_FORGOTTEN])
        return forgotten

    async def forget_made_from(self, tenant: str, sources: Sequence[AnswerSource]) -> int:
        """Forget all answers that were made from any of these."""
        return await self._forget_all_in(tenant, _sets(sources))

    async def count_made_from(self, tenant: str, sources: Sequence[AnswerSource]) -> int:
        """How many answers were made from any of these."""
        if not sources:
            return 0
        with reached(WHAT):
            count: int = await self._run("count_in", tenant, *_sets(sources))
        return count

    async def forget_model(self, tenant: str, model: str | None) -> int:
        """Forget all answers of a model, or of the tenant."""
        return await self._forget_all_in(tenant, [EVERYTHING if model is None else _set_of_model(model)])

    async def questions(
        self, tenant: str, context: str, embedding_model: str, after: int, limit: int
    ) -> list[KeptQuestion]:
        """Questions with revisions above `after`, in order; a revision is a microsecond of the server's clock."""
        with reached(WHAT):
            group = question_group(context, embedding_model)
            return kept_questions(await self._run("questions", tenant, group, after, limit))

    async def size(self, tenant: str) -> CacheSize:
        """How much is kept; what ended a moment ago may still count."""
        with reached(WHAT):
            return CacheSize(*(int(number) for number in await self._run("size", tenant)))

    async def _forget_all_in(self, tenant: str, sets: Sequence[str]) -> int:
        forgotten, more = 0, bool(sets)
        with reached(WHAT):
            while more:
                number, more = await self._run("forget_all_in", tenant, MOST_FORGOTTEN, *sets)
                forgotten += number
        return forgotten

    def _keeping(self, tenant: str, draft: AnswerDraft, lease: str, begun: Sequence[Argument]) -> Run:
        """The script that keeps an answer, or, since it is too large, gives back the lease alone."""
        if len(draft.document) > self._policy.answer_bytes:
            return Run(self._scripts["release"], _prefix(tenant), [draft.key, lease])
        ttl = self._policy.ttl if draft.ttl is None else draft.ttl
        question = (draft.question or "", draft.vector or b"") if is_found_by_question(draft) else ("", b"")
        arguments: list[Argument] = [
            draft.key,
            self._policy.eviction,
            self._policy.most_bytes,
            _milliseconds(ttl * (1 - self._draw() * self._policy.jitter)),
            lease,
            about(draft),
            draft.document,
            *question,
            *begun,
            SOURCE_BYTES,
        ]
        return Run(self._scripts["keep"], _prefix(tenant), arguments)

    async def _run(self, name: str, tenant: str, *arguments: Argument) -> Any:
        return await run(self._redis, Run(self._scripts[name], _prefix(tenant), arguments))


def _prefix(tenant: str) -> str:
    """What the keys of a tenant begin with."""
    return f"memos:cache:{{{tenant}}}:"


def _sets(sources: Sequence[AnswerSource]) -> list[str]:
    return [f"source:{place}" for place in dict.fromkeys(map(source_place, sources))]


def _set_of_model(model: str) -> str:
    return f"model:{model}"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
