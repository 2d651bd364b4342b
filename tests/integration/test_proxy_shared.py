"""Equal requests at once: one call of the server, shared by all who ask, streamed or not."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from facades import another_facade
from openai import AsyncOpenAI
from running import Memos, until
from upstream import DONE, Upstream, asking, chunk, chunks, completion, said, streams

from memos.client.redis import open_redis
from memos.events.answers import LookUpAnswer, RenewLease
from memos.events.commands import Command
from memos.events.streams import STREAM_OF

pytest_plugins = ["proxy_fixtures"]


async def spoken(openai: AsyncOpenAI, text: str, **more: Any) -> str:
    """What is said in a streamed answer."""
    stream: Any = await openai.chat.completions.create(**asking(text, stream=True, **more))
    return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])


async def entries_added(memos: Memos, command: type[Command] = LookUpAnswer) -> int:
    """How many commands there have been on the bus, look-ups unless others are meant."""
    async with open_redis(memos.redis_url) as redis:
        info = await redis.xinfo_stream(STREAM_OF[command].name)
    added: int = info["entries-added"]
    return added


async def test_a_stampede_of_a_thousand_equal_requests_makes_one_call_of_the_server(
    proxied: Memos, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    await raw.post("/chat/completions", json=asking(f"{text}!"))
    before = await entries_added(proxied)
    upstream.gate.clear()
    bodies = [asking(text, stream=number % 2 == 0) for number in range(1000)]
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(connection(proxied.url)) for _ in bodies]
        answering = [await sent(*opened, body) for opened, body in zip(wires, bodies, strict=True)]
        await until(lambda: reached(upstream, text))
        upstream.gate.set()
        responses = await asyncio.gather(*(reader.read() for reader in answering))
    assert {response.partition(b"\r\n")[0] for response in responses} == {b"HTTP/1.1 200 OK"}
    assert len(upstream.asked_for(text)) == 2
    found = [re.search(rb"x-memos-cache: (\w+)", response) for response in responses]
    assert Counter(one[1] for one in found if one) == {b"miss": 1, b"hit": 999}
    assert await entries_added(proxied) - before < 20
    [whole] = {response.partition(b"\r\n\r\n")[2] for response in responses[1::2]}
    assert json.loads(whole) == completion(bodies[1])
    assert all(DONE in response for response in responses[::2])


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    yield reader, writer
    writer.close()
    await writer.wait_closed()


async def sent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: Any) -> asyncio.StreamReader:
    """What is answered to a request that has been sent."""
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: memos\r\nconnection: close\r\ncontent-length: {len(content)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + content)
    await writer.drain()
    return reader


async def reached(upstream: Upstream, text: str) -> bool:
    """Whether the server was asked."""
    return bool(upstream.asked_for(text))


async def test_equal_requests_to_two_facades_make_one_call_of_the_server(
    proxied: Memos, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.gate.clear()
    async with (
        another_facade(proxied) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as other,
    ):
        first = asyncio.create_task(raw.post("/chat/completions", json=asking(text)))
        await until(lambda: reached(upstream, text))
        before = await entries_added(proxied)
        second = asyncio.create_task(other.post("/chat/completions", json=asking(text)))
        await until(lambda: looked_again(proxied, before))
        upstream.gate.set()
        made, found = await asyncio.gather(first, second)
    assert (made.headers["x-memos-cache"], found.headers["x-memos-cache"]) == ("miss", "hit")
    assert made.json() == found.json()
    assert len(upstream.asked) == 1


async def test_a_call_that_takes_longer_than_its_lease_is_still_the_only_one(
    proxied: Memos, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.gate.clear()
    async with (
        another_facade(proxied, cache_lease=1.0) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as other,
    ):
        renewed = await entries_added(proxied, RenewLease)
        first = asyncio.create_task(other.post("/chat/completions", json=asking(text)))

        async def outlasted() -> bool:
            return await entries_added(proxied, RenewLease) >= renewed + 4  # three in the time of a lease

        await until(outlasted)
        before = await entries_added(proxied)
        second = asyncio.create_task(raw.post("/chat/completions", json=asking(text)))
        await until(lambda: looked_again(proxied, before))
        upstream.gate.set()
        made, found = await asyncio.gather(first, second)
    assert (made.headers["x-memos-cache"], found.headers["x-memos-cache"]) == ("miss", "hit")
    assert len(upstream.asked_for(text)) == 1


async def looked_again(memos: Memos, before: int) -> bool:
    """Whether who waits for another has looked for the answer at least twice."""
    return await entries_added(memos) >= before + 2


@pytest.mark.parametrize("leads", ["streamed", "whole"])
async def test_who_wants_chunks_and_who_wants_the_whole_answer_share_one_call(
    openai: AsyncOpenAI, upstream: Upstream, text: str, leads: str
) -> None:
    upstream.gate.clear()
    ways = [spoken(openai, text), completed(openai, text)]
    first, second = ways if leads == "streamed" else ways[::-1]
    leading = asyncio.create_task(first)
    await until(lambda: reached(upstream, text))
    following = asyncio.create_task(second)
    upstream.gate.set()
    assert await leading == await following == said(asking(text))
    assert len(upstream.asked) == 1


async def completed(openai: AsyncOpenAI, text: str) -> str | None:
    answer = await openai.chat.completions.create(**asking(text))
    return answer.choices[0].message.content


async def test_who_comes_later_to_a_stream_gets_it_from_its_beginning(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    going_on = asyncio.Event()
    body = asking(text, stream=True, stream_options={"include_usage": True})
    upstream.answer = streams(*chunks(body), pausing=(4, going_on))
    async with raw.stream("POST", "/chat/completions", json=body) as first:
        pieces = first.aiter_bytes()
        begun = await anext(pieces)
        async with raw.stream("POST", "/chat/completions", json=body) as second:
            later = second.aiter_bytes()
            heard = await anext(later)
            going_on.set()
            assert begun + b"".join([piece async for piece in pieces]) == b"".join(chunks(body))
            assert heard + b"".join([piece async for piece in later]) == b"".join(chunks(body))
    assert (first.headers["x-memos-cache"], second.headers["x-memos-cache"]) == ("miss", "hit")
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_nobody_waits_for_any_more_is_ended_and_another_may_make_it(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, stream: bool
) -> None:
    upstream.gate.clear()
    asked = [asyncio.create_task(raw.post("/chat/completions", json=asking(text, stream=stream))) for _ in range(3)]
    await until(lambda: reached(upstream, text))
    for one in asked:
        one.cancel()
    gone_before = upstream.gone
    await until(lambda: gone(upstream, gone_before))
    upstream.gate.set()
    response = await raw.post("/chat/completions", json=asking(text))
    assert (response.status_code, response.headers["x-memos-cache"]) == (200, "miss")
    assert len(upstream.asked) == 2


async def gone(upstream: Upstream, before: int) -> bool:
    return upstream.gone > before


async def test_a_call_goes_on_for_who_stays_when_the_first_who_asked_goes(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    going_on = asyncio.Event()
    body = asking(text, stream=True, stream_options={"include_usage": True})
    upstream.answer = streams(*chunks(body), pausing=(3, going_on))
    async with AsyncExitStack() as going:
        first = await going.enter_async_context(raw.stream("POST", "/chat/completions", json=body))
        await anext(first.aiter_bytes())
        async with raw.stream("POST", "/chat/completions", json=body) as second:
            pieces = second.aiter_bytes()
            heard = await anext(pieces)
            await going.aclose()
            going_on.set()
            assert heard + b"".join([piece async for piece in pieces]) == b"".join(chunks(body))
    assert len(upstream.asked) == 1


async def test_who_waits_in_vain_gets_the_error_of_the_one_call(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.gate.clear()
    upstream.answer = streams(chunk(content="Once"), cut=True)
    body = asking(text)
    asked = [asyncio.create_task(raw.post("/chat/completions", json=body)) for _ in range(5)]
    await until(lambda: reached(upstream, text))
    upstream.gate.set()
    responses = await asyncio.gather(*asked)
    assert {(response.status_code, response.json()["error"]["code"]) for response in responses} == {
        (502, "upstream-failed")
    }


async def test_requests_with_other_keys_do_not_share_an_error(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.gate.clear()
    asked = [
        asyncio.create_task(
            raw.post("/chat/completions", json=asking(text), headers={"authorization": f"Bearer {key}"})
        )
        for key in ("wrong", "right")
    ]
    await until(lambda: reached(upstream, text))
    upstream.gate.set()
    responses = await asyncio.gather(*asked)
    assert {response.status_code for response in responses} == {200}
    assert {seen["authorization"] for seen in upstream.headers} <= {"Bearer wrong", "Bearer right"}
