"""An OpenAI-compatible server whose vectors say how often each word occurs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from builders import vector_of
from fastapi import FastAPI
from http_servers import serving


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
    async with serving(app) as url:
        server.url = f"{url}/v1"
        yield server
