"""One computation for all who ask a language model the same at once, in whichever process they are."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from math import ceil
from time import perf_counter
from typing import Any, Protocol, Unpack

from memos.client.options import AnsweringOptions, CallOfChat, KeepingOptions, LookUpOptions, ReleaseOptions
from memos.completions import key_of, tokens_in
from memos.errors import MemosError
from memos.events.answers import AnswerLookedUp, AnswerReleased, AnswerStored, LeaseRenewed
from memos.waiting import ended

log = logging.getLogger(__name__)

Compute = Callable[[], Awaitable[Mapping[str, Any]]]
"""Calls a model; returns its answer."""

LEASE_SECONDS = 30.0
RENEWALS = 3
"""How often a lease is renewed within the time for which it was given."""

FIRST_PAUSE = 0.03
LONGEST_PAUSE = 0.5
"""Seconds between two looks for an answer that another makes; they double from the first."""

RELEASING_PATIENCE = 5.0
"""Seconds that a failure may be held up by giving the lease back, which ends by itself later."""


class KeptAnswers(Protocol):
    """Where answers are kept: `client.llm`."""

    async def look_up(self, request: Mapping[str, Any], **options: Unpack[LookUpOptions]) -> AnswerLookedUp:
        """What is kept for a request."""
        ...

    async def store(
        self, request: Mapping[str, Any], answer: Mapping[str, Any], **options: Unpack[KeepingOptions]
    ) -> AnswerStored:
        """Keep an answer."""
        ...

    async def renew(self, key: str, lease: str, *, lease_seconds: float = 30.0) -> LeaseRenewed:
        """Keep a lease."""
        ...

    async def release(
        self, request: Mapping[str, Any], *, timeout: float | None = None, **options: Unpack[ReleaseOptions]
    ) -> AnswerReleased:
        """Give a lease back."""
        ...


class SingleFlight:
    """The way to one answer: found, waited for, or computed under a lease and then kept."""

    def __init__(
        self, cache: KeptAnswers, request: Mapping[str, Any], compute: Compute, options: AnsweringOptions
    ) -> None:
        self._cache = cache
        self._request = request
        self._compute = compute
        self._options = options
        self._lease_seconds = options.get("lease_seconds", LEASE_SECONDS)

    async def answer(self) -> AnswerLookedUp:
        """The answer as it was found, or as a miss that has one. Raises what computing it raises."""
        try:
            looked = await self._looked_up()
        except MemosError as error:
            if not error.transient:
                raise
            log.warning("An answer is computed without the cache: %s", error)
            key = key_of(self._request, self._options.get("upstream", ""))
            return AnswerLookedUp(status="miss", key=key, answer=dict(await self._compute()))
        if looked.answer is not None:
            return looked
        return looked.model_copy(update={"answer": await self._computed(looked)})

    async def _looked_up(self) -> AnswerLookedUp:
        """What is found once nobody else computes it."""
        asked = self._those_of(LookUpOptions)
        refreshing, begun, pause = asked.get("refresh"), perf_counter(), FIRST_PAUSE
        while True:
            looked = await self._cache.look_up(self._request, **{**asked, "lease_seconds": self._lease_seconds})
            if looked.status != "pending":
                return looked
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            if refreshing:  # what another has made since then is fresh
                asked.update(refresh=False, max_age=ceil(perf_counter() - begun))

    async def _computed(self, looked: AnswerLookedUp) -> dict[str, Any]:
        """What the model answers, kept if it can be. Whatever ends this gives the lease back."""
        begun = perf_counter()
        try:
            async with self._renewed(looked):
                answer = dict(await self._compute())
            await self._keep(looked, answer, perf_counter() - begun)
        except asyncio.CancelledError:
            await self._release(looked, outcome="none")
            raise
        except Exception:
            await self._release(looked, outcome="error", seconds=perf_counter() - begun)
            raise
        return answer

    async def _keep(self, looked: AnswerLookedUp, answer: dict[str, Any], seconds: float) -> None:
        """Store an answer; whoever asked has it also when it cannot be kept."""
        told = {"lease": looked.lease, "sources": looked.sources, "moment": looked.moment, "seconds": seconds}
        try:
            await self._cache.store(self._request, answer, **{**self._those_of(KeepingOptions), **told})
        except MemosError as error:
            log.warning("An answer could not be kept: %s", error)
            prompt, completion = tokens_in(answer)
            tokens = {"prompt_tokens": prompt, "completion_tokens": completion}
            await self._release(looked, outcome="miss", seconds=seconds, **tokens)

    async def _release(self, looked: AnswerLookedUp, **told: Any) -> None:
        """Give the lease back; when that cannot be said it ends by itself."""
        options = {**self._those_of(CallOfChat), "lease": looked.lease, **told}
        try:
            await self._cache.release(self._request, timeout=RELEASING_PATIENCE, **options)
        except MemosError as error:
            log.warning("The lease of an answer could not be given back, and ends by itself: %s", error)

    @asynccontextmanager
    async def _renewed(self, looked: AnswerLookedUp) -> AsyncIterator[None]:
        """Keep the lease, if there is one, as long as this lasts."""
        renewing = asyncio.create_task(self._renew(looked.key, looked.lease)) if looked.lease else None
        try:
            yield
        finally:
            await ended([renewing] if renewing else [], 0)

    async def _renew(self, key: str, lease: str) -> None:
        held = True
        while held:
            await asyncio.sleep(self._lease_seconds / RENEWALS)
            try:
                held = (await self._cache.renew(key, lease, lease_seconds=self._lease_seconds)).held
            except MemosError as error:
                log.warning("The lease of an answer could not be renewed: %s", error)

    def _those_of(self, kind: Any) -> dict[str, Any]:
        """The options that are among those of a kind."""
        return {name: value for name, value in self._options.items() if name in kind.__annotations__}
