"""Following facts over HTTP: server-sent events, and a new request where the one before ended."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import httpx
from pydantic import ValidationError

from memos.client.follow import FIRST_PAUSE, LONGEST_PAUSE, waited_out
from memos.client.refusals import closed, error_in, unreachable
from memos.errors import InternalError, MemosError, Unavailable
from memos.records import Fact

PATH = "/v1/events"
PATIENCE = httpx.Timeout(10, read=45)
"""The facade gives a sign of life every 15 seconds, so a connection that is silent for longer is dead."""


class Event(NamedTuple):
    """A server-sent event: the position it leads to, and the fact if there is one."""

    position: int | None
    data: bytes


async def follow(http: httpx.AsyncClient, after: int | None, types: Sequence[str]) -> AsyncIterator[Fact]:
    """Facts without end; none is left out, none comes twice.

    What fails before the facade's first answer is raised; later only what cannot pass, and the rest is
    waited out.
    """
    position, begun, pause = after, False, FIRST_PAUSE
    while True:
        try:
            async with aclosing(events(http, position, types)) as stream:
                async for event in stream:
                    begun, pause = True, FIRST_PAUSE
                    position = position if event.position is None else event.position
                    if event.data:
                        yield _fact_in(event.data)
        except MemosError as error:
            if not begun:
                raise
            await waited_out(error, pause)
            pause = min(pause * 2, LONGEST_PAUSE)


async def events(http: httpx.AsyncClient, after: int | None, types: Sequence[str]) -> AsyncGenerator[Event, None]:
    """The events of one request, until it ends. Raises what the facade answers, `Unavailable` when it is away."""
    if http.is_closed:
        raise closed(http)
    query: dict[str, Any] = {"types": list(types)} if after is None else {"types": list(types), "after": after}
    try:
        async with http.stream("GET", PATH, params=query, timeout=PATIENCE) as response:
            if response.is_error:
                await response.aread()
                raise error_in(response)
            rest = b""
            async for chunk in response.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n\n")
                for block in whole:
                    yield _event_in(block)
    except httpx.HTTPError as error:
        raise unreachable(http, error) from error
    raise Unavailable(f"The facade at {http.base_url} ended the stream of events.")


def _event_in(block: bytes) -> Event:
    """Read one event. Lines are split as bytes, since text has more ends of line than the format."""
    lines = [line.partition(b": ") for line in block.split(b"\n")]
    fields = {name: value for name, _, value in lines}
    position = fields.get(b"id", b"")
    return Event(int(position) if position.isdigit() else None, fields.get(b"data", b""))


def _fact_in(data: bytes) -> Fact:
    try:
        return Fact.model_validate_json(data)
    except ValidationError as error:
        raise InternalError(f"The facade sent what is no fact: {error}. Use a client of its version.") from error
