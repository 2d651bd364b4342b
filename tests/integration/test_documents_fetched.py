"""Documents from the web."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from http_servers import serving
from running import until

from memos.errors import InvalidCommand, TooLarge, Unavailable
from memos.toolkits.documents import read_document
from memos.toolkits.openapi import tools_of


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[str]:
    app = FastAPI(title="Site")

    @app.get("/docs/latest", include_in_schema=False)
    def latest() -> RedirectResponse:
        return RedirectResponse("/openapi.json")

    @app.get("/page", include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse("<!doctype html>\n<p>Our API:\n<p>See below: it is easy</p>")

    @app.get("/endless", include_in_schema=False)
    def endless() -> StreamingResponse:
        return StreamingResponse(iter(lambda: b" " * 1_000_000, b""))

    @app.get("/slow", include_in_schema=False)
    async def slow(request: Request) -> None:
        await until(request.is_disconnected)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    async with serving(app) as url:
        yield url


async def test_a_document_is_fetched_and_its_operations_are_called_where_it_was_found(site: str) -> None:
    document = await read_document(f"{site}/docs/latest")

    (tool,) = tools_of(document.content, url=document.url).tools

    assert (document.name, document.url) == (f"{site}/docs/latest", f"{site}/openapi.json")
    assert tool.endpoint_url == f"{site}/hello"


async def test_credentials_in_the_url_of_a_document_are_not_in_those_of_its_tools(site: str) -> None:
    document = await read_document(f"{site.replace('//', '//me:secret@')}/openapi.json")

    (tool,) = tools_of(document.content, url=document.url).tools

    assert tool.endpoint_url == f"{site}/hello"


async def test_what_is_not_given_is_told_in_a_line(site: str) -> None:
    with pytest.raises(Unavailable, match="/nothing answered 404"):
        await read_document(f"{site}/nothing")
    with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
        await read_document(f"{site}/slow", timeout=0.2)
    with pytest.raises(TooLarge, match="/endless is larger than 32 MiB"):
        await read_document(f"{site}/endless")
    with pytest.raises(InvalidCommand, match="/page is neither JSON nor YAML"):
        await read_document(f"{site}/page")
    with pytest.raises(Unavailable, match="cannot be fetched"):
        await read_document("http://127.0.0.1:1/openapi.json")
    with pytest.raises(InvalidCommand, match="is no URL"):
        await read_document("http://[::1/openapi.json")
