"""Fixtures of tests that promote sessions."""

import pytest
from builders import Rooms
from conftest import Engines
from redis.asyncio import Redis
from sessions import Sessions, working_on

from memos.stores.facts import PostgresFacts


@pytest.fixture
def sessions(redis: Redis, rooms: Rooms, engines: Engines) -> Sessions:
    """Working memory on an empty Redis, and an empty ledger."""
    return Sessions(redis, working_on(redis), PostgresFacts(rooms.pool, engines.postgres_dsn), rooms)
