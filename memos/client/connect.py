"""Where a client begins."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from memos.client.client import Client
from memos.client.retrying import RETRIES, Retrying
from memos.client.transport import Transport
from memos.errors import ConfigurationError

DEFAULT_URL = "http://127.0.0.1:8090"
BUS_SCHEMES = ("redis://", "rediss://", "unix://")
HTTP_SCHEMES = ("http://", "https://")


@asynccontextmanager
async def connect(
    url: str = DEFAULT_URL, *, source: str = "memos.client", timeout: float = 30.0, retries: int = RETRIES
) -> AsyncIterator[Client]:
    """A client over HTTP (`http://…`) or over the bus (`redis://…`, `unix://…`).

    `source` names the sender on the bus: command ids are unique within it. A command is given up after `timeout`
    seconds, within which it is sent again up to `retries` times while memOS is out of reach or overloaded, 0 for
    never; see `memos.client.retrying`. Raises `ConfigurationError` for any other URL.
    """
    async with _open(url, source) as transport:
        yield Client(Retrying(transport, retries=retries, patience=timeout), timeout=timeout)


@asynccontextmanager
async def _open(url: str, source: str) -> AsyncIterator[Transport]:
    if url.startswith(BUS_SCHEMES):
        from memos.client.bus import open_bus

        async with open_bus(url, source) as bus:
            yield bus
    elif url.startswith(HTTP_SCHEMES):
        from memos.client.http import open_http

        async with open_http(url) as http:
            yield http
    else:
        raise ConfigurationError(
            f"{url!r} is no address of memOS. Give http://… for the facade, or redis://… or unix://… for the bus."
        )
