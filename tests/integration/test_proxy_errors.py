"""A server behind the proxy that fails: what it says is passed on as it is, and nothing wrong is kept."""

import json
from typing import Any

import httpx
import openai as openai_client
import pytest
from facades import another_facade
from openai import AsyncOpenAI
from running import Memos
from starlette.responses import Response
from upstream import DONE, Answer, Upstream, answers, asking, chunk, completion, event, parrot, streams

pytest_plugins = ["proxy_fixtures"]

HUGE = 70_000
"""More than the proxy passes on in these tests."""


async def listen(openai: AsyncOpenAI, text: str, heard: list[str]) -> None:
    """Note what is said in a streamed answer, until it ends."""
    stream: Any = await openai.chat.completions.create(**asking(text, stream=True))
    async for part in stream:
        heard += [part.choices[0].delta.content or ""]


async def read_into(came: bytearray, response: httpx.Response) -> None:
    """Note what comes of an answer, until it ends."""
    async for piece in response.aiter_bytes():
        came += piece


async def nothing_was_kept(raw: httpx.AsyncClient, upstream: Upstream, text: str) -> None:
    """Return when the same request is answered by a server that is sound by now."""
    upstream.answer = parrot
    response = await raw.post("/chat/completions", json=asking(text))
    assert (response.status_code, response.headers["x-memos-cache"]) == (200, "miss")
    assert response.json() == completion(asking(text))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai_client.BadRequestError),
        (401, openai_client.AuthenticationError),
        (404, openai_client.NotFoundError),
        (429, openai_client.RateLimitError),
        (500, openai_client.InternalServerError),
        (503, openai_client.InternalServerError),
    ],
)
async def test_an_error_of_the_server_is_raised_by_the_client_as_if_it_had_asked_it(
    openai: AsyncOpenAI,
    raw: httpx.AsyncClient,
    upstream: Upstream,
    text: str,
    *,
    status: int,
    kind: type[openai_client.APIStatusError],
    stream: bool,
) -> None:
    said = {"error": {"message": "not now", "type": "of_its_own", "param": "model", "code": "odd"}}
    upstream.answer = answers(said, status, retry_after="7", x_request_id="req-9", x_ratelimit_reset_tokens="6m")
    with pytest.raises(kind) as caught:
        await openai.chat.completions.create(**asking(text, stream=stream))
    response = caught.value.response
    assert (caught.value.status_code, response.content) == (status, json.dumps(said).encode())
    assert {
        name: response.headers[name] for name in ("retry-after", "x-request-id", "x-ratelimit-reset-tokens")
    } == {
        "retry-after": "7",
        "x-request-id": "req-9",
        "x-ratelimit-reset-tokens": "6m",
    }
    await nothing_was_kept(raw, upstream, text)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"<html>It works!</html>", "text/html"),
        (b'{"choices": [{"mess', "application/json"),
        (b"[]", "application/json"),
        (b'{"error": {"message": "no model is loaded"}}', "application/json"),
        (b'{"choices": []}', "application/json"),
        (b'{"choices": [{"text": "of another route"}]}', "application/json"),
        (b"", "application/json"),
        (b"\xff\xfe\x00", "application/octet-stream"),
    ],
)
async def test_what_is_no_completion_is_passed_on_unchanged_and_not_kept(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, *, content: bytes, media_type: str, stream: bool
) -> None:
    upstream.answer = lambda _: Response(content, media_type=media_type)
    response = await raw.post("/chat/completions", json=asking(text, stream=stream))
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["content-type"].startswith(media_type)
    await nothing_was_kept(raw, upstream, text)


BEGUN = (chunk(role="assistant", content=""), chunk(content="Once upon"))

BROKEN: dict[str, tuple[Answer, str]] = {
    "the connection breaks": (streams(*BEGUN, cut=True), "peer closed connection"),
    "the stream ends without its end mark": (streams(*BEGUN, chunk("stop")), "it was cut off"),
    "an event is cut in two": (streams(*BEGUN, chunk(content="a time")[:40], cut=True), "peer closed connection"),
    "it is larger than is passed on": (
        streams(*BEGUN, *[chunk(content="x" * 5000)] * 20),
        "MEMOS_LLM_ANSWER_BYTES",
    ),
}


