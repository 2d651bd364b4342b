"""When the faults are over: waiting until nothing is left to be done."""

import asyncio
import time
from collections.abc import Mapping

import asyncpg
import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from faults.system import System
from memos.events.streams import STREAMS

POLL_SECONDS = 0.2
BEHIND = "select count(*) from projections where wanted is distinct from version"
UNPLACED = "select count(*) from facts where position is null"
QUIET_POLLS = 3
"""Times that nothing may be found before it counts: a worker that wakes puts entries back."""


async def until_settled(system: System, redis: Redis, seconds: float) -> Mapping[str, int]:
    """Return what is left undone: nothing, or what still was after so many seconds."""
    deadline = time.monotonic() + seconds
    quiet = 0
    left: Mapping[str, int] = {"everything": 1}
    while quiet < QUIET_POLLS and time.monotonic() < deadline:
        left = await _left(system, redis)
        quiet = 0 if left else quiet + 1
        await asyncio.sleep(POLL_SECONDS)
    return left


async def _left(system: System, redis: Redis) -> Mapping[str, int]:
    try:
        left = {**await _on_streams(redis), **await _in_ledger(system.postgres_dsn)}
        if not any(left.values()) and not await _ready(system.url):
            left["parts that are not ready"] = 1
    except (RedisError, OSError, asyncpg.PostgresError) as error:
        return {f"engines that do not answer ({error})": 1}
    return {what: number for what, number in left.items() if number}


async def _on_streams(redis: Redis) -> dict[str, int]:
    left = {}
    for stream in STREAMS:
        left[f"entries on {stream.name}"] = await redis.xlen(stream.name)
        left[f"entries delayed of {stream.name}"] = await redis.zcard(stream.delayed)
    return left


async def _in_ledger(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        behind = await connection.fetchval(BEHIND)
        unplaced = await connection.fetchval(UNPLACED)
    finally:
        await connection.close()
    return {"records that a projection lacks or has too many": behind, "facts without a place": unplaced}


async def _ready(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        try:
            return (await client.get("/health/ready")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
