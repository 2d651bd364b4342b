"""The composition root: opens everything that a process needs, and closes it again."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError
from threadpoolctl import threadpool_limits

from memos.broker.lane import Lane
from memos.broker.leases import consumer_name
from memos.broker.policy import Policy
from memos.client.metrics import PublishedMetrics, keep_publishing
from memos.client.redis import open_redis, ping
from memos.devstack.locate import required
from memos.discovery import Catalogs
from memos.engines import current_generation, following, open_embedder, open_generation, open_reranker
from memos.errors import Unavailable
from memos.events.envelope import FIELD
from memos.events.facts import document_of
from memos.events.streams import FACTS_STREAM, STREAM_OF
from memos.events.streams import Lane as LaneName
from memos.handlers import HANDLERS
from memos.handlers.watch import Ping, Watch, keep_watch
from memos.handlers.working.clearing import keep_clearing
from memos.handlers.working.promoting import Promoting
from memos.ports import Embedder, Projections, Vectors
from memos.projection.answers import DerivedAnswers
from memos.projection.comparing import keep_comparing
from memos.projection.derived import DerivedVectors
from memos.projection.others import Others
from memos.projection.points import MEMORIES, collection_of
from memos.projection.rebuild import Shadow, Told, begun, rebuild
from memos.projection.reconciler import keep_reconciling
from memos.projection.relay import keep_relaying
from memos.projection.upgrade import outdated, patiently, stages_logged
from memos.projection.verify import Verification
from memos.records import Generation
from memos.settings import Settings
from memos.shifts import Duty, Ports, Shift, shifts, unless_told
from memos.stores.deletions import PostgresDeletions
from memos.stores.fact_stream import RedisFactStream
from memos.stores.facts import PostgresFacts
from memos.stores.generations import PostgresGenerations
from memos.stores.learning import PostgresLearnings
from memos.stores.links import PostgresLinks
from memos.stores.loadouts import PostgresLoadouts
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import Pool, open_pool
from memos.stores.projections import PostgresProjections
from memos.stores.tools import PostgresTools
from memos.telemetry import Telemetry
from memos.tier1 import open_tier1
from memos.waiting import Stragglers, set_in_the_end

log = logging.getLogger(__name__)

LEASES_WITHOUT_METRICS = 3
"""After how many leases a worker whose metrics came no more is no longer counted."""


class Searched(NamedTuple):
    """The generation of the memories that is current, open, with the embedder of its model."""

    vectors: Vectors
    projections: Projections
    embedder: Embedder


@asynccontextmanager
async def open_searched(settings: Settings, pool: Pool) -> AsyncIterator[Searched]:
    """What queries search."""
    async with AsyncExitStack() as stack:
        generation, embedder = await current_generation(settings, PostgresGenerations(pool, MEMORIES), stack)
        vectors = await stack.enter_async_context(open_generation(settings, generation))
        yield Searched(vectors, account_in(pool, generation), embedder)


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[Ports]:
    """Every port that a handler may name, open."""
    async with AsyncExitStack() as stack:
        dsn = required(settings, "postgres_dsn")
        pool = await stack.enter_async_context(open_pool(dsn))
        searched = await stack.enter_async_context(open_searched(settings, pool))
        vectors, projections = searched.vectors, searched.projections
        generations = PostgresGenerations(pool, MEMORIES)
        others = Others(
            projections.generation,
            generations,
            partial(open_generation, settings, make=False),
            partial(account_in, pool),
        )
        tools = PostgresTools(pool)
        tier1 = await stack.enter_async_context(open_tier1(settings, pool))
        yield {
            **tier1,
            "catalogs": Catalogs(tools, searched.embedder, settings.catalog_bytes),
            "deletions": PostgresDeletions(pool),
            "derived": [DerivedVectors(vectors, projections, others), DerivedAnswers(tier1["answers"])],
            "embedder": searched.embedder,
            "facts": PostgresFacts(pool, dsn),
            "generations": generations,
            "learnings": PostgresLearnings(pool),
            "links": PostgresLinks(pool),
            "loadouts": PostgresLoadouts(pool),
            "memories": PostgresMemories(pool),
            "others": others,
            "projections": projections,
            "reranker": await stack.enter_async_context(open_reranker(settings)),
            "stragglers": await stack.enter_async_context(Stragglers()),
            "tools": tools,
            "vectors": vectors,
        }


def account_in(pool: Pool, generation: Generation) -> PostgresProjections:
    """The ledger's account of a generation."""
    return PostgresProjections(pool, collection_of(generation))


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
    """Handle the commands of a lane until told to stop, and end within `stop_seconds` and about two more.

    When another generation becomes current, a shift on that one begins before the one on the former ends.
    """
    url = required(settings, "redis_url")
    telemetry = Telemetry()
    # products of less than a millisecond lose more by threads that wait for each other than they gain
    with threadpool_limits(1, user_api="blas"):
        await _run_shifts(settings, lane, url, telemetry, stopping)
    log.info("The %s lane is closed", lane)


