"""Stores with their vectors over the bus, and the same commands given to a handler that does no work.

Both lanes drain the same backlog on an embedded stack of their own, in this process; nobody awaits replies,
so what is compared is reading, handling, acknowledging.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from memos.broker.lane import Lane
from memos.client.ids import uuid7
from memos.client.redis import open_redis
from memos.devstack.stack import Addresses, embedded_stack
from memos.events.envelope import FIELD, Envelope
from memos.events.memories import StoreMemory, StoreOutcome
from memos.handlers import Handler
from memos.handlers.memories.store import store_memory
from memos.ports import Ready
from memos.records import CommandKey, Origin, memory_id_for
from memos.runtime import open_ports, policy_of
from memos.settings import Settings
from memos.stores.migrate import migrate
from memos.telemetry import Telemetry

BACKLOG = 8_000
DIMENSION = 384
MODEL = "all-MiniLM-L6-v2-int8"


async def do_nothing(
    commands: Sequence[StoreMemory], *, origins: Sequence[Origin], ready: Ready
) -> list[StoreOutcome]:
    """Answer as a store would, without one."""
    ready()
    ids = [memory_id_for(CommandKey(*origin.key)) for origin in origins]
    return [StoreOutcome(memory_id=memory_id, status="stored", message="") for memory_id in ids]


async def consumer_rate() -> float:
    """Commands a second of a lane whose handler does no work."""
    async with _stack() as addresses:
        return await drained(addresses, Handler(StoreMemory, do_nothing, batch=256), {})


async def vector_store_rate() -> float:
    """Stores with their vectors a second of a lane."""
    async with _stack() as addresses:
        await migrate(addresses.postgres_dsn)
        settings = Settings(
            redis_url=addresses.redis_url, postgres_dsn=addresses.postgres_dsn, edge_socket=addresses.edge_socket
        )
        async with open_ports(settings) as ports:
            return await drained(addresses, Handler(StoreMemory, store_memory, batch=256), ports)


async def drained(addresses: Addresses, handler: Handler, ports: Mapping[str, object]) -> float:
    """Commands a second of a lane that finds a backlog."""
    async with open_redis(addresses.redis_url, retries=0) as redis:
        await publish(redis)
        stopping = asyncio.Event()
        policy = policy_of(Settings())
        lane = Lane(redis, addresses.redis_url, [handler], ports, policy=policy, telemetry=Telemetry())
        started = time.perf_counter()
        running = asyncio.create_task(lane.run(stopping))
        while await redis.xlen("memos:store"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        taken = time.perf_counter() - started
        stopping.set()
        await running
    return BACKLOG / taken


async def publish(redis: Redis) -> None:
    """Put the backlog on the stream."""
    draw = random.Random(7)  # noqa: S311 - the same vectors in every run
    for start in range(0, BACKLOG, 500):
        pipeline = redis.pipeline(transaction=False)
        for number in range(start, start + 500):
            command = StoreMemory(
                content=f"The vector numbered {number}.",
                embedding=[round(draw.uniform(-1, 1), 6) for _ in range(DIMENSION)],
                embedding_model=MODEL,
            )
            envelope = Envelope(id=str(uuid7()), source="bench", type="memos.store.v1", data=command)
            pipeline.xadd("memos:store", {FIELD: envelope.encode()})
        await pipeline.execute()


@asynccontextmanager
async def _stack() -> AsyncIterator[Addresses]:
    with tempfile.TemporaryDirectory(prefix="memos-bench-") as folder:
        async with embedded_stack(Path(folder)) as addresses:
            yield addresses
