"""HTTP servers that stand in the place of those of others, on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from running import tcp_socket


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The address at which an application is served meanwhile, on a free port of this machine."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server, listening = uvicorn.Server(config), tcp_socket()
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
