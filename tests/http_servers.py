"""HTTP servers that stand in the place of those of others, on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
from running import tcp_socket
from starlette.applications import Starlette


@asynccontextmanager
async def serving(
    app: Starlette, lifespan: Literal["on", "off"] = "off", at: socket.socket | None = None
) -> AsyncIterator[str]:
    """The address at which an application is served meanwhile, on a free port of this machine or a socket."""
    config = uvicorn.Config(app, log_config=None, lifespan=lifespan, timeout_graceful_shutdown=1)
    server, listening = uvicorn.Server(config), at or tcp_socket()
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
