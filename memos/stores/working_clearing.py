"""What is due in working memory: what expired, logs that outgrew their windows, sessions that ended."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from memos.ports import Crowded
from memos.records import EndedSession, ExpiredValue, KeptSession
from memos.stores.lua import Argument, Run, reached, run, run_all
from memos.stores.working_calls import AT_ONCE, WorkingCalls
from memos.stores.working_keys import DUE, Agent, expired_name, expired_values
from memos.stores.working_sessions import ended_session, session_of

log = logging.getLogger(__name__)

MOST_SWEPT = 256
"""Steps of one script: others wait for it meanwhile."""

LOST = (
    "%d keys of agent %s expired and are told to nobody: too many had expired before them. "
    "See that a worker of the bulk lane runs, and keeps up."
)


class RedisClearing(WorkingCalls):
    """The part of the port `Working` that is about what is due."""

    async def sweep(self, limit: int) -> int:
        """Clear away what expired by now, for `expired` and `ended`; return how much, about `limit` at most.

        It is counted in keys, and a session counts as several. Agents are claimed for a minute, so that a sweep
        that dies is made up for.
        """
        cleared, through = 0, b""
        while cleared < limit:
            with reached("Working memory"):
                claimed = Run(self._scripts["claim"], DUE, (through, AT_ONCE))
                through, lease, names = await run(self._redis, claimed)
                if not names:
                    break
                share = min(MOST_SWEPT, max(1, (limit - cleared) // len(names)))
                cleared += await self._sweep_claimed(lease, names, share)
        return cleared

    async def _sweep_claimed(self, lease: bytes, names: Sequence[bytes], share: int) -> int:
        calls = [self._call("sweep", Agent.named(name), share) for name in names]
        looked: list[Any] = await run_all(self._redis, calls)
        settled: list[Argument] = [lease]
        for name, (_, again, lost) in zip(names, looked, strict=True):
            settled += (name, *(again or (b"", b"")))
            if int(lost):
                log.error(LOST, int(lost), name.decode())
        await run(self._redis, Run(self._scripts["register"], DUE, settled))
        return sum(int(cleared) for cleared, _, _ in looked)

    async def expired(self, limit: int) -> list[ExpiredValue]:
        """Keys that expired and of which nobody was told; they are given again until `told`.

        While there are 100,000 of one agent no more are cleared away. Of what writes to expired keys add to these,
        the oldest are lost, which `sweep` logs.
        """
        values: list[ExpiredValue] = []
        async with aclosing(self._ask_waiting("expired", limit)) as answers:
            async for agent, found in answers:
                values += expired_values(agent, found)
                if len(values) >= limit:
                    break
        return values[:limit]

    async def told(self, values: Sequence[ExpiredValue]) -> None:
        """Forget that these expired."""
        names: defaultdict[Agent, list[bytes]] = defaultdict(list)
        for value in values:
            names[Agent.of(value.session)].append(expired_name(value))
        calls = [
            self._call("told", agent, *some[place : place + MOST_SWEPT])
            for agent, some in names.items()
            for place in range(0, len(some), MOST_SWEPT)
        ]
        with reached("Working memory"):
            await run_all(self._redis, calls)

    async def crowded(self, limit: int) -> list[Crowded]:
        """Sessions whose messages are to be promoted since the log outgrew its window, unless put off.

        One that `waits` is left out.
        """
        sessions: list[Crowded] = []
        async with aclosing(self._ask_waiting("crowded", limit)) as answers:
            async for agent, found in answers:
                sessions += [Crowded(session_of(agent, *each), int(through)) for *each, through in found]
                if len(sessions) >= limit:
                    break
        return sessions[:limit]

    async def ended(self, limit: int) -> list[EndedSession]:
        """Sessions kept aside that are to be dealt with, unless put off; given again until `forget`.

        Those of an id come in their order, and none before one that is left out.
        """
        sessions: list[EndedSession] = []
        async with aclosing(self._ask_waiting("ended", limit)) as answers:
            async for agent, found in answers:
                sessions += [ended_session(agent, *each) for each in found]
                if len(sessions) >= limit:
                    break
        return sessions[:limit]

    async def waits(self, session: KeptSession) -> bool:
        """Whether an older life of its id is still aside: until that is dealt with, nothing of it is promoted."""
        return bool(await self._ask("waits", Agent.of(session.key), session.epoch))

    async def forget(self, ended: EndedSession) -> None:
        """Drop all of a session that was kept aside."""
        await self._ask("forget", Agent.of(ended.session.key), ended.session.epoch)

    async def put_off(self, session: KeptSession, seconds: float) -> None:
        """Have `crowded` and `ended` leave a session out for some seconds, since it could not be dealt with."""
        await self._ask("put_off", Agent.of(session.key), session.epoch, round(seconds * 1000))
