"""The engines under test: those whose URLs are given, else Docker's, else the embedded ones."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from memos.client.redis import open_redis
from memos.devstack.stack import embedded_stack
from memos.stores.migrate import migrate
from memos.stores.postgres import Pool, open_pool

REDIS_URL = os.environ.get("MEMOS_TEST_REDIS_URL")
POSTGRES_DSN = os.environ.get("MEMOS_TEST_POSTGRES_DSN")
DOCKER = os.environ.get("MEMOS_TEST_DOCKER")

EXAMPLES = Path(__file__).parent.parent / "examples"


def pytest_configure() -> None:
    """Let tests import the programs of the examples."""
    sys.path.append(os.fspath(EXAMPLES))


@dataclass(frozen=True)
class Engines:
    """Where the engines of this test run listen. Redis is flushed before every test that uses it."""

    redis_url: str
    postgres_dsn: str
    edge_socket: Path


@pytest.fixture(scope="session")
async def engines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engines]:
    async with AsyncExitStack() as stack:
        redis_url, postgres_dsn = REDIS_URL, POSTGRES_DSN
        if DOCKER and not (redis_url and postgres_dsn):
            redis_url, postgres_dsn = await stack.enter_async_context(containers())
        embedded = await stack.enter_async_context(embedded_stack(tmp_path_factory.mktemp("home")))
        yield Engines(redis_url or embedded.redis_url, postgres_dsn or embedded.postgres_dsn, embedded.edge_socket)


@asynccontextmanager
async def containers() -> AsyncIterator[tuple[str, str]]:
    """Redis and PostgreSQL in Docker."""
    from testcontainers.postgres import PostgresContainer
    from testcontainers.redis import RedisContainer

    redis, postgres = RedisContainer("redis:7.4-alpine"), PostgresContainer("postgres:17-alpine", driver=None)
    await asyncio.gather(asyncio.to_thread(redis.start), asyncio.to_thread(postgres.start))
    try:
        host, port = redis.get_container_host_ip(), redis.get_exposed_port(6379)
        yield f"redis://{host}:{port}", postgres.get_connection_url()
    finally:
        await asyncio.gather(asyncio.to_thread(redis.stop), asyncio.to_thread(postgres.stop))


@pytest.fixture
async def redis(engines: Engines) -> AsyncIterator[Redis]:
    """An empty Redis."""
    async with open_redis(engines.redis_url) as client:
        await client.flushdb()
        yield client


@pytest.fixture(scope="session")
async def template(engines: Engines) -> AsyncIterator[str]:
    """The name of a migrated database that others are cloned from."""
    name = f"memos_template_{uuid4().hex[:8]}"
    await execute(engines.postgres_dsn, f"create database {name}")
    await migrate(with_database(engines.postgres_dsn, name))
    yield name
    await execute(engines.postgres_dsn, f"drop database {name} with (force)")


@pytest.fixture
async def postgres_dsn(engines: Engines, template: str) -> AsyncIterator[str]:
    """A ledger of the test's own: migrated and empty."""
    name = f"memos_test_{uuid4().hex[:8]}"
    await execute(engines.postgres_dsn, f"create database {name} template {template}")
    yield with_database(engines.postgres_dsn, name)
    await execute(engines.postgres_dsn, f"drop database {name} with (force)")


@pytest.fixture
async def empty_database(engines: Engines) -> AsyncIterator[str]:
    """A database without any table."""
    name = f"memos_empty_{uuid4().hex[:8]}"
    await execute(engines.postgres_dsn, f"create database {name}")
    yield with_database(engines.postgres_dsn, name)
    await execute(engines.postgres_dsn, f"drop database {name} with (force)")


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[Pool]:
    """Connections to a ledger of the test's own."""
    async with open_pool(postgres_dsn) as connections:
        yield connections


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def with_database(dsn: str, name: str) -> str:
    """A DSN with another database; keeps `?host=` of a socket, which `urlsplit` needs an authority for."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))
