"""The fixtures of tenants that have a cache of answers."""

from collections.abc import AsyncIterator

import pytest
from chats import Tenant
from running import Memos

from memos.client.bus import Bus, open_bus


@pytest.fixture
async def answer_bus(memos: Memos) -> AsyncIterator[Bus]:
    async with open_bus(memos.redis_url, "tests") as opened:
        yield opened


@pytest.fixture
def ours(answer_bus: Bus) -> Tenant:
    return Tenant(answer_bus)


@pytest.fixture
def theirs(answer_bus: Bus) -> Tenant:
    return Tenant(answer_bus)
