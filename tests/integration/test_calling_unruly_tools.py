"""Calling tools that pack, encode and name things as they please."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from http_servers import serving

from memos.client import connect
from memos.client.tools import Tools
from memos.errors import InvalidCommand, ToolFailed
from memos.records import HttpInvocation, Parameter, ToolDefinition

BOMB = gzip.compress(gzip.compress(bytes(100_000_000), 9), 9)
CHARSETS = ("hex", "rot13", "base64", "idna", "undefined", "punycode", "unicode_escape", "no-such", "utf-8")


def packed(content: bytes, coding: str) -> Callable[[], Response]:
    return lambda: Response(content, media_type="text/plain", headers={"content-encoding": coding})


ANSWERS: dict[str, Callable[[], Response]] = {
    "gzip": packed(gzip.compress(b"clear"), "gzip"),
    "plain": packed(b"clear", "identity"),
    "followed": packed(gzip.compress(b"clear") + b"a" * 1_000_000, "x-gzip"),
    "nothing": packed(b"", "gzip"),
    "twice": packed(BOMB, "gzip, gzip"),
    "bomb": packed(gzip.compress(bytes(100_000_000), 9), "gzip"),
    "deflate": packed(zlib.compress(b"clear"), "deflate"),
    "torn": packed(gzip.compress(b"clear" * 100)[:-9], "gzip"),
    "unzipped": packed(b"clear", "gzip"),
}


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """A server of a tool that answers as it is told to, or what it was sent."""
    app = FastAPI()

    @app.get("/answers/{which}")
    async def answers(which: str) -> Response:
        return ANSWERS[which]()

    @app.get("/charsets/{charset}")
    async def charsets(charset: str) -> Response:
        return Response(b"\xff\\x41\xc3\xa9--a..b", headers={"content-type": f"text/plain; charset={charset}"})

    @app.post("/headers")
    async def headers(request: Request) -> dict[str, str]:
        return dict(request.headers)

    async with serving(app) as address:
        yield address


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    """Tools of a client that reports nothing and so needs no memOS."""
    async with connect("http://127.0.0.1:9") as client:
        yield client.tools


def tool(url: str, **invocation: Any) -> ToolDefinition:
    return ToolDefinition(
        tool_id="weather",
        name="Weather",
        description="Tells the weather.",
        endpoint_url=url,
        invocation=HttpInvocation(**{"method": "GET", **invocation}),
    )


@pytest.mark.parametrize(
    ("which", "content"), [("gzip", "clear"), ("plain", "clear"), ("followed", "clear"), ("nothing", None)]
)
async def test_an_answer_is_unpacked_once(tools: Tools, url: str, which: str, content: str | None) -> None:
    assert (await tools.call(tool(f"{url}/answers/{which}"), report=False)).content == content


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("twice", "packs its answer by gzip, gzip, and was asked for gzip or nothing"),
        ("bomb", "answers with more than 10,000,000 bytes"),
        ("deflate", "packs its answer by deflate"),
        ("torn", "answers with gzip that cannot be unpacked"),
        ("unzipped", "answers with gzip that cannot be unpacked"),
    ],
)
async def test_an_answer_that_is_packed_otherwise_is_not_read(
    tools: Tools, url: str, which: str, message: str
) -> None:
    with pytest.raises(ToolFailed, match=message) as failed:
        await tools.call(tool(f"{url}/answers/{which}"), report=False)
    assert failed.value.answered == 200


@pytest.mark.parametrize("charset", CHARSETS)
async def test_an_answer_in_no_charset_of_text_is_read_as_utf_8(tools: Tools, url: str, charset: str) -> None:
    answer = await tools.call(tool(f"{url}/charsets/{charset}"), report=False)
    assert answer.content == "\ufffd\\x41\u00e9--a..b"


async def test_json_is_asked_for_unless_something_else_is(tools: Tools, url: str) -> None:
    one = tool(f"{url}/headers", method="POST")
    told = (await tools.call(one, report=False)).content
    assert (told["accept"], told["accept-encoding"]) == ("application/json, */*;q=0.5", "gzip")

    given = await tools.call(one, report=False, headers={"accept": "text/csv"})
    assert given.content["accept"] == "text/csv"
    async with httpx.AsyncClient(headers={"Accept": "text/html"}) as http:
        assert (await tools.call(one, report=False, http=http)).content["accept"] == "text/html"
    asked = tool(
        f"{url}/headers", method="POST", parameters=[Parameter(argument="a", place="header", name="Accept")]
    )
    assert (await tools.call(asked, {"a": "text/xml"}, report=False)).content["accept"] == "text/xml"


@pytest.mark.parametrize(
    ("name", "value"),
    [("Content-Length", "3"), ("transfer-encoding", "chunked"), ("X Y", "1"), ("\u00e9", "1"), ("X", "1\r\nY: 2")],
)
async def test_headers_that_cannot_be_sent_are_refused_by_name(tools: Tools, name: str, value: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await tools.call(tool("http://127.0.0.1:9/"), report=False, headers={name: value})
    assert [fault.field for fault in refused.value.faults] == [f"headers.{name}"]


async def test_a_host_that_has_no_name_in_ascii_is_told(tools: Tools) -> None:
    with pytest.raises(ToolFailed, match="weather could not be called: "):
        await tools.call(tool(f"http://{'a' * 64}.\u00fcx/"), report=False)


async def test_an_answer_that_never_was_on_a_network_is_read(tools: Tools) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"sky": "clear"}))
    async with httpx.AsyncClient(transport=transport) as http:
        answer = await tools.call(tool("http://tools.example/"), report=False, http=http)
    assert answer.content == {"sky": "clear"}