async def _run_shifts(
    settings: Settings, lane: LaneName, url: str, telemetry: Telemetry, stopping: asyncio.Event
) -> None:
    async with open_redis(url, retries=0) as redis:
        await require_redis(redis, url)
        metrics = published_metrics(settings, lane, redis, telemetry)
        one_by_one = shifts(partial(open_ports, settings), stopping)
        shift = await anext(one_by_one, None)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_publishing(over, metrics, every=settings.lease_seconds))
            if lane == "bulk":
                tasks.create_task(unless_told(stopping, patiently(partial(upgrade_memories, settings))))
            with set_in_the_end(over):
                while shift:
                    about = (shift, settings, lane, redis, telemetry)
                    work = shift.work(consuming(*about), [*duties(*about)], stop_seconds=settings.stop_seconds)
                    tasks.create_task(work)
                    log.info("The %s lane is open", lane)
                    shift = await anext(one_by_one, None)


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


def consuming(shift: Shift, settings: Settings, lane: LaneName, redis: Redis, telemetry: Telemetry) -> Duty:
    """The work of a lane until the shift is over."""
    handlers = [handler for handler in HANDLERS if STREAM_OF[handler.command].lane == lane]
    url, policy = required(settings, "redis_url"), policy_of(settings)
    return Lane(redis, url, handlers, shift.ports, policy=policy, telemetry=telemetry).run(shift.over)


def duties(shift: Shift, settings: Settings, lane: LaneName, redis: Redis, telemetry: Telemetry) -> Iterator[Duty]:
    """What a worker does beside its lane; in the bulk lane it also keeps its projection true, links, clears and
    relays.
    """
    ports, stopping = shift.ports, shift.over
    yield keep_watch(stopping, watch_of(ports, redis, telemetry))
    if lane == "bulk":
        yield keep_reconciling(
            stopping,
            memories=ports["memories"],
            vectors=ports["vectors"],
            projections=ports["projections"],
            others=ports["others"],
            answers=DerivedAnswers(ports["answers"]),
            embedder=ports["embedder"],
            retired_seconds=settings.retired_seconds,
            telemetry=telemetry,
        )
        yield keep_comparing(
            stopping,
            links=ports["links"],
            vectors=ports["vectors"],
            projections=ports["projections"],
            telemetry=telemetry,
        )
        yield keep_clearing(
            stopping,
            working=ports["working"],
            facts=ports["facts"],
            promoting=Promoting(ports["memories"], ports["vectors"], ports["projections"], ports["embedder"]),
            language_model=ports["language_model"],
        )
        stream = fact_stream(redis, settings)
        yield keep_relaying(stopping, facts=ports["facts"], stream=stream, telemetry=telemetry)


async def rebuild_memories(settings: Settings, told: Told) -> tuple[Generation, Verification]:
    """Make the projection of the memories anew with the settings' model, and have the workers go over to it.

    Goes on with one that was interrupted. Raises `Conflict` while another process rebuilds.
    """
    async with (
        open_pool(required(settings, "postgres_dsn")) as pool,
        open_embedder(settings) as embedder,
    ):
        generations = PostgresGenerations(pool, MEMORIES)
        async with generations.rebuilding():
            former = await generations.first(settings.embedder, embedder.model, embedder.dimension)
            opened = partial(open_generation, settings, make=False)
            generation = await begun(settings.embedder, embedder, generations=generations, open_generation=opened)
            async with open_generation(settings, generation) as vectors:
                verification = await rebuild(
                    Shadow(generation, vectors, account_in(pool, generation), embedder),
                    former=account_in(pool, former),
                    generations=generations,
                    tools=PostgresTools(pool),
                    told=told,
                )
    return generation, verification


async def upgrade_memories(settings: Settings) -> None:
    """Make the projection of the memories anew, with the model that it has, if a former version made it.

    Raises `Conflict` while another process rebuilds, and what a rebuild raises.
    """
    async with open_pool(required(settings, "postgres_dsn")) as pool:
        generations = PostgresGenerations(pool, MEMORIES)
        former, known = await outdated(generations), await generations.known()
    if former:
        log.info("Generation %d of the memories was made by a former version and is made anew", former.number)
        made, _ = await rebuild_memories(following(settings, former, known), stages_logged())
        log.info("The memories are searched in generation %d from now on", made.number)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set, for the running loop."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
