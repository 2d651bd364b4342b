"""Answers to those who follow a flight: whole, in chunks as they come, or told again in chunks."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from fastapi.responses import Response
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from memos.api.proxy.counts import Counts
from memos.api.proxy.flights import Answered, Flight, Flights, Passed, Ticket, Told
from memos.api.proxy.refusals import refusal_of, said
from memos.api.proxy.upstream import Pairs
from memos.completions import tokens_in
from memos.completions.streams import DONE, Event, replayed
from memos.errors import MemosError
from memos.records import Looked

FAILED = 400
JSON = {"content-type": "application/json"}
EVENTS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
READ_SECONDS = 60.0
"""Seconds that a client has to read what came of a stream, before the stream is broken off."""

MOST_SENT = 65_536
"""Bytes of a stream after which it is seen whether the client reads them."""

AT_ONCE = 64
"""Chunks of a replayed answer that are written at once."""


class Wanted(NamedTuple):
    """How an answer is wanted: of which model, if any, in chunks or not, and with one that counts tokens or not."""

    model: str | None
    streams: bool = False
    counts: bool = False
    tokens: Callable[[Mapping[str, Any]], tuple[int, int]] = tokens_in


class Followed(Response):
    """The answer of a flight that is joined when the response is sent, and left when the client goes."""

    def __init__(self, flights: Flights, ticket: Ticket, wanted: Wanted, counts: Counts) -> None:
        super().__init__()
        self._flights = flights
        self._ticket = ticket
        self._wanted = wanted
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Join, answer and leave. Who gets an answer at once is not watched for going meanwhile."""
        with self._flights.join(self._ticket) as (flight, leads):
            follower = Follower(flight, self._wanted, self._counts, leads)
            await flight.wait(lambda: flight.slow or flight.result)
            answering = follower.answer(scope, receive, send)
            await (answering if flight.result else while_connected(answering, receive))


class Follower:
    """One client's share in a flight."""

    def __init__(self, flight: Flight, wanted: Wanted, counts: Counts, leads: bool) -> None:
        self._flight = flight
        self._wanted = wanted
        self._counts = counts
        self._leads = leads
        self._begun = time.perf_counter()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, as soon as there is some of it in the form that is wanted."""
        flight = self._flight
        await flight.wait(lambda: flight.result or (self._wanted.streams and flight.begun is not None))
        if self._wanted.streams and flight.begun is not None:
            with suppress(TimeoutError):  # who reads nothing for so long is not waited for any more
                await self._follow(flight.begun, send)
        elif isinstance(flight.result, Answered) and self._wanted.streams:
            await self._replay(flight.result, send)
        else:
            await self._response()(scope, receive, send)
        self._count()

    def _response(self) -> Response:
        result = self._flight.result
        if isinstance(result, Answered):
            headers = {**JSON, **dict(result.headers), **self._said_of(result)}
            return Response(result.document, headers=headers)
        if isinstance(result, Passed):
            marked = {} if self._wanted.model is None else self._marked("miss")
            return Response(result.body, result.status, {**dict(result.headers), **marked})
        assert result is not None  # noqa: S101
        return refusal_of(result)

    async def _replay(self, result: Answered, send: Send) -> None:
        """An answer that is whole, as it would have been streamed."""
        await send(_start({**dict(result.headers), **EVENTS, **self._said_of(result)}))
        chunks = (_event(chunk) for chunk in replayed(result.answer, self._wanted.counts))
        while some := b"".join(islice(chunks, AT_ONCE)):
            await send(_body(some))
        await send(_body(Event(DONE).encode(), more=False))

    async def _follow(self, headers: Pairs, send: Send) -> None:
        """A streamed answer as it comes. A slow reader is waited for, as long as there is any reading."""
        flight, place = self._flight, 0
        await send(_start({**EVENTS, **dict(headers), **self._marked("miss")}))
        while True:
            await flight.wait(lambda: place < len(flight.told) or flight.result)  # noqa: B023
            if place == len(flight.told):
                break
            some = _readable(flight.told, place)
            place += len(some)
            if shown := self._shown(some):
                async with asyncio.timeout(READ_SECONDS):
                    await send(_body(shown))
        await self._end(send)

    def _shown(self, told: list[Told]) -> bytes:
        return b"".join(one.document for one in told if self._wanted.counts or not one.usage)

    async def _end(self, send: Send) -> None:
        """End a stream that came to its end. Any other gets an error, and is broken off: nobody is to miss it."""
        if self._flight.ended:
            await send(_body(b"", more=False))
        elif isinstance(error := self._flight.result, MemosError):
            await send(_body(_event(said(error.status, error.detail, error.code))))

    def _said_of(self, result: Answered) -> dict[str, str]:
        headers = self._marked(result.found)
        age = result.age if result.found != "miss" or self._leads else 0
        if age is not None:
            headers["age"] = str(age)
        if result.key is not None:
            headers["x-memos-cache-key"] = result.key
        return headers

    def _marked(self, found: Looked) -> dict[str, str]:
        return {"x-memos-cache": self._outcome(found)}

    def _outcome(self, found: Looked) -> Looked:
        """What it is for this client: a hit for whoever did not have it made."""
        return found if self._leads or found != "miss" else "hit"

    def _count(self) -> None:
        result, wanted = self._flight.result, self._wanted
        if wanted.model is None:
            return
        if isinstance(result, Answered):
            tokens = wanted.tokens(result.answer) if result.saved is None else (result.saved, 0)
            self._counts.answered(wanted.model, self._outcome(result.found), self._begun, tokens)
        else:
            outcome = result.outcome if isinstance(result, Passed) else "error"
            self._counts.failed(wanted.model, outcome, self._begun)


async def while_connected(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Do some work, as long as the client is there to wait for it."""
    working, watching = asyncio.create_task(work), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
    if not working.cancelled():
        working.result()


def _readable(told: list[Told], place: int) -> list[Told]:
    """What comes next of a stream, and about as much as is sent at once."""
    end, size = place, 0
    while end < len(told) and size < MOST_SENT:
        size += len(told[end].document)
        end += 1
    return told[place:end]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(document: Mapping[str, Any]) -> bytes:
    return Event(to_json(document)).encode()


def _start(headers: Mapping[str, str]) -> dict[str, Any]:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": 200, "headers": pairs}


def _body(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
