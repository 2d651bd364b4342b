"""Fixtures of the proxy: a memOS in front of a server that repeats what it is told, and OpenAI's own client."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from conftest import Engines
from openai import AsyncOpenAI
from running import Memos, served
from upstream import Upstream, upstream_server

PROXY_DATABASE = "4"
"""Of Redis."""

ANSWER_BYTES = 65_536
CACHE_SECONDS = 20.0
"""A machine under test may stall, and a request that goes on without the cache is not what is looked at here."""


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Upstream]:
    """The server behind the proxy."""
    async with upstream_server() as running:
        yield running


@pytest.fixture(scope="session")
async def proxied(engines: Engines, template: str, server: Upstream) -> AsyncIterator[Memos]:
    """A memOS in front of that server."""
    told = {"llm_url": server.url, "llm_answer_bytes": ANSWER_BYTES, "cache_timeout": CACHE_SECONDS}
    async with served(engines, template, PROXY_DATABASE, **told) as running:
        yield running


@pytest.fixture
def upstream(server: Upstream) -> Upstream:
    """The server, sound and asked nothing yet."""
    server.begin_anew()
    return server


@pytest.fixture
async def openai(proxied: Memos) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client, of which nothing but the base URL is another."""
    async with AsyncOpenAI(base_url=f"{proxied.url}/v1", api_key="sk-of-the-client", max_retries=0) as client:
        yield client


@pytest.fixture
async def raw(proxied: Memos) -> AsyncIterator[httpx.AsyncClient]:
    """Requests to the proxy as they travel."""
    async with httpx.AsyncClient(base_url=f"{proxied.url}/v1", timeout=30) as client:
        yield client


@pytest.fixture
def text() -> str:
    """A text that nobody has said before."""
    return f"What is {uuid4().hex} in short, Zürich?"


@pytest.fixture
async def proxied_memory(proxied: Memos) -> AsyncIterator[httpx.AsyncClient]:
    """Requests to the rest of that memOS."""
    async with httpx.AsyncClient(base_url=proxied.url, timeout=30) as client:
        yield client
