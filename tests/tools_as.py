"""tools.as on a port of its own, and a SearXNG that answers as a test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from devenviro.tools_as import ToolsSettings, create_app
from fastapi import FastAPI, Request, Response
from http_servers import serving
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


@asynccontextmanager
async def tools_as(folder: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Requests to a tools.as whose list is in a folder."""
    app = create_app(ToolsSettings(folder / "lists" / "todos.sqlite3", **settings))
    async with serving(app, "on") as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


def problem(response: httpx.Response) -> tuple[int, str]:
    """The status and the detail of an answer that is a problem."""
    assert response.headers["content-type"] == MEDIA_TYPE
    said = response.json()
    assert said["status"] == response.status_code
    return response.status_code, said["detail"]


def page(number: int, **fields: Any) -> dict[str, Any]:
    """A result as SearXNG gives it."""
    url = f"https://www.example.org/{number}"
    return {"url": url, "title": f"Page {number}", "content": f"Text {number}", "engine": "mojeek", **fields}


class Upstream:
    """A SearXNG; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answer: Callable[[Request], Any] = lambda request: self.results(page(1))
        self.url = ""

    async def search(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        answer = self.answer(request)
        found = answer if isinstance(answer, Response) else await answer
        assert isinstance(found, Response)
        return found

    @staticmethod
    def results(*results: object) -> Response:
        """A page of results as it is answered."""
        return JSONResponse({"query": "q", "number_of_results": 0, "results": results})


@asynccontextmanager
async def searxng() -> AsyncIterator[Upstream]:
    """A server that runs meanwhile."""
    upstream, app = Upstream(), FastAPI()
    app.get("/search")(upstream.search)
    async with serving(app) as url:
        upstream.url = url
        yield upstream
