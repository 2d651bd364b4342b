"""The routes of facts: the log page by page, and what happens as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from memos.api.requests import Asked, problems
from memos.client.bus import Bus
from memos.client.follow import Page
from memos.client.sending import build
from memos.events.facts import MOST_FACTS, FactsRead, ReadFacts
from memos.records import Fact

HEARTBEAT_SECONDS = 15.0
RETRY_MS = 1000

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""A stream is not to be kept, nor held back by a proxy until there is much of it."""

EVENT_STREAM = {
    "description": (
        "Server-sent events without end. Of each fact, `id` is the position, `event` the type and `data` the fact "
        "as JSON. An `id` alone tells how far the stream has come without a fact for this tenant."
    ),
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}

After = Annotated[int | None, Query(ge=0, lt=2**63, description="The position after which to begin.")]
Types = Annotated[list[str] | None, Query(description="Only facts of these types; repeat it for several.")]
LastEventId = Annotated[
    int | None,
    Header(ge=0, lt=2**63, description="The position of the last fact received; it wins over `after`."),
]
Limit = Annotated[int, Query(ge=1, le=MOST_FACTS, description="The most facts in the answer.")]


def events_router() -> APIRouter:
    """The routes `/events` and `/facts`."""
    router = APIRouter(tags=["events"])
    router.add_api_route(
        "/events",
        events,
        methods=["GET"],
        response_class=StreamingResponse,
        responses={200: EVENT_STREAM, **problems(409)},
    )
    router.add_api_route("/facts", read_facts, methods=["GET"], response_model=FactsRead, responses=problems(409))
    return router


async def events(
    request: Request,
    exchange: Asked,
    after: After = None,
    types: Types = None,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Follow what happens: from `Last-Event-ID` or `after` on, or from now on without either."""
    wanted = build(ReadFacts, types=types or [])
    bus: Bus = request.app.state.bus
    pages = bus.pages(after if last_event_id is None else last_event_id, wanted.types, exchange.tenant)
    first = await anext(pages)  # what is wrong is answered as a problem while there is still a status to give
    stream = _written(first, pages, request.app.state.stopping)
    return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)


async def read_facts(exchange: Asked, after: After = 0, limit: Limit = 100, types: Types = None) -> Response:
    """Read what has happened, oldest first; go on after `position`, at once while there is `more`."""
    return await exchange.answer(build(ReadFacts, after=after, limit=limit, types=types or []))


async def _written(first: Page, pages: AsyncGenerator[Page, None], stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """The stream as it travels. A reader that is slow is waited for here, before anything more is read."""
    clock = asyncio.get_running_loop().time
    async with aclosing(pages):
        yield b"retry: %d\n" % RETRY_MS + _place(first) + b"".join(map(_event, first.facts))
        written = clock()
        async for page in pages:
            if stopping.is_set():
                return
            if page.facts:
                yield b"".join(map(_event, page.facts))
            elif clock() - written >= HEARTBEAT_SECONDS:
                yield b": still here\n" + _place(page)
            else:
                continue
            written = clock()


def _event(fact: Fact) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (fact.position, fact.type.encode(), to_json(fact))


def _place(page: Page) -> bytes:
    """An event without data: a reader keeps its id to go on from, and sees nothing of it."""
    before = page.facts[0].position - 1 if page.facts else page.position
    return b"id: %d\n\n" % before
