"""An OpenAI-compatible server whose vectors say how often each word occurs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from builders import vector_of
from fastapi import FastAPI
from running import tcp_socket


class EmbeddingServer:
    """A server on a port of its own; notes what it was asked to embed, and with which model."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    async def embed(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked += [(body["model"], text) for text in body["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": list(vector_of(text))}
            for index, text in enumerate(body["input"])
        ]
        return {"object": "list", "data": data, "model": body["model"], "usage": {}}


@asynccontextmanager
async def embedding_server() -> AsyncIterator[EmbeddingServer]:
    """A server that runs meanwhile."""
    server, app = EmbeddingServer(), FastAPI()
    app.post("/v1/embeddings")(server.embed)
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    serving, socket = uvicorn.Server(config), tcp_socket()
    server.url = f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
    task = asyncio.create_task(serving.serve([socket]))
    yield server
    serving.should_exit = True
    await task
