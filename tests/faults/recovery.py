"""How long the entries that a killed worker had begun are left undone."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

from faults.plan import ENGINES
from faults.system import LANE_OF, consumer_of
from memos.events.streams import GROUP, STREAMS

POLL_SECONDS = 0.05
GIVEN_UP_AFTER = 120.0
AFTERMATH = 1.0
"""Seconds for which what was hit still counts as away: whoever uses it has to notice that it is back."""

Meanwhile = Literal["all else well", "other workers hit", "an engine away"]
"""What else was wrong until the entries were settled."""

Left = Mapping[str, set[bytes]]
"""The ids of entries that are not settled yet, by stream."""


@dataclass(frozen=True)
class Measured:
    """One killed worker: how many entries it left, and after how many seconds the last of them was settled."""

    worker: str
    entries: int
    seconds: float
    meanwhile: Meanwhile


@dataclass
class Hit:
    """When something was out of order."""

    target: str
    began: float
    ended: float = float("inf")


class Recovery:
    """Watches what killed workers leave behind, and what else was out of order meanwhile."""

    def __init__(self, redis: Redis) -> None:
        self.measured: list[Measured] = []
        self._redis = redis
        self._hits: list[Hit] = []

    @contextmanager
    def hit(self, target: str) -> Iterator[Hit]:
        """Note that something is out of order while the context is open, and a moment longer."""
        hit = Hit(target, time.monotonic())
        self._hits.append(hit)
        try:
            yield hit
        finally:
            hit.ended = time.monotonic() + AFTERMATH

    async def killed(self, worker: str, pid: int) -> None:
        """Measure how long until everything that a worker had begun is settled."""
        with self.hit(worker) as own:
            left = await self._left_by(worker, pid)
            entries = sum(map(len, left.values()))
            while left and time.monotonic() < own.began + GIVEN_UP_AFTER:
                await asyncio.sleep(POLL_SECONDS)
                left = await self._still_pending(left)
        if entries:
            seconds = own.ended - AFTERMATH - own.began
            self.measured.append(Measured(worker, entries, seconds, self._meanwhile(own)))

    def _meanwhile(self, own: Hit) -> Meanwhile:
        others = [one for one in self._hits if one is not own and one.began < own.ended and own.began < one.ended]
        if any(one.target in ENGINES for one in others):
            return "an engine away"
        lane = LANE_OF[own.target]
        return "other workers hit" if any(LANE_OF.get(one.target) == lane for one in others) else "all else well"

    async def _left_by(self, worker: str, pid: int) -> Left:
        """The entries that are pending for a consumer."""
        left = {}
        for stream in STREAMS:
            if stream.lane == LANE_OF[worker]:
                pending = await self._pending(stream.name)
                left[stream.name] = {row["message_id"] for row in pending if consumer_of(row["consumer"], pid)}
        return {stream: entries for stream, entries in left.items() if entries}

    async def _still_pending(self, left: Left) -> Left:
        """Those of the entries that are pending yet, whoever has taken them over."""
        still = {}
        for stream, entries in left.items():
            still[stream] = entries & {row["message_id"] for row in await self._pending(stream)}
        return {stream: entries for stream, entries in still.items() if entries}

    async def _pending(self, stream: str) -> list[dict[str, Any]]:
        """All that is pending on a stream; asked again while Redis is away."""
        while True:
            try:
                found: list[dict[str, Any]] = await self._redis.xpending_range(
                    stream, GROUP, min="-", max="+", count=10_000
                )
            except (RedisError, OSError) as error:
                if "NOGROUP" in str(error):
                    return []
                await asyncio.sleep(POLL_SECONDS)
            else:
                return found
