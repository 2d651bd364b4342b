"""The connection to Redis, as the bus needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from memos.errors import ConfigurationError, Unavailable

LONGEST_BLOCK = 5.0
"""Seconds that any command on the bus may block; reads time out after more."""


@asynccontextmanager
async def open_redis(url: str, *, retries: int = 3) -> AsyncIterator[Redis]:
    """A client for `redis://…`, `rediss://…` or `unix://…` that replies in bytes.

    Its pool grows as needed, since every blocking read holds a connection of its own. A consumer asks
    for no retries: a read that is repeated unseen forgets the entries of the first. Raises
    `ConfigurationError` for an address that is none.
    """
    try:
        client = Redis.from_url(
            url,
            decode_responses=False,
            max_connections=10_000,
            socket_timeout=LONGEST_BLOCK * 2,
            socket_connect_timeout=5,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), retries),
        )
    except ValueError as error:
        raise ConfigurationError(
            f"The address of Redis is not valid: {error}. Give redis://…, rediss://… or unix://…."
        ) from error
    try:
        yield client
    finally:
        # A command under way would connect once more, and leave that connection open.
        for connection in client.connection_pool._in_use_connections:
            connection.retry.update_retries(0)
        await client.aclose()


async def ping(redis: Redis) -> None:
    """Return when Redis answers. Raises `Unavailable`."""
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        detail = str(error).rstrip(".")
        raise Unavailable(f"The bus (Redis) does not answer: {detail}. See that it runs.") from error
