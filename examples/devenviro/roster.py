"""Which agents there are: each process says so again and again, and is gone when it does not."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from devenviro.mailbox import RENEWALS
from devenviro.messages import PREFIX, AgentCard, tasks_of
from memos.waiting import ended, heeding

INSTANCES = f"{PREFIX}:agents"


class Roster:
    """The agents that have said within `lease` seconds that they are there."""

    def __init__(self, redis: Redis, lease: float) -> None:
        self._redis = redis
        self._lease = lease

    @asynccontextmanager
    async def present(self, card: AgentCard) -> AsyncIterator[None]:
        """Be there meanwhile."""
        await self._say(card)
        saying = asyncio.create_task(self._say_again(card))
        try:
            yield
        finally:
            await ended([saying], 0)
            with suppress(RedisError, OSError):
                await self._redis.delete(_key(card.instance))

    async def cards(self) -> Sequence[AgentCard]:
        """The processes that are there; those that are gone are struck off."""
        members: Any = await self._redis.smembers(INSTANCES)
        instances = sorted(one.decode() for one in members)
        if not instances:
            return []
        found = dict(zip(instances, await self._redis.mget([_key(one) for one in instances]), strict=True))
        if gone := [one for one, raw in found.items() if raw is None]:
            await self._redis.srem(INSTANCES, *gone)
        return [AgentCard.model_validate_json(raw) for raw in found.values() if raw is not None]

    async def is_there(self, agent: str) -> bool:
        """Whether any process serves an agent."""
        return any(card.name == agent for card in await heeding(self.cards()))

    async def choose(
        self, needs: Collection[str], avoided: Collection[str], promised: Mapping[str, int]
    ) -> AgentCard | None:
        """The agent that is best for a task with these needs, if there is one; see `best`.

        To the tasks that lie in an agent's stream come those that are promised to it.
        """
        cards = await heeding(self.cards())
        loads = Counter(await heeding(self._loads({card.name for card in cards}))) + Counter(promised)
        return best(cards, needs, loads, avoided)

    async def _loads(self, agents: Collection[str]) -> Mapping[str, int]:
        """How many tasks lie in the streams of agents."""
        return {agent: await self._redis.xlen(tasks_of(agent)) for agent in agents}

    async def _say(self, card: AgentCard) -> None:
        """Be on the list, too: whoever was slow may have been struck off."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_key(card.instance), card.model_dump_json(), px=int(self._lease * 1000))
            pipeline.sadd(INSTANCES, card.instance)
            await pipeline.execute()

    async def _say_again(self, card: AgentCard) -> None:
        while True:
            await asyncio.sleep(self._lease / RENEWALS)
            with suppress(RedisError, OSError):
                await heeding(self._say(card))


def best(
    cards: Sequence[AgentCard], needs: Collection[str], loads: Mapping[str, int], avoided: Collection[str] = ()
) -> AgentCard | None:
    """Of the agents that have all that is needed the one with the fewest tasks, then with the fewest capabilities.

    Those that are avoided come after all others.
    """
    able = [card for card in cards if set(needs) <= set(card.capabilities)]

    def order(card: AgentCard) -> tuple[bool, int, int, str]:
        return card.name in avoided, loads.get(card.name, 0), len(card.capabilities), card.name

    return min(able, key=order, default=None)


def _key(instance: str) -> str:
    return f"{INSTANCES}:{instance}"
