"""The application of tools.as."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from devenviro.tools_as.documents import ENGINE, Documents
from devenviro.tools_as.problems import Problem, answer_with_problems
from devenviro.tools_as.search_records import Search
from devenviro.tools_as.search_routes import document_routes, search_routes
from devenviro.tools_as.searxng import SearXNG
from devenviro.tools_as.settings import ToolsSettings
from devenviro.tools_as.todo_routes import todo_routes
from devenviro.tools_as.todos import TodoList

TAGS = [
    {"name": "web-search", "description": "Finds pages of the web."},
    {"name": "todo-list", "description": "Keeps what is to be done, until it is done."},
]


def create_app(settings: ToolsSettings) -> FastAPI:
    """An application that serves both tools; what it opens is closed when it stops."""
    stack = AsyncExitStack()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with stack:
            yield

    app = FastAPI(
        title="tools.as",
        version="1.0.0",
        description="Tools for agents: a search of the web, and a list of things to do.",
        openapi_tags=TAGS,
        lifespan=lifespan,
    )
    answer_with_problems(app)
    search: Search
    if settings.searxng_url:
        http = httpx.AsyncClient(timeout=settings.search_seconds, follow_redirects=True)
        stack.push_async_callback(http.aclose)
        search = SearXNG(settings.searxng_url, http, settings.search_seconds)
    else:
        search = documents = Documents(settings.documents)
        stack.callback(documents.close)
        app.include_router(document_routes(documents))
    app.include_router(search_routes(search))
    app.include_router(todo_routes(TodoList(settings.database)))
    _tell_health(app, "searxng" if settings.searxng_url else ENGINE)
    _describe_problems(app)
    return app


def _tell_health(app: FastAPI, searches: str) -> None:
    @app.get("/health", include_in_schema=False)
    def health() -> dict[str, str]:
        return {"status": "ok", "search": searches}


def _describe_problems(app: FastAPI) -> None:
    """Have the document of the API describe problems, to which its operations refer."""
    described = app.openapi

    def with_problems() -> dict[str, Any]:
        document = described()
        schemas: dict[str, Any] = document["components"]["schemas"]
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        schemas["Problem"] = schema
        return document

    app.openapi = with_problems  # type: ignore[method-assign]
