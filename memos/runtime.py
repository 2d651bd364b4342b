"""The composition root: opens everything that a process needs, and closes it again."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypedDict

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.broker.lane import Lane
from memos.broker.leases import consumer_name
from memos.broker.policy import Policy
from memos.client.metrics import PublishedMetrics, keep_publishing
from memos.client.redis import open_redis, ping
from memos.devstack.locate import required
from memos.engines import current_generation, open_embedder, open_generation
from memos.errors import MemosError, Unavailable
from memos.events.envelope import FIELD
from memos.events.facts import document_of
from memos.events.streams import FACTS_STREAM, STREAM_OF
from memos.events.streams import Lane as LaneName
from memos.handlers import HANDLERS
from memos.handlers.watch import Ping, Watch, keep_watch
from memos.ports import Derived, Embedder, Facts, Generations, Memories, Projections, Vectors
from memos.ports.deletions import Deletions
from memos.projection.derived import DerivedVectors
from memos.projection.points import MEMORIES, collection_of
from memos.projection.rebuild import Shadow, Told, begun, rebuild
from memos.projection.reconciler import Reconciler, keep_reconciling
from memos.projection.relay import keep_relaying
from memos.projection.verify import Verification
from memos.records import Generation
from memos.settings import Settings
from memos.stores.deletions import PostgresDeletions
from memos.stores.fact_stream import RedisFactStream
from memos.stores.facts import PostgresFacts
from memos.stores.generations import PostgresGenerations
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import open_pool
from memos.stores.projections import PostgresProjections
from memos.telemetry import Telemetry

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often a worker asks which generation is current."""

LEASES_WITHOUT_METRICS = 3
"""After how many leases a worker whose metrics came no more is no longer counted."""

CATCHING_UP_SECONDS = 5.0
"""Longest time that a worker brings a new generation up to date before it works on it."""


class Ports(TypedDict):
    """Every port, under the name by which handlers ask for it."""

    deletions: Deletions
    derived: Sequence[Derived]
    embedder: Embedder
    facts: Facts
    generations: Generations
    memories: Memories
    projections: Projections
    vectors: Vectors


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[Ports]:
    """Every port that a handler may name, open."""
    async with AsyncExitStack() as stack:
        dsn = required(settings, "postgres_dsn")
        pool = await stack.enter_async_context(open_pool(dsn))
        generations = PostgresGenerations(pool, MEMORIES)
        generation, embedder = await current_generation(settings, generations, stack)
        projections = PostgresProjections(pool, collection_of(generation))
        vectors = await stack.enter_async_context(open_generation(settings, generation))
        yield {
            "deletions": PostgresDeletions(pool),
            "derived": [DerivedVectors(vectors, projections)],
            "embedder": embedder,
            "facts": PostgresFacts(pool, dsn),
            "generations": generations,
            "memories": PostgresMemories(pool),
            "projections": projections,
            "vectors": vectors,
        }


async def require_redis(redis: Redis, url: str) -> None:
    """Raise `Unavailable` when nothing answers there."""
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        raise Unavailable(
            f"Redis at {url.rpartition('@')[2]} does not answer: {error}. Start it, or correct MEMOS_REDIS_URL."
        ) from error


def fact_stream(redis: Redis, settings: Settings) -> RedisFactStream:
    """The stream on which facts are published."""
    return RedisFactStream(redis, FACTS_STREAM, field=FIELD, document_of=document_of, kept=settings.facts_kept)


async def run_worker(settings: Settings, lane: LaneName, stopping: asyncio.Event) -> None:
    """Handle the commands of a lane until told to stop.

    When another generation becomes current, a shift on that one begins before the one on the former ends.
    """
    url = required(settings, "redis_url")
    telemetry = Telemetry()
    async with open_redis(url, retries=0) as redis:
        await require_redis(redis, url)
        shift = await open_shift(settings)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work(shift, settings, lane, redis, telemetry))
            metrics = published_metrics(settings, lane, redis, telemetry)
            tasks.create_task(keep_publishing(stopping, metrics, every=settings.lease_seconds))
            while await switched(shift.ports, stopping):
                if following := await next_shift(settings):
                    tasks.create_task(work(following, settings, lane, redis, telemetry))
                    shift.over.set()
                    shift = following
            shift.over.set()
    log.info("The %s lane is closed", lane)


def published_metrics(settings: Settings, lane: LaneName, redis: Redis, telemetry: Telemetry) -> PublishedMetrics:
    """The metrics of this process, under a name that no other has; those of one that was killed end soon."""
    seconds = LEASES_WITHOUT_METRICS * settings.lease_seconds
    return PublishedMetrics(redis, consumer_name(), lane, telemetry.registry, seconds=seconds)


def watch_of(ports: Ports, redis: Redis, telemetry: Telemetry) -> Watch:
    """What notes whether the engines of the ports answer; some embedders are paid by the call."""
    pings: dict[str, Ping] = {
        "ledger": ports["memories"].ping,
        "vectors": ports["vectors"].ping,
        "embedder": partial(ports["embedder"].embed, ["ready"]),
        "redis": partial(ping, redis),
    }
    return Watch(pings, telemetry, costly=frozenset({"embedder"}))


