"""Working memory on the Redis under test."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sessions_kept import LIMITS, POLICY, any_lasting, lasting_keys

from memos.stores.working import RedisWorking


@pytest.fixture
async def working(redis: Redis) -> AsyncIterator[RedisWorking]:
    """Working memory; when a test is over, every key that it left has a TTL, unless sessions are lasting."""
    yield RedisWorking(redis, POLICY, LIMITS)
    assert await lasting_keys(redis) == set() or await any_lasting(redis)
