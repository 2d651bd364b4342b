"""Fixtures of `memos mcp`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp_clients import OpenMcp, Way, mcp_client
from running import Memos


@pytest.fixture(params=["stdio", "http"])
def open_mcp(request: pytest.FixtureRequest, memos: Memos, agent: str) -> OpenMcp:
    """Opens a client by either way: by stdio over the bus, by HTTP over the facade."""
    way: Way = request.param
    url = memos.redis_url if way == "stdio" else memos.url

    @asynccontextmanager
    async def opened(*words: str) -> AsyncIterator[Client]:
        async with mcp_client(way, url, "--agent", agent, *words) as client:
            yield client

    return opened