@pytest.mark.parametrize(("answer", "why"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_stream_that_does_not_come_to_its_end_is_an_error_after_what_came_of_it(
    openai: AsyncOpenAI, raw: httpx.AsyncClient, upstream: Upstream, text: str, *, answer: Answer, why: str
) -> None:
    upstream.answer = answer
    heard: list[str] = []
    with pytest.raises(openai_client.APIError, match=why):
        await listen(openai, text, heard)
    assert "".join(heard).startswith("Once upon")
    await nothing_was_kept(raw, upstream, text)


async def test_a_broken_stream_is_broken_off_for_clients_that_know_nothing_of_errors_in_it(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.answer = streams(*BEGUN, cut=True)
    came = bytearray()
    async with raw.stream("POST", "/chat/completions", json=asking(text, stream=True)) as response:
        with pytest.raises(httpx.RemoteProtocolError):
            await read_into(came, response)
    begun = b"".join(BEGUN)
    assert DONE not in came
    assert came.startswith(begun)
    assert json.loads(came.removeprefix(begun + b"data: "))["error"]["code"] == "upstream-failed"


async def test_an_error_in_a_stream_is_passed_on_as_the_server_said_it(
    openai: AsyncOpenAI, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    said = event({"error": {"message": "the model crashed", "type": "server_error", "code": None}})
    upstream.answer = streams(*BEGUN, said)
    with pytest.raises(openai_client.APIError, match="the model crashed"):
        await listen(openai, text, [])
    response = await raw.post("/chat/completions", json=asking(text, stream=True))
    assert response.content == b"".join((*BEGUN, said))
    await nothing_was_kept(raw, upstream, text)


@pytest.mark.parametrize("garbage", [b"data: {not json\n\n", b"data: 7\n\n", event({"choices": [{"delta": "x"}]})])
async def test_garbage_in_a_stream_is_passed_on_and_the_answer_not_kept(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, garbage: bytes
) -> None:
    pieces = (*BEGUN, garbage, chunk("stop"), DONE)
    upstream.answer = streams(*pieces)
    response = await raw.post("/chat/completions", json=asking(text, stream=True))
    assert response.content == b"".join(pieces)
    await nothing_was_kept(raw, upstream, text)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_is_silent_for_too_long_is_given_up(
    proxied: Memos, openai: AsyncOpenAI, raw: httpx.AsyncClient, upstream: Upstream, text: str, *, stream: bool
) -> None:
    upstream.gate.clear()
    async with another_facade(proxied, llm_timeout=0.2) as url:
        with pytest.raises(openai_client.InternalServerError, match="MEMOS_LLM_TIMEOUT") as caught:
            await openai.with_options(base_url=url).chat.completions.create(**asking(text, stream=stream))
    assert caught.value.status_code == 502
    upstream.gate.set()
    await nothing_was_kept(raw, upstream, text)


async def test_an_answer_larger_than_is_passed_on_is_refused(
    openai: AsyncOpenAI, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.answer = answers(completion(asking(text), content="x" * HUGE))
    with pytest.raises(openai_client.InternalServerError, match="MEMOS_LLM_ANSWER_BYTES"):
        await openai.chat.completions.create(**asking(text))
    await nothing_was_kept(raw, upstream, text)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"null", b'"text"', b'{"model": NaN}', b"\xff", b"[" * 9999]
)
async def test_a_body_that_is_no_object_is_refused_in_the_shape_of_openai(
    raw: httpx.AsyncClient, upstream: Upstream, body: bytes
) -> None:
    for path in ("/chat/completions", "/embeddings"):
        response = await raw.post(path, content=body)
        error = response.json()["error"]
        assert (response.status_code, error["type"], error["code"]) == (400, "invalid_request_error", "invalid")
        assert error["message"].startswith("The body is no")
    assert upstream.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "parrot"},
        {"model": 7, "messages": [{"content": "a"}]},
        {"model": "parrot", "messages": "a"},
        {"model": "parrot", "messages": ["a"]},
        {"model": "parrot", "messages": [], "memos": {"ttl": 5}},
    ],
    ids=str,
)
async def test_what_the_server_may_refuse_goes_there_as_it_is_and_is_not_kept(
    raw: httpx.AsyncClient, upstream: Upstream, body: dict[str, Any]
) -> None:
    said = {"error": {"message": "bad", "type": "invalid_request_error", "param": None, "code": None}}
    upstream.answer = answers(said, 400)
    for _ in range(2):
        response = await raw.post("/chat/completions", json=body)
        assert (response.status_code, response.json()) == (400, said)
    assert upstream.asked == [{name: value for name, value in body.items() if name != "memos"}] * 2


async def test_a_body_that_is_too_large_is_refused_in_the_shape_of_openai(raw: httpx.AsyncClient) -> None:
    response = await raw.post("/chat/completions", content=b" " * (32 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too-large"
