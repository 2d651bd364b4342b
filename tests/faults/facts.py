"""The log of facts: every place taken once, in the order of each memory's versions, and copied as it is."""

from typing import Any

import asyncpg
from redis.asyncio import Redis

from faults.findings import Findings
from memos.events.streams import FACTS_STREAM

MOST_COPIES = 10_000

PLACES = """
select count(*) as facts, count(position) as placed, coalesce(min(position), 1) as first,
    coalesce(max(position), 0) as last
from facts
"""
OUT_OF_ORDER = """
select record_id, version, former
from (
    select record_id, version, lag(version) over (partition by tenant, record_id order by position) as former
    from facts
) f
where former >= version
"""


async def check_facts(dsn: str, redis: Redis, findings: Findings) -> None:
    """Positions run from 1 without a gap, and the stream has the newest of them, each once."""
    connection = await asyncpg.connect(dsn)
    try:
        places = await connection.fetchrow(PLACES)
        out_of_order = await connection.fetch(OUT_OF_ORDER)
    finally:
        await connection.close()
    assert places is not None
    if (places["placed"], places["first"], places["last"]) != (places["facts"], 1, places["facts"]):
        findings.add("facts wrong", f"positions have gaps: {dict(places)}")
    for row in out_of_order:
        findings.add("facts wrong", f"memory {row['record_id']}: version {row['version']} after {row['former']}")
    _check_copies(await _copied(redis), places["last"], findings)


def _check_copies(copied: list[int], newest: int, findings: Findings) -> None:
    expected = list(range(newest, newest - len(copied), -1))
    if copied != expected or bool(copied) != bool(newest):
        findings.add("facts wrong", f"the stream has {copied[:5]} … as its newest, the ledger {newest}")


async def _copied(redis: Any) -> list[int]:
    """The positions of the newest facts on the stream, newest first."""
    entries = await redis.xrevrange(FACTS_STREAM, count=MOST_COPIES)
    return [int(entry.partition(b"-")[0]) for entry, _ in entries]