@dataclass(frozen=True, slots=True)
class Shift:
    """A worker's time on one generation: its ports, what closes them, and whether it is over."""

    ports: Ports
    closing: AsyncExitStack
    over: asyncio.Event = field(default_factory=asyncio.Event)


async def open_shift(settings: Settings) -> Shift:
    """A shift on the current generation that has yet to begin."""
    async with AsyncExitStack() as opening:
        ports = await opening.enter_async_context(open_ports(settings))
        return Shift(ports, opening.pop_all())


async def next_shift(settings: Settings) -> Shift | None:
    """A shift on the generation that has become current, brought up to date; none when that cannot be used yet."""
    try:
        async with AsyncExitStack() as opening:
            ports = await opening.enter_async_context(open_ports(settings))
            await ports["embedder"].embed(["ready"])
            await reconciler_of(ports).catch_up(CATCHING_UP_SECONDS)
            log.info("Work goes on with generation %d of the memories", ports["projections"].generation)
            return Shift(ports, opening.pop_all())
    except MemosError as error:
        log.warning("The new generation cannot be used yet; work goes on with the former one: %s", error)
        return None


async def switched(ports: Ports, stopping: asyncio.Event) -> bool:
    """Wait until another generation than that of the ports is current, or, which is false, until told to stop."""
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), POLL_SECONDS)
        except TimeoutError:
            if await _is_former(ports):
                return True
    return False


async def _is_former(ports: Ports) -> bool:
    try:
        current = await ports["generations"].current()
    except MemosError as error:
        log.debug("Which generation is current cannot be asked now: %s", error)
        return False
    return current is not None and current.number != ports["projections"].generation


def reconciler_of(ports: Ports) -> Reconciler:
    """What brings the generation of the ports up to date."""
    return Reconciler(vectors=ports["vectors"], projections=ports["projections"], embedder=ports["embedder"])


def policy_of(settings: Settings) -> Policy:
    """How patient the settings have a lane be."""
    return Policy(
        lease_seconds=settings.lease_seconds,
        stalled_seconds=settings.stalled_seconds,
        stop_seconds=settings.stop_seconds,
        reply_ttl=settings.reply_ttl,
        retry_attempts=settings.retry_attempts,
        retry_first=settings.retry_first,
        retry_longest=settings.retry_longest,
        dead_letters_limit=settings.dead_letters_limit,
    )


async def work(shift: Shift, settings: Settings, lane: LaneName, redis: Redis, telemetry: Telemetry) -> None:
    """Consume a lane until the shift is over; in the bulk lane also keep its projection true, and relay facts."""
    ports, stopping = shift.ports, shift.over
    handlers = [handler for handler in HANDLERS if STREAM_OF[handler.command].lane == lane]
    consuming = Lane(
        redis,
        required(settings, "redis_url"),
        handlers,
        ports,
        policy=policy_of(settings),
        telemetry=telemetry,
    )
    log.info("The %s lane is open", lane)
    async with shift.closing, asyncio.TaskGroup() as tasks:
        tasks.create_task(consuming.run(stopping))
        tasks.create_task(keep_watch(stopping, watch_of(ports, redis, telemetry)))
        if lane == "bulk":
            reconciling = keep_reconciling(
                stopping,
                memories=ports["memories"],
                generations=ports["generations"],
                vectors=ports["vectors"],
                projections=ports["projections"],
                embedder=ports["embedder"],
                open_generation=partial(open_generation, settings),
                retired_seconds=settings.retired_seconds,
                telemetry=telemetry,
            )
            tasks.create_task(reconciling)
            stream = fact_stream(redis, settings)
            tasks.create_task(keep_relaying(stopping, facts=ports["facts"], stream=stream, telemetry=telemetry))


async def rebuild_memories(settings: Settings, told: Told) -> tuple[Generation, Verification]:
    """Make the projection of the memories anew with the settings' model, and have the workers go over to it.

    Goes on with one that was interrupted. Raises `Conflict` while another process rebuilds.
    """
    opened = partial(open_generation, settings)
    async with (
        open_pool(required(settings, "postgres_dsn")) as pool,
        open_embedder(settings) as embedder,
    ):
        generations = PostgresGenerations(pool, MEMORIES)
        async with generations.rebuilding():
            former = await generations.first(settings.embedder, embedder.model, embedder.dimension)
            generation = await begun(settings.embedder, embedder, generations=generations, open_generation=opened)
            projections = PostgresProjections(pool, collection_of(generation))
            async with opened(generation) as vectors:
                verification = await rebuild(
                    Shadow(generation, vectors, projections, embedder),
                    former=PostgresProjections(pool, collection_of(former)),
                    generations=generations,
                    told=told,
                )
    return generation, verification


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set, for the running loop."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
