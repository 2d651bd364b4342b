"""How a chat completion is come by: out of the cache, or from the server, and then kept."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from memos.api.proxy.answer_cache import AnswerCache, Found
from memos.api.proxy.asked import Asked, Chat
from memos.api.proxy.flights import Answered, Flight, Passed, Ticket, Told
from memos.api.proxy.refusals import NO_RETRY, said
from memos.api.proxy.upstream import Load, Pairs, Upstream, returned
from memos.completions import unfit
from memos.completions.streams import DONE, Assembly, Event
from memos.errors import MemosError, UpstreamFailed
from memos.settings import Settings

CHAT = "/chat/completions"
OK = 200
MOST_TOLD = 1000
"""Characters of a header that says why an answer is not kept."""

JSON = (("content-type", "application/json"),)
NOT_CACHED = Passed(
    504,
    (*JSON, *NO_RETRY.items()),
    to_json(said(504, "There is no cached answer, and the request said only-if-cached.", "not-cached")),
    "not-cached",
)


class Completions:
    """Begins flights that land with the completion of a chat."""

    def __init__(self, upstream: Upstream, cache: AnswerCache, settings: Settings) -> None:
        self._upstream = upstream
        self._cache = cache
        self._settings = settings

    def ticket(self, chat: Chat) -> Ticket:
        """What a request for a completion asks for."""
        return Ticket(chat.asked.identity(chat.key), chat.asked.agent_id, partial(self._complete, chat))

    async def _complete(self, chat: Chat, flight: Flight) -> None:
        found = await self._cache.look_up(chat, flight)
        if found.answer is not None and found.sources and flight.shared:
            flight.close()  # to those who come after the first look, when a source may have changed already
            found = await self._cache.look_up(chat, flight)
        if found.answer is not None:
            document = to_json(found.answer)
            flight.land(Answered(found.answer, document, found.status, found.key, found.age))
        elif chat.asked.directives.only_cached:
            flight.land(NOT_CACHED)
        elif flight.passengers:
            await self._call(chat, flight, found)
        else:
            await self._abandon(chat, flight, found)
        while shared := flight.take_sharing():
            result = flight.result
            answer = result.answer if isinstance(result, Answered) else None
            await self._cache.release(chat, Found(), "none", answer=answer, shared=shared)

    async def _abandon(self, chat: Chat, flight: Flight, found: Found) -> None:
        """Begin nothing, since whoever asked has gone."""
        flight.close()
        if found.lease:
            await self._cache.release(chat, found, "none")

    async def _call(self, chat: Chat, flight: Flight, found: Found) -> None:
        """Ask the server, and settle with the cache whatever comes of it, even when nobody wants it any more."""
        flight.linger(endable=True)
        begun = time.perf_counter()
        try:
            async with self._cache.held(chat, found):
                result = await self._answer(chat, flight, found)
            flight.land(result, lasting=self._keeps(chat, found, result))
        except MemosError as error:
            flight.land(error)
        finally:
            await self._settle(chat, flight, found, time.perf_counter() - begun)

    async def _answer(self, chat: Chat, flight: Flight, found: Found) -> Answered | Passed:
        body = chat.sent(counting=self._settings.llm_stream_usage)
        async with self._upstream.asked(CHAT, chat.asked.headers, body) as response:
            headers = (*returned(response), *_not_kept(found))
            if chat.streams and response.status_code == OK and _is_stream(response):
                return await self._streamed(chat, flight, response, headers)
            body = await self._upstream.read(response, flight.load)
            return _whole(chat, response.status_code, headers, body)

    async def _streamed(
        self, chat: Chat, flight: Flight, response: httpx.Response, headers: Pairs
    ) -> Answered | Passed:
        """Take the chunks of a streamed answer as they come, until it is whole."""
        assembly = Assembly()
        flight.begin(headers)
        async for events in self._upstream.events(response, flight.load):
            _take(events, assembly, flight)
        if (answer := assembly.answer()) and flight.ended:
            return Answered(answer, to_json(answer), "miss", chat.key, headers=JSON)
        if assembly.error is not None:
            return Passed(UpstreamFailed.status, JSON, to_json({"error": assembly.error}))
        why = assembly.fault or "it was cut off"
        raise UpstreamFailed(f"The streamed answer of the server is not whole: {why}. Ask again.")

    async def _settle(self, chat: Chat, flight: Flight, found: Found, seconds: float) -> None:
        result, shared = flight.result, flight.take_sharing()
        if not isinstance(result, Answered):
            await self._cache.release(chat, found, "error", seconds=seconds, shared=shared)
        elif self._keeps(chat, found, result):
            await self._cache.keep(chat, result.answer, found, seconds, shared)
        else:
            answer = result.answer
            await self._cache.release(chat, found, "miss", answer=answer, seconds=seconds, shared=shared)

    def _keeps(self, chat: Chat, found: Found, result: Answered | Passed) -> bool:
        """Whether an answer is one for the cache."""
        if not found.keep or not isinstance(result, Answered) or unfit(result.answer):
            return False
        if len(result.answer["choices"]) < chat.choices:
            return False
        return len(result.document) <= self._settings.cache_answer_bytes


class Passing:
    """Begins flights that land with what the server says to a request, whatever it is."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def ticket(self, path: str, headers: Pairs, asked: Asked | None = None) -> Ticket:
        """What a request asks for that is passed on; without a body it is a GET."""
        body = None if asked is None else asked.sent()
        return Ticket(None, "", partial(self._pass, path, headers, body))

    async def _pass(self, path: str, headers: Pairs, body: bytes | None, flight: Flight) -> None:
        flight.linger(endable=True)
        try:
            flight.land(await passed(self._upstream, path, headers, body, flight.load))
        except MemosError as error:
            flight.land(error)


