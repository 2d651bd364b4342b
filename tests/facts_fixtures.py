"""Fixtures of the log of facts: an empty one, and the SDK with a worker that reads it."""

from collections.abc import AsyncIterator

import pytest
from conftest import Engines
from lanes import OpenLane
from redis.asyncio import Redis
from relaying import FactsOfTest, MakeReader, Reader, reading

from memos.client import Client
from memos.records import Fact
from memos.stores.postgres import Pool


@pytest.fixture
def log(pool: Pool, postgres_dsn: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> FactsOfTest:
    """An empty log; its relays and followers look often."""
    monkeypatch.setattr("memos.projection.relay.POLL_SECONDS", 0.01)
    monkeypatch.setattr("memos.projection.relay.STANDBY_SECONDS", 0.01)
    monkeypatch.setattr("memos.projection.relay.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("memos.client.follow.BLOCK_MS", 20)
    monkeypatch.setattr("memos.client.follow.FIRST_PAUSE", 0.01)
    return FactsOfTest(pool, postgres_dsn, redis)


@pytest.fixture
async def bus(engines: Engines, log: FactsOfTest, open_lane: OpenLane) -> AsyncIterator[Client]:
    """The SDK over the bus, with a worker that looks often whether it is to stop."""
    async with reading(engines.redis_url, log.facts) as client:
        yield client


@pytest.fixture
async def reader() -> AsyncIterator[MakeReader]:
    """Makes readers, which leave at the end of the test: name it after what they read from."""
    made: list[Reader] = []

    def make(facts: AsyncIterator[Fact]) -> Reader:
        made.append(Reader(facts))
        return made[-1]

    yield make
    for each in made:
        await each.leave()
