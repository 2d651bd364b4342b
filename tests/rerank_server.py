"""A `/rerank` server whose scores say which part of a query's words a text has."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from http_servers import serving

Answer = Callable[[dict[str, Any]], Any]
"""What is answered to a body: a response, or what JSON is made of, or a coroutine of either."""


def overlap(query: str, text: str) -> float:
    """The part of the query's words that are in the text, from 0 to 1."""
    asked, said = set(re.findall(r"\w+", query.lower())), set(re.findall(r"\w+", text.lower()))
    return len(asked & said) / len(asked) if asked else 0.0


def scored(body: dict[str, Any], name: str = "relevance_score") -> list[dict[str, Any]]:
    """The scores of a request, best first, as servers give them."""
    texts = body["texts"] if "texts" in body else body["documents"]
    scores = [{"index": index, name: overlap(body["query"], text)} for index, text in enumerate(texts)]
    return sorted(scores, key=lambda one: -one[name])


def as_jina(body: dict[str, Any]) -> object:
    """The answer of Jina, Cohere, vLLM and llama.cpp."""
    return {"model": body.get("model"), "object": "list", "usage": {"total_tokens": 1}, "results": scored(body)}


def as_infinity(body: dict[str, Any]) -> object:
    """The answer of older versions of Infinity, and of Voyage."""
    return {"object": "rerank", "data": [{**one, "document": None} for one in scored(body)]}


def as_tei(body: dict[str, Any]) -> object:
    """The answer of Text Embeddings Inference."""
    return scored(body, "score")


def as_json(content: object, status: int = 200, **headers: str) -> Response:
    """A response that may also have what JSON does not have."""
    return Response(json.dumps(content), status, headers, "application/json")


class ScoringServer:
    """A server on a port of its own; notes what it was asked, and answers as `answer` says."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answer: Answer = as_jina
        self.url = ""

    async def rerank(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization"))
        answer = self.answer(body)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, Response) else as_json(answer)


@asynccontextmanager
async def rerank_server() -> AsyncIterator[ScoringServer]:
    """A server that runs meanwhile."""
    server, app = ScoringServer(), FastAPI()
    app.post("/v1/rerank")(server.rerank)
    async with serving(app) as url:
        server.url = f"{url}/v1"
        yield server
