"""The cache of answers as the proxy asks it, over the bus. While it is away, requests go on without it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from memos.api.proxy.asked import Asked, Chat, Inputs
from memos.api.proxy.flights import Flight
from memos.client.bus import Bus
from memos.client.ids import uuid7
from memos.completions import estimated_tokens, tokens_in
from memos.errors import MemosError
from memos.events.answers import LookUpAnswer, ReleaseAnswer, RenewLease, StoreAnswer
from memos.events.commands import Command
from memos.events.embeddings import CountEmbeddings, LookUpEmbeddings, StoreEmbeddings
from memos.records import Looked
from memos.settings import Settings

log = logging.getLogger(__name__)

TELLING = 10.0
"""Seconds, at the least, that the cache has to take what nobody waits for: a busy facade reads the reply late."""

REST = 5.0
"""Seconds for which a cache that did not answer is left alone."""

FIRST_PAUSE, LONGEST_PAUSE = 0.025, 0.5
"""Seconds between two looks for an answer that another process makes: they double."""

MOST_REQUEST_BYTES = 4 * 1024 * 1024
"""What a larger request, such as one with films in it, would cost on the bus is more than the cache saves."""


class Found(NamedTuple):
    """What the cache said: an answer, or a lease to make one.

    Without `keep` none is to be kept; `refused` says why, where it is not for the client's own wish. `moment` is
    when it was looked for.
    """

    status: Looked = "miss"
    answer: dict[str, Any] | None = None
    key: str = ""
    age: int = 0
    lease: str | None = None
    sources: Sequence[str] = ()
    keep: bool = True
    moment: int | None = None
    refused: str | None = None


class FoundEmbeddings(NamedTuple):
    """The embeddings that are kept, none of those that are not, and the tokens that all of them together saved."""

    embeddings: list[list[float] | str | None]
    saved: int = 0


class Spent(NamedTuple):
    """What a call for embeddings cost, and by agent, how many got the same without one."""

    prompt_tokens: int
    seconds: float
    shared: dict[str, int]


class AnswerCache:
    """Looks answers up, keeps them, and has calls counted. What fails is logged, and never raised."""

    def __init__(self, bus: Bus, settings: Settings) -> None:
        self._bus = bus
        self._settings = settings
        self._rests_until = 0.0

    async def look_up(self, chat: Chat, flight: Flight) -> Found:
        """The answer to a request, or else who is to make it.

        While another process makes it, it is waited for, as long as the flight has passengers, and no longer than
        the server may be silent.
        """
        directives = chat.asked.directives
        needless = directives.refresh and not directives.sources
        if needless or directives.mode == "off":
            return Found(keep=directives.keep and directives.mode != "off")
        if time.monotonic() < self._rests_until or chat.asked.size > MOST_REQUEST_BYTES:
            return Found(keep=False)
        try:
            async with asyncio.timeout(self._settings.llm_timeout):
                found = await self._look(chat)
                pause = FIRST_PAUSE
                while found.status == "pending" and flight.passengers:
                    flight.linger()
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    found = await self._look(chat)
        except TimeoutError:
            return Found(keep=directives.keep and not directives.sources)
        except MemosError as error:
            self._note(error)
            return Found(keep=False, refused=None if error.transient else error.detail)
        return found

    async def keep(
        self, chat: Chat, answer: Mapping[str, Any], found: Found, seconds: float, shared: dict[str, int]
    ) -> None:
        """Have an answer kept and its call counted, and give back the lease."""
        directives = chat.asked.directives
        fields = {
            **self._named(chat),
            "answer": answer,
            "ttl": directives.ttl,
            "semantic": directives.mode == "semantic",
            "sources": list(found.sources),
            "lease": found.lease,
            "moment": found.moment,
            "seconds": seconds,
            "shared": shared,
        }
        await self._tell(StoreAnswer.model_construct(**fields), chat.asked)

    async def release(
        self,
        chat: Chat,
        found: Found,
        outcome: Literal["miss", "error", "none"],
        *,
        answer: Mapping[str, Any] | None = None,
        seconds: float = 0.0,
        shared: dict[str, int] | None = None,
    ) -> None:
        """Say that no answer is kept: give back the lease, and have the call counted, and who shared in it."""
        prompt, completion = tokens_of(chat, answer) if answer else (0, 0)
        fields = {
            **self._named(chat),
            "lease": found.lease,
            "outcome": outcome,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "seconds": seconds,
            "shared": shared or {},
        }
        await self._tell(ReleaseAnswer.model_construct(**fields), chat.asked)

    @asynccontextmanager
    async def held(self, chat: Chat, found: Found) -> AsyncIterator[None]:
        """Keep the lease meanwhile."""
        if not found.lease:
            yield
            return
        renewing = asyncio.create_task(self._renew(chat, found.key, found.lease))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def look_up_embeddings(self, inputs: Inputs) -> FoundEmbeddings:
        """What is kept of the embeddings of inputs."""
        directives = inputs.asked.directives
        needless = directives.mode == "off" or directives.refresh or inputs.asked.size > MOST_REQUEST_BYTES
        nothing = FoundEmbeddings([None] * len(inputs.inputs))
        if needless or time.monotonic() < self._rests_until:
            return nothing
        try:
            data = await self._ask(LookUpEmbeddings.model_construct(**self._with_inputs(inputs)), inputs.asked)
        except MemosError as error:
            self._note(error)
            return nothing
        return FoundEmbeddings(data["results"], data.get("saved_prompt_tokens", 0))

    async def keep_embeddings(
        self, inputs: Inputs, places: list[int], embeddings: list[list[float] | str], spent: Spent
    ) -> None:
        """Have the embeddings of the inputs at some places kept, and the call counted."""
        command = StoreEmbeddings.model_construct(
            **{**self._with_inputs(inputs), "inputs": [inputs.inputs[place] for place in places]},
            embeddings=embeddings,
            **spent._asdict(),
        )
        await self._tell(command, inputs.asked)

    async def count_embeddings(
        self, inputs: Inputs, outcome: Literal["miss", "error", "none"], spent: Spent
    ) -> None:
        """Have a call counted of which nothing is kept, and who shared in it."""
        asked = inputs.asked
        named = {"model": asked.model, "agent_id": asked.agent_id, "outcome": outcome}
        fields: dict[str, Any] = {**named, **spent._asdict()}
        await self._tell(CountEmbeddings.model_construct(**fields), asked)

    async def _look(self, chat: Chat) -> Found:
        directives = chat.asked.directives
        fields = {
            **self._named(chat),
            "semantic": directives.mode == "semantic",
            "max_age": directives.max_age,
            "min_fresh": directives.min_fresh,
            "refresh": directives.refresh,
            "lease_seconds": self._settings.cache_lease if self._leases(chat) else None,
            "sources": list(directives.sources),
        }
        command = LookUpAnswer.model_construct(**fields)
        data = await self._ask(command, chat.asked)
        age = _age(data["created_at"]) if data.get("created_at") else 0
        return Found(
            data["status"],
            data.get("answer"),
            data["key"],
            age,
            data.get("lease"),
            data.get("sources") or (),
            directives.keep,
            data.get("moment"),
        )

    @staticmethod
    def _leases(chat: Chat) -> bool:
        directives = chat.asked.directives
        return directives.keep and not directives.only_cached and not directives.refresh

    async def _renew(self, chat: Chat, key: str, lease: str) -> None:
        seconds, held = self._settings.cache_lease, True
        command = RenewLease.model_construct(key=key, lease=lease, lease_seconds=seconds)
        while held:
            await asyncio.sleep(seconds / 3)
            try:
                held = (await self._ask(command, chat.asked))["held"]
            except MemosError as error:
                self._note(error)

    async def _tell(self, command: Command, asked: Asked) -> None:
        """Send what nobody waits for; where the cache rests it stays on its stream until a worker reads it."""
        try:
            if time.monotonic() < self._rests_until:
                async with asyncio.timeout(self._settings.cache_timeout):
                    await self._bus.post(command, str(uuid7()), asked.tenant)
            else:
                await self._ask(command, asked, max(TELLING, self._settings.cache_timeout))
        except TimeoutError:
            self._rest("the bus is silent")
        except MemosError as error:
            self._note(error)

    async def _ask(self, command: Command, asked: Asked, seconds: float | None = None) -> Any:
        patience = self._settings.cache_timeout if seconds is None else seconds
        return await self._bus.send(command, str(uuid7()), patience, asked.tenant)

    def _note(self, error: MemosError) -> None:
        """Leave the cache alone where it is away; what it refuses is the fault of one request."""
        if error.transient:
            self._rest(error.detail)
        else:
            log.info("A request cannot be cached: %s", error.detail)

    def _rest(self, why: str) -> None:
        """Leave the cache alone for a while, which is logged once."""
        if time.monotonic() >= self._rests_until:
            log.warning("The cache is not asked for %g s: %s", REST, why)
        self._rests_until = time.monotonic() + REST

    def _named(self, chat: Chat) -> dict[str, Any]:
        asked = chat.asked
        return {"request": asked.body, "upstream": asked.upstream, "agent_id": asked.agent_id}

    def _with_inputs(self, inputs: Inputs) -> dict[str, Any]:
        asked = inputs.asked
        named = {"model": asked.model, "options": inputs.options, "inputs": inputs.inputs}
        return {**named, "upstream": asked.upstream, "agent_id": asked.agent_id}


def tokens_of(chat: Chat, answer: Mapping[str, Any]) -> tuple[int, int]:
    """The tokens of the prompt and the completion: as the server counted them, or else about as many."""
    counted = tokens_in(answer)
    return counted if any(counted) else estimated_tokens(chat.asked.body, answer)


def _age(created_at: str) -> int:
    return max(0, int((datetime.now(UTC) - datetime.fromisoformat(created_at)).total_seconds()))
