"""The account of calls of models in Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from memos.errors import Unavailable
from memos.records import Call, CallKind, DayUsage
from memos.stores.lua import Run, load_script, reached, run
from memos.stores.tallies import MOST_ROWS, Account, Counts, Tallies, UsageKey, other_of
from memos.waiting import ended, told

log = logging.getLogger(__name__)

WRITING_SECONDS = 0.5
"""How often what was counted is written: a process that is killed loses as much."""

LAST_SECONDS = 2.0
"""How long a process that ends tries to write what is left."""

ROWS_TOGETHER = 200
DAYS_TOGETHER = 31

WHAT = "The account of calls"


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


class RedisUsage:
    """Fulfils the port `Usage`: a hash for each tenant and day, kept for some days after it.

    A call is counted in memory and written together with others, so that no answer waits for it: `open_usage`
    sees to that. When a day has 2,000 rows of models, agents and kinds, what would be another is counted as
    model `(other)` of agent `(other)`.
    """

    def __init__(self, redis: Redis, days: int, *, today: Callable[[], date] = today) -> None:
        self._redis = redis
        self._days = days
        self._today = today
        self._tallies = Tallies()
        self._writing = asyncio.Lock()
        self._script = load_script("usage_count.lua")

    async def count(self, tenant: str, calls: Sequence[Call]) -> None:
        """Count calls; about half a second later any process reads them."""
        self._tallies.count(Account(tenant, self._today()), calls)

    async def read(
        self,
        tenant: str,
        since: date,
        until: date,
        *,
        model: str | None = None,
        agent_id: str | None = None,
        kind: CallKind | None = None,
    ) -> list[DayUsage]:
        """What was counted, in order; what this process has counted is among it."""
        await self.write()
        wanted = {"model": model, "agent_id": agent_id, "kind": kind}
        found: list[DayUsage] = []
        days = self._kept_days(since, until)
        for start in range(0, len(days), DAYS_TOGETHER):
            found += [one async for one in self._read(tenant, days[start : start + DAYS_TOGETHER])]
        chosen = [
            one for one in found if all(value in {None, getattr(one, name)} for name, value in wanted.items())
        ]
        return sorted(chosen, key=lambda one: (one.day, one.model, one.agent_id, one.kind))

    async def write(self) -> None:
        """Write what was counted. Raises `Unavailable`, and then what was not written is kept for the next time."""
        async with self._writing:  # so that whoever reads after this finds what was under way before
            while taken := self._tallies.take(ROWS_TOGETHER):
                await self._write(*taken)

    async def keep_writing(self, stopping: asyncio.Event) -> None:
        """Write what was counted twice a second, and once more when told to stop."""
        while not await told(stopping, WRITING_SECONDS):
            await self._try_to_write()
        await self._try_to_write()

    async def _write(self, account: Account, rows: Mapping[UsageKey, Counts]) -> None:
        try:
            with reached(WHAT):
                await run(self._redis, self._counting(account, rows))
        except Unavailable:
            for key, counts in rows.items():
                self._tallies.add(account, key, counts)
            raise

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except Unavailable as error:
            log.warning("Calls that were counted are written when Redis is back: %s", error)

    async def _read(self, tenant: str, days: Sequence[date]) -> AsyncIterator[DayUsage]:
        pipeline = self._redis.pipeline(transaction=False)
        for day in days:
            pipeline.hgetall(_place(Account(tenant, day)))
        with reached(WHAT):
            accounts = await pipeline.execute()
        for day, rows in zip(days, accounts, strict=True):
            for one in _rows(day, rows):
                yield one

    def _kept_days(self, since: date, until: date) -> list[date]:
        first = max(since.toordinal(), self._today().toordinal() - self._days)
        last = min(until.toordinal(), self._today().toordinal() + 1)
        return [date.fromordinal(day) for day in range(first, last + 1)]

    def _counting(self, account: Account, rows: Mapping[UsageKey, Counts]) -> Run:
        ends = datetime.combine(account.day, time(), UTC) + timedelta(days=self._days + 1)
        parts = [part for key, counts in rows.items() for part in (*map(to_json, (key, other_of(key), counts)),)]
        return Run(self._script, _place(account), [round(ends.timestamp()), MOST_ROWS, *parts])


@asynccontextmanager
async def open_usage(redis: Redis, days: int) -> AsyncIterator[RedisUsage]:
    """An account that is written twice a second, and in the end."""
    usage, stopping = RedisUsage(redis, days), asyncio.Event()
    writing = asyncio.create_task(usage.keep_writing(stopping))
    try:
        yield usage
    finally:
        stopping.set()
        await ended({writing}, LAST_SECONDS)


def _place(account: Account) -> str:
    return f"memos:usage:{{{account.tenant}}}:{account.day}"


def _rows(day: date, rows: Mapping[bytes, bytes]) -> Iterator[DayUsage]:
    """The rows of an account; what cannot be read is left out."""
    for field, text in rows.items():
        try:
            model, agent_id, kind = from_json(field)
            counts: dict[str, Any] = from_json(text)
            yield DayUsage(day, model, agent_id, kind, {name: float(count) for name, count in counts.items()})
        except (ValueError, TypeError, AttributeError) as error:
            log.warning("A row of the account of %s cannot be read: %s", day, error)
