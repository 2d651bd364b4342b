"""The composition root: opens everything that a process needs, and closes it again."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypedDict

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.broker.lane import Lane
from memos.client.redis import open_redis
from memos.devstack.locate import required
from memos.errors import ConfigurationError
from memos.events.streams import STREAM_OF
from memos.events.streams import Lane as LaneName
from memos.handlers import HANDLERS
from memos.ports import Embedder, Memories, Projections, Vectors
from memos.projection.points import memories_collection
from memos.projection.reconciler import keep_reconciling, refill_if_lost
from memos.records import Collection
from memos.settings import Settings
from memos.stores.edge import open_edge
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import open_pool
from memos.stores.projections import open_projections

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_embedder(settings: Settings) -> AsyncIterator[Embedder]:
    """The embedder that the settings name."""
    if settings.embedder == "openai":
        from memos.embeddings.openai_compatible import open_openai_compatible

        if not settings.embedding_model:
            raise ConfigurationError("MEMOS_EMBEDDER is openai, so MEMOS_EMBEDDING_MODEL must name its model.")
        async with open_openai_compatible(
            settings.embedding_url,
            settings.embedding_model,
            dimension=settings.embedding_dimension,
            api_key=settings.embedding_api_key,
            timeout=settings.embedding_timeout,
        ) as remote:
            yield remote
    else:
        from memos.embeddings.minilm import MiniLM

        async with MiniLM(threads=settings.embedding_threads or None) as embedded:
            yield embedded


@asynccontextmanager
async def open_vectors(settings: Settings, collection: Collection) -> AsyncIterator[Vectors]:
    """The vector engine that the settings name: a Qdrant server, or the Edge process."""
    if settings.qdrant_url:
        from memos.stores.qdrant import open_qdrant

        async with open_qdrant(settings.qdrant_url, settings.qdrant_api_key, collection) as server:
            yield server
    elif settings.edge_socket:
        async with open_edge(settings.edge_socket, collection) as edge:
            yield edge
    else:
        raise ConfigurationError(
            f"No memOS runs in {settings.home}, and MEMOS_QDRANT_URL is not set. "
            "Start one with `memos up`, or set the variable."
        )


class Ports(TypedDict):
    """Every port, under the name by which handlers ask for it."""

    embedder: Embedder
    memories: Memories
    projections: Projections
    vectors: Vectors


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[Ports]:
    """Every port that a handler may name, open."""
    async with AsyncExitStack() as stack:
        embedder = await stack.enter_async_context(open_embedder(settings))
        collection = memories_collection(embedder.model, embedder.dimension)
        pool = await stack.enter_async_context(open_pool(required(settings, "postgres_dsn")))
        projections = await open_projections(pool, collection)
        vectors = await stack.enter_async_context(open_vectors(settings, collection))
        await refill_if_lost(vectors=vectors, projections=projections)
        yield {
            "embedder": embedder,
            "memories": PostgresMemories(pool),
            "projections": projections,
            "vectors": vectors,
        }


async def require_redis(redis: Redis, url: str) -> None:
    """Raise `ConfigurationError` when nothing answers there."""
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        raise ConfigurationError(
            f"Redis at {url.rpartition('@')[2]} does not answer: {error}. Start it, or correct MEMOS_REDIS_URL."
        ) from error


async def run_worker(settings: Settings, lane: LaneName, stopping: asyncio.Event) -> None:
    """Handle the commands of a lane until told to stop."""
    url = required(settings, "redis_url")
    handlers = [handler for handler in HANDLERS if STREAM_OF[handler.command].lane == lane]
    async with open_redis(url, retries=0) as redis, open_ports(settings) as ports:
        await require_redis(redis, url)
        work = Lane(
            redis,
            url,
            handlers,
            ports,
            lease_seconds=settings.lease_seconds,
            reply_ttl=settings.reply_ttl,
        )
        log.info("The %s lane is open", lane)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work.run(stopping))
            if lane == "bulk":
                reconciling = keep_reconciling(
                    stopping,
                    memories=ports["memories"],
                    vectors=ports["vectors"],
                    projections=ports["projections"],
                )
                tasks.create_task(reconciling)
    log.info("The %s lane is closed", lane)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set, for the running loop."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