async def passed(upstream: Upstream, path: str, headers: Pairs, body: bytes | None, load: Load) -> Passed:
    """What the server answers to a request, whole. Raises `UpstreamFailed`, `Unavailable`."""
    async with upstream.asked(path, headers, body) as response:
        return Passed(response.status_code, returned(response), await upstream.read(response, load))


def _not_kept(found: Found) -> Pairs:
    """A header that says why the answer will not be kept, though the client did not ask for that."""
    if found.refused is None:
        return ()
    told = found.refused.encode("ascii", "backslashreplace").decode()
    return (("x-memos-not-kept", "".join(letter if letter.isprintable() else "?" for letter in told)[:MOST_TOLD]),)


def _is_stream(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.startswith("text/event-stream")


def _take(events: Sequence[Event], assembly: Assembly, flight: Flight) -> None:
    """Note events in the answer, up to the end mark, and joined for those who follow."""
    told, ended = [], False
    for event in events:
        chunk = _chunk(event, assembly)
        told.append(Told(event.encode(), usage=_only_counts(chunk)))
        if event.data == DONE:
            ended = True
            break
    alike = groupby(told, attrgetter("usage"))
    joined = [Told(b"".join(one.document for one in some), usage) for usage, some in alike]
    flight.tell(joined, ended=ended or assembly.error is not None)


def _chunk(event: Event, assembly: Assembly) -> Any:
    if event.data == DONE:
        return None
    try:
        chunk = from_json(event.data)
    except ValueError:
        chunk = None
    assembly.add(chunk)
    return chunk


def _only_counts(chunk: Any) -> bool:
    """Whether it is the chunk that a server adds when it is asked for the tokens of a stream."""
    return isinstance(chunk, dict) and chunk.get("choices") == [] and bool(chunk.get("usage"))


def _whole(chat: Chat, status: int, headers: Pairs, body: bytes) -> Answered | Passed:
    """An answer that was not streamed; what is no completion is passed on as it is."""
    try:
        answer = from_json(body) if status == OK else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not _is_completion(answer):
        return Passed(status, headers, body)
    return Answered(answer, body, "miss", chat.key, headers=headers)


def _is_completion(answer: Mapping[str, Any]) -> bool:
    choices = None if answer.get("error") else answer.get("choices")
    return isinstance(choices, list) and bool(choices) and all(map(_has_message, choices))


def _has_message(choice: Any) -> bool:
    return isinstance(choice, dict) and isinstance(choice.get("message"), dict)
