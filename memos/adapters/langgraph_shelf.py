"""The items of one agent, kept as memories: found, written, deleted, enumerated and ranked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from langgraph.store.base import PutOp

from memos.adapters.langgraph_items import (
    KIND,
    PLACES,
    Address,
    address_of,
    expiry,
    fields_of,
    put_at,
    tag_of,
)
from memos.client import Client
from memos.errors import Conflict, Gone, NotFound
from memos.events.memories import MOST_RESULTS
from memos.records import Memory, Source, Visibility

MOST_AT_ONCE = 16
"""Commands under way together."""

MOST_TRIES = 5
"""How often a put is begun again that others got in the way of."""

PARTS = 16
ANYTHING = "item"
"""What is asked where every item is wanted, in whatever order."""

REFRESHED_AFTER = 1 / 60
"""The part of its time to live that an item has to lose before a read puts its expiry off again."""


class Ranked(NamedTuple):
    """A memory, and how well it answers."""

    memory: Memory
    score: float


class Shelf:
    """Keeps each item as one memory, whose id follows from its address.

    What was deleted never comes back under its id. So an item that is put again after its deletion gets a new id,
    and is found by its source.
    """

    def __init__(self, client: Client, agent_id: str, visibility: Visibility) -> None:
        self._client = client
        self._agent = agent_id
        self._visibility = visibility
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)

    async def find(self, address: Address) -> Memory | None:
        """The memory of an item, if there is one."""
        first = await self._get(address.memory_id(self._agent))
        return first or next(iter(await self._later(address)), None)

    async def put(self, put: PutOp, value: Mapping[str, Any], paths: Sequence[str]) -> None:
        """Keep an item, or change it. Raises `InvalidCommand` for what a memory cannot hold."""
        address, fields = Address(put.namespace, put.key), fields_of(put, value, paths)
        first = address.memory_id(self._agent)
        for _ in range(MOST_TRIES):
            try:
                if await self._update(first, fields) or await self._stored(address, fields, first):
                    return
            except Gone:
                if await self._put_again(address, fields):
                    return
        raise Conflict(f"The item {address.uri} is being changed by others all the time. Put it again.")

    async def delete(self, address: Address) -> None:
        """Forget an item; one that is not there is no error."""
        first = await self._get(address.memory_id(self._agent))
        await self._forget([first] if first else await self._later(address))

    async def every(self, prefix: Sequence[str], *, indexed: bool | None = None) -> list[Memory]:
        """All items whose namespaces begin so, the last put first."""
        wanted = {} if indexed is None else {"indexed": indexed}
        found = await self._between(prefix, wanted, range(PLACES))
        return _newest(one.memory for one in found)

    async def ranked(self, prefix: Sequence[str], query: str, limit: int) -> list[Ranked]:
        """The items that answer a text best, best first; `limit` of them, or those that say the same too."""
        found = await self._query(query, limit, _under(prefix, {"indexed": True}))
        newest = {one.memory_id for one in _newest(one.memory for one in found)}
        return [one for one in found if one.memory.memory_id in newest]

    async def refresh(self, memories: Iterable[Memory]) -> None:
        """Put off the expiry of items that were read."""
        await asyncio.gather(*(self._refresh(one) for one in memories if "ttl" in one.metadata))

    async def _refresh(self, memory: Memory) -> None:
        ttl, until = memory.metadata["ttl"], expiry(memory.metadata["ttl"])
        gained = until - memory.expires_at if until and memory.expires_at else timedelta()
        if gained > timedelta(minutes=ttl) * REFRESHED_AFTER:
            await self._update(memory.memory_id, {"expires_at": until})

    async def _put_again(self, address: Address, fields: Mapping[str, Any]) -> bool:
        """Keep an item whose first memory was deleted, in its newest one or else a new one; say whether it is."""
        later = await self._later(address)
        if not later:
            return await self._stored(address, fields, uuid4())
        await self._forget(later[1:])
        return await self._update(later[0].memory_id, fields)

    async def _stored(self, address: Address, fields: Mapping[str, Any], memory_id: UUID) -> bool:
        """Keep an item as a new memory; say whether it is kept, and nobody else was first. Raises `Gone`."""
        new: dict[str, Any] = {
            "id": memory_id,
            "agent_id": self._agent,
            "visibility": self._visibility,
            "kind": KIND,
            "source": Source(uri=address.uri),
            "tags": [tag_of(address.namespace[:depth]) for depth in range(len(address.namespace) + 1)],
        }
        try:
            async with self._turn:
                outcome = await self._client.store(**fields, **new)
        except Conflict:
            return False
        return outcome.status != "duplicate" or await self._update(outcome.memory_id, fields)

    async def _update(self, memory_id: UUID, fields: Mapping[str, Any]) -> bool:
        """Change a memory; say whether it was there."""
        with suppress(NotFound):
            async with self._turn:
                await self._client.update(memory_id, agent_id=self._agent, **fields)
            return True
        return False

    async def _forget(self, memories: Iterable[Memory]) -> None:
        for memory in memories:
            with suppress(NotFound):
                async with self._turn:
                    await self._client.delete(memory.memory_id, agent_id=self._agent)

    async def _get(self, memory_id: UUID) -> Memory | None:
        with suppress(NotFound):
            async with self._turn:
                return await self._client.get(memory_id, agent_id=self._agent)
        return None

    async def _later(self, address: Address) -> list[Memory]:
        """The memories of an item that was put after its deletion, the newest first."""
        found = await self._query(ANYTHING, MOST_AT_ONCE, {"source": address.uri})
        return sorted((one.memory for one in found), key=_recency, reverse=True)

    async def _between(self, prefix: Sequence[str], wanted: Mapping[str, Any], places: range) -> list[Ranked]:
        """All items of these places: read together if they are few enough, else part by part."""
        place = {"place": {"gte": places.start, "lt": places.stop}}
        found = await self._query(ANYTHING, MOST_RESULTS, _under(prefix, {**wanted, **place}))
        if len(found) < MOST_RESULTS or len(places) < PARTS:
            return found
        width = len(places) // PARTS
        parts = [places[start : start + width] for start in range(0, len(places), width)]
        return list(chain(*await asyncio.gather(*(self._between(prefix, wanted, part) for part in parts))))

    async def _query(self, query: str, top_k: int, wanted: Mapping[str, Any]) -> list[Ranked]:
        """What a query finds, and what it left out for saying the same."""
        own = {**wanted, "agent_id": self._agent, "kind": KIND}
        async with self._turn:
            found = await self._client.query(
                query, agent_id=self._agent, top_k=top_k, filter=own, include_superseded=True
            )
        results = found.memories.results
        repeats = [one for result in results for one in result.repeats]
        same = dict(zip(repeats, await asyncio.gather(*map(self._get, repeats)), strict=True))
        ranked = [
            (memory, result.score)
            for result in results
            for memory in [result, *(same[one] for one in result.repeats)]
        ]
        return [Ranked(memory, score) for memory, score in ranked if memory]


def _under(prefix: Sequence[str], metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The filter of items whose namespaces begin so."""
    return {"tags": [tag_of(prefix)], "metadata": metadata}


def _recency(memory: Memory) -> tuple[datetime, UUID]:
    return put_at(memory), memory.memory_id


def _newest(memories: Iterable[Memory]) -> list[Memory]:
    """One memory for each address, the last put first."""
    by_address = {address_of(memory): memory for memory in sorted(memories, key=_recency)}
    return sorted(by_address.values(), key=_recency, reverse=True)
