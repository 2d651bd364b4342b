"""One run from beginning to end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from faults.checks import check_answers, check_dead_letters, check_deleted, check_ledger, check_texts
from faults.facts import check_facts
from faults.findings import Findings
from faults.hitting import Faults
from faults.journal import Journal
from faults.plan import Plan, schedule, seeded
from faults.producers import Producer, Way
from faults.recovery import Recovery
from faults.report import Report, report_of
from faults.settling import until_settled
from faults.system import System, open_system
from faults.verified import check_projections
from memos.api.app import SOURCE as FACADE
from memos.client import Client, connect
from memos.client.redis import open_redis

BUS = "faults"
PATIENCE = 6.0
"""Seconds until a client asks again; less than some faults last, so that commands come twice and more."""

Show = Callable[[str], None]


async def run(
    plan: Plan, folder: Path, show: Show, *, minutes: float = 40.0, settled_within: float = 180.0
) -> Report:
    """Store, hit, wait and compare; `show` is told how far it is. The journal is kept in the folder.

    Producers are given up after so many minutes, and what they left undone after `settled_within` seconds.
    """
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(Journal(folder / "journal.jsonl"))
        show("Starting memOS …")
        system = await stack.enter_async_context(open_system(folder / "home", plan.mutation))
        redis = await stack.enter_async_context(open_redis(system.redis_url))
        over_http, over_bus = await stack.enter_async_context(_clients(system))
        recovery = Recovery(redis)
        producers = [
            Producer(number, plan.seed, _quota(plan, number), (over_http, over_bus)[number % 2], journal)
            for number in range(plan.producers)
        ]
        faults = Faults(system, journal, recovery, redis, plan.seed)
        hitting = faults.run(schedule(plan), lambda: journal.promised / plan.stores)
        began = time.monotonic()
        work = [*(producer.run() for producer in producers), hitting]
        unanswered = await _loaded(work, _tell(plan, journal, show), minutes * 60)
        seconds = time.monotonic() - began
        show("Waiting until nothing is left to be done …")
        unsettled = await until_settled(system, redis, settled_within)
        show("Comparing what was promised with what is there …")
        findings = await _compared(system, redis, over_bus.client, journal, plan)
        return report_of(
            plan,
            journal,
            findings=findings,
            seconds=seconds,
            starts={name: part.starts for name, part in system.parts.items()},
            recoveries=recovery.measured,
            unsettled=unsettled,
            unanswered=unanswered,
        )


@asynccontextmanager
async def _clients(system: System) -> AsyncIterator[tuple[Way, Way]]:
    async with (
        connect(system.url, timeout=PATIENCE) as http,
        connect(system.redis_url, source=BUS, timeout=PATIENCE) as bus,
    ):
        yield Way(http, FACADE), Way(bus, BUS)


def _quota(plan: Plan, number: int) -> int:
    return plan.stores // plan.producers + (number < plan.stores % plan.producers)


async def _loaded(
    work: Sequence[Coroutine[Any, Any, None]], telling: Coroutine[Any, Any, None], seconds: float
) -> int:
    """Have producers store while faults fall; return how many of them were still not done at the end."""
    tasks = [asyncio.create_task(one) for one in work]
    showing = asyncio.create_task(telling)
    try:
        _, late = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in (*tasks, showing):
            task.cancel()
        results = await asyncio.gather(*tasks, showing, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return len(late)


async def _tell(plan: Plan, journal: Journal, show: Show) -> None:
    """Show how far the run is, once a second."""
    began = time.monotonic()
    while True:
        tally, seconds = journal.tally, time.monotonic() - began
        kills = sum(number for name, number in tally.faults.items() if name.startswith("kill "))
        others = tally.faults.total() - kills
        show(
            f"{seconds:4.0f} s  {journal.promised:,}/{plan.stores:,} stores  {kills}/{plan.kills} kills  "
            f"{others} other faults  {tally.retries.total():,} retries  {len(journal.surprises)} surprises"
        )
        await asyncio.sleep(1)


async def _compared(system: System, redis: Redis, client: Client, journal: Journal, plan: Plan) -> Findings:
    findings = Findings()
    await check_ledger(system.postgres_dsn, journal, findings)
    await check_facts(system.postgres_dsn, redis, findings)
    await check_dead_letters(redis, findings)
    await check_projections(system, findings)
    await check_answers(client, journal, findings)
    live = [note for note in journal.notes if note.live]
    seeded(plan.seed, "sample").shuffle(live)
    await check_texts(client, live, findings)
    await check_deleted(client, journal, findings)
    return findings
