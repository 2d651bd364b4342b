"""Calling tools by HTTP: what is sent, what comes back, and what is refused."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from http_servers import serving

from memos.client import connect
from memos.client.tools import Tools
from memos.errors import InvalidCommand, ToolFailed
from memos.records import HttpInvocation, Parameter, ToolDefinition

ECHO = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "q": {"type": "array"}, "key": {"type": "string"}, "text": {}},
    "required": ["id"],
    "additionalProperties": False,
}
PLACES = [Parameter(argument="q", place="query"), Parameter(argument="key", place="header", name="X-Key")]


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """A server with endpoints that tools are called at."""
    app = FastAPI()

    @app.post("/echo/{rest:path}")
    async def echo(request: Request) -> dict[str, Any]:
        return {
            "path": request.scope["raw_path"].decode(),
            "query": request.query_params.multi_items(),
            "key": request.headers.get("x-key"),
            "token": request.headers.get("authorization"),
            "body": (await request.body()).decode(),
        }

    @app.get("/answers/{which}")
    async def answers(which: str) -> Response:
        return ANSWERS[which]()

    @app.api_route("/moved", methods=["GET", "POST"])
    async def moved(request: Request, to: str) -> Response:
        return RedirectResponse(to, 307)

    @app.get("/round")
    async def around() -> Response:
        return RedirectResponse("/round")

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    async with serving(app) as address:
        yield address


async def much() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b"a" * 1_000_000


ANSWERS: dict[str, Callable[[], Response]] = {
    "json": lambda: JSONResponse({"sky": "clear"}, media_type="application/problem+json; charset=utf-8"),
    "text": lambda: PlainTextResponse("klar på dagen".encode("latin-1"), media_type="text/plain; charset=latin-1"),
    "none": lambda: Response(status_code=204),
    "empty": lambda: JSONResponse(None),
    "much": lambda: StreamingResponse(much()),
    "bomb": lambda: Response(gzip.compress(b"a" * 20_000_000), headers={"content-encoding": "gzip"}),
    "broken": lambda: Response("{'sky'", media_type="application/json"),
    "deep": lambda: Response("[" * 10_000 + "]" * 10_000, media_type="application/json"),
    "teapot": lambda: PlainTextResponse("I am a\nteapot " * 100, 418),
    "nothing": lambda: Response(status_code=500),
}


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    """Tools of a client that reports nothing and so needs no memOS."""
    async with connect("http://127.0.0.1:9", retries=0) as client:
        yield client.tools


def tool(url: str, request: dict[str, Any] | None = None, **fields: Any) -> ToolDefinition:
    invocation = fields.pop("invocation", HttpInvocation(method="GET"))
    return ToolDefinition(
        tool_id="weather",
        name="Weather",
        description="Tells the weather.",
        endpoint_url=url,
        request_schema=request,
        invocation=invocation,
        **fields,
    )


async def test_a_call_is_sent_as_the_tool_says(tools: Tools, url: str) -> None:
    one = tool(f"{url}/echo/{{id}}/now", ECHO, invocation=HttpInvocation(parameters=PLACES))
    given = {"id": "a/b é", "q": ["x", "y&"], "key": "ü", "text": {"a": 1}}
    answer = await tools.call(one, given, report=False, headers={"Authorization": "Bearer s", "x-key": "mine"})

    assert answer.content == {
        "path": "/echo/a%2Fb%20%C3%A9/now",
        "query": [["q", "x"], ["q", "y&"]],
        "key": "mine",
        "token": "Bearer s",
        "body": '{"text":{"a":1}}',
    }
    assert (answer.tool_id, answer.status, answer.content_type) == ("weather", 200, "application/json")
    assert 0 < answer.latency_ms < 10_000


@pytest.mark.parametrize(
    ("which", "content", "text"),
    [
        ("json", {"sky": "clear"}, '{"sky":"clear"}'),
        ("text", "klar på dagen", "klar på dagen"),
        ("none", None, "null"),
        ("empty", None, "null"),
    ],
)
async def test_an_answer_is_what_its_content_type_says(
    tools: Tools, url: str, which: str, content: Any, text: str
) -> None:
    answer = await tools.call(tool(f"{url}/answers/{which}"), report=False)
    assert (answer.content, answer.text) == (content, text)


@pytest.mark.parametrize(
    ("which", "message", "status"),
    [
        ("much", "answers with more than 10,000,000 bytes", 200),
        ("bomb", "answers with more than 10,000,000 bytes", 200),
        ("broken", r"answered with JSON that cannot be read \(.*\): {'sky'", 200),
        ("deep", r"answered with JSON that cannot be read", 200),
        ("teapot", r"answered with status 418: I am a teapot I am a teapot .*…$", 418),
        ("nothing", r"answered with status 500: \(nothing\)$", 500),
    ],
)
async def test_an_answer_that_is_none_is_told_with_its_status(
    tools: Tools, url: str, which: str, message: str, status: int
) -> None:
    with pytest.raises(ToolFailed, match=message) as failed:
        await tools.call(tool(f"{url}/answers/{which}"), report=False)
    assert failed.value.answered == status
    assert len(failed.value.detail) < 700


async def test_an_answer_is_checked_against_what_the_tool_says_that_it_answers(tools: Tools, url: str) -> None:
    schema = {"properties": {"sky": {"enum": ["grey"]}, "wind": {"type": "integer"}}, "required": ["wind"]}
    with pytest.raises(
        ToolFailed, match=r"weather answered otherwise than it says: answer\.sky: must be one of"
    ) as failed:
        await tools.call(tool(f"{url}/answers/json", response_schema=schema), report=False)
    assert {fault.field for fault in failed.value.faults} == {"answer.sky", "answer.wind"}
    nothing = await tools.call(tool(f"{url}/answers/none", response_schema={"type": "object"}), report=False)
    assert nothing.content is None


async def test_arguments_that_do_not_fit_are_never_sent(tools: Tools) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await tools.call(tool("http://127.0.0.1:9/", ECHO), {"q": 3, "more": 1})
    assert {fault.field for fault in refused.value.faults} == {"arguments.id", "arguments.q", "arguments.more"}


async def test_a_redirect_is_followed_on_the_same_host(tools: Tools, url: str) -> None:
    one = tool(f"{url}/moved?to=/echo/there", ECHO | {"required": []}, invocation=HttpInvocation())
    answer = await tools.call(one, {"text": "x"}, report=False, headers={"Authorization": "Bearer s"})
    assert [answer.content[name] for name in ("path", "body", "token")] == [
        "/echo/there",
        '{"text":"x"}',
        "Bearer s",
    ]


async def test_a_redirect_to_another_host_is_not_followed(tools: Tools, url: str) -> None:
    elsewhere = url.replace("127.0.0.1", "localhost")
    with pytest.raises(ToolFailed, match=rf"redirects to {elsewhere}, which is not followed"):
        await tools.call(tool(f"{url}/moved?to={elsewhere}/answers/json"), report=False)
    async with httpx.AsyncClient(follow_redirects=True) as http:
        with pytest.raises(ToolFailed, match="which is not followed"):
            await tools.call(tool(f"{url}/moved?to={elsewhere}/answers/json"), report=False, http=http)


async def test_a_redirect_without_end_is_given_up(tools: Tools, url: str) -> None:
    with pytest.raises(ToolFailed, match="redirects more than 5 times"):
        await tools.call(tool(f"{url}/round"), report=False)


async def test_a_tool_that_does_not_answer_is_given_up_in_time(tools: Tools, url: str) -> None:
    with pytest.raises(ToolFailed, match=r"weather did not answer within 0\.05 s"):
        await tools.call(tool(f"{url}/slow"), report=False, timeout=0.05)


async def test_a_tool_that_is_out_of_reach_is_told(tools: Tools) -> None:
    with pytest.raises(ToolFailed, match="weather could not be called: ConnectError"):
        await tools.call(tool("http://127.0.0.1:9/"), report=False)


async def test_a_connection_can_be_used_again(tools: Tools, url: str) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(2):
            answer = await tools.call(tool(f"{url}/answers/json"), report=False, http=http)
            assert answer.content == {"sky": "clear"}
        assert not http.is_closed


async def test_an_answer_is_given_also_when_it_cannot_be_reported(
    tools: Tools, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await tools.call(tool(f"{url}/answers/json"))
    assert answer.content == {"sky": "clear"}
    assert "The outcome of a call of weather could not be reported: The facade at" in caplog.text
