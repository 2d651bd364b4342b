"""Calling a tool by HTTP: the request goes out, the answer is read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pydantic_core import from_json

from memos.client.tool_answers import Answered
from memos.client.tool_bodies import body_of, text_of
from memos.client.tool_requests import ToolRequest
from memos.errors import ToolFailed

MOST_REDIRECTS = 5
LONGEST_EXCERPT = 500
ANYTHING = "*/*"
WANTED = {"Accept": f"application/json, {ANYTHING};q=0.5", "Accept-Encoding": "gzip"}


async def exchange(
    tool_id: str, request: ToolRequest, headers: Mapping[str, str], http: httpx.AsyncClient | None
) -> Answered:
    """Send a request and read the answer; `headers` go before those of the request.

    Raises `ToolFailed` when the tool is out of reach, redirects to another host, answers with another status than
    2xx, with more than 10 MB, or with JSON that is none.
    """
    try:
        async with _client(http) as client, _response(tool_id, client, request, headers) as response:
            raw = await body_of(tool_id, response)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        said = f"{type(error).__name__} {error}".strip()
        raise ToolFailed(f"{tool_id} could not be called: {said}. See that its endpoint runs.") from error
    return _answered(tool_id, response, raw)


@asynccontextmanager
async def _client(given: httpx.AsyncClient | None) -> AsyncIterator[httpx.AsyncClient]:
    if given is not None:
        yield given
    else:
        async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113 - the call as a whole has a deadline
            yield client


@asynccontextmanager
async def _response(
    tool_id: str, client: httpx.AsyncClient, request: ToolRequest, headers: Mapping[str, str]
) -> AsyncIterator[httpx.Response]:
    """The answer before its body is read, after as many redirects as are followed."""
    message = client.build_request(
        request.method, request.url, headers=_encoded(client, request, headers), content=request.content
    )
    for _ in range(MOST_REDIRECTS + 1):
        response = await client.send(message, stream=True, follow_redirects=False)
        try:
            if response.next_request is None:
                yield response
                return
            message = _followed(tool_id, message, response.next_request, response.status_code)
        finally:
            await response.aclose()
    raise ToolFailed(
        f"{tool_id} redirects more than {MOST_REDIRECTS} times. See its endpoint_url.",
        answered=response.status_code,
    )


def _encoded(
    client: httpx.AsyncClient, request: ToolRequest, headers: Mapping[str, str]
) -> list[tuple[bytes, bytes]]:
    """The headers that are sent: those of the call, then of the request, then what is wanted of the answer."""
    own = {name.lower() for name in headers}
    sent = [*((name, value) for name, value in request.headers if name.lower() not in own), *headers.items()]
    said = {name.lower() for name, _ in sent}
    if client.headers.get("accept", ANYTHING) != ANYTHING:
        said.add("accept")
    wanted = [(name, value) for name, value in WANTED.items() if name.lower() not in said]
    return [(name.encode(), value.encode()) for name, value in (*sent, *wanted)]


def _followed(tool_id: str, message: httpx.Request, following: httpx.Request, status: int) -> httpx.Request:
    here, there = message.url, following.url
    upgraded = (here.scheme, there.scheme, here.port, there.port) == ("http", "https", None, None)
    if here.host != there.host or not (upgraded or (here.scheme, here.port) == (there.scheme, there.port)):
        where = f"{there.scheme}://{there.netloc.decode()}"
        raise ToolFailed(
            f"{tool_id} redirects to {where}, which is not followed: register its own address.", answered=status
        )
    return following


def _answered(tool_id: str, response: httpx.Response, raw: bytes) -> Answered:
    status, content_type = response.status_code, response.headers.get("content-type")
    text = text_of(raw, response.charset_encoding)
    if not response.is_success:
        raise ToolFailed(f"{tool_id} answered with status {status}: {excerpt(text)}", answered=status)
    if not raw:
        return Answered(None, status, content_type)
    return Answered(_parsed(tool_id, text, status) if _is_json(content_type) else text, status, content_type)


def _is_json(content_type: str | None) -> bool:
    media = (content_type or "").partition(";")[0].strip().lower()
    return media in {"application/json", "text/json"} or media.endswith("+json")


def _parsed(tool_id: str, text: str, status: int) -> Any:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise ToolFailed(
            f"{tool_id} answered with JSON that cannot be read ({error}): {excerpt(text)}", answered=status
        ) from error


def excerpt(text: str) -> str:
    """The beginning of a text in one line, or that there is none."""
    line = " ".join(text[: LONGEST_EXCERPT * 2].split())
    return (line if len(line) <= LONGEST_EXCERPT else f"{line[: LONGEST_EXCERPT - 1]}…") or "(nothing)"
