"""Fixtures of the bus: lanes of a test's own, and a whole memOS that all tests of a run share."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from conftest import Engines
from lanes import OpenLane, Wire, opener
from redis.asyncio import Redis
from running import Memos, served

from memos.client import Client, connect

SERVED_DATABASE = "1"
"""Of Redis; other tests flush number 0."""


@pytest.fixture(scope="session")
async def memos(engines: Engines, template: str) -> AsyncIterator[Memos]:
    """A memOS for all tests; each keeps to agents or tenants of its own."""
    async with served(engines, template, SERVED_DATABASE) as running:
        yield running


@pytest.fixture(scope="session")
async def http(memos: Memos) -> AsyncIterator[httpx.AsyncClient]:
    """Requests to the facade."""
    async with httpx.AsyncClient(base_url=memos.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
async def clients(memos: Memos) -> AsyncIterator[dict[str, Client]]:
    """The SDK over either of its ways."""
    async with connect(memos.url) as over_http, connect(memos.redis_url, source="tests") as over_bus:
        yield {"http": over_http, "bus": over_bus}


@pytest.fixture(params=["http", "bus"])
def client(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    """The SDK, once over each of its ways."""
    return clients[request.param]


@pytest.fixture
def agent() -> str:
    """An agent that nobody else knows."""
    return f"agent-{uuid4().hex}"


@pytest.fixture
def wire(redis: Redis) -> Wire:
    """Streams that are empty at first."""
    return Wire(redis)


@pytest.fixture
def open_lane(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> OpenLane:
    """Lanes on the streams of `wire` that look often whether they are to stop."""
    monkeypatch.setattr("memos.broker.consumer.BLOCK_MS", 20)
    return opener(engines.redis_url)
