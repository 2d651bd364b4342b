"""The SDK over HTTP against a facade that is busy, away, restarted, or behind a proxy."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from time import perf_counter
from uuid import UUID

import pytest
from http_servers import serving
from running import Memos, until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from memos.api.app import create_app
from memos.api.problems import problem_response
from memos.client import Client, connect
from memos.errors import (
    Closed,
    Conflict,
    DeadlineExceeded,
    InternalError,
    MemosError,
    Overloaded,
    QuotaExceeded,
    Unavailable,
)

pytest_plugins = ["bus_fixtures"]

STORED = {"success": True, "memory_id": str(UUID(int=1)), "status": "stored", "message": ""}


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a hundredth, but for what an answer asks for."""
    monkeypatch.setattr("memos.client.retrying.FIRST_PAUSE", 0.01)


class Busy:
    """A facade that gives some answers, one after another, and then says that all is well."""

    def __init__(self, *answers: Response) -> None:
        self._answers = list(answers)
        self.ids: list[str] = []
        self.times: list[float] = []
        self.asked = asyncio.Event()

    async def answer(self, request: Request) -> Response:
        self.ids.append(request.headers["idempotency-key"])
        self.times.append(perf_counter())
        self.asked.set()
        return self._answers.pop(0) if self._answers else JSONResponse(STORED)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])


@asynccontextmanager
async def answering(*answers: Response) -> AsyncIterator[tuple[Busy, Client]]:
    """Such a facade, and the SDK to it."""
    busy = Busy(*answers)
    async with serving(busy.app) as url, connect(url, timeout=10) as client:
        yield busy, client


def told(error: MemosError, **headers: str) -> Response:
    response = problem_response(error)
    del response.headers["retry-after"]
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def page(status: int) -> Response:
    return PlainTextResponse("<html>an error page of a proxy</html>", status)


@pytest.mark.parametrize(
    "answers",
    [
        [told(Unavailable("Away.")), told(Overloaded("Full.")), told(Unavailable("Away."))],
        [page(502), page(503), page(429)],
    ],
    ids=["facade", "proxy"],
)
async def test_a_facade_that_is_away_or_full_is_asked_again_with_the_same_id(answers: Iterable[Response]) -> None:
    async with answering(*answers) as (busy, client):
        assert (await client.store("Once.", command_id="7")).memory_id == UUID(int=1)
        assert (await client.store("Twice.")).status == "stored"
    assert busy.ids[:4] == ["7"] * 4
    assert len(set(busy.ids)) == 2


async def test_an_id_that_the_sdk_made_stays_the_same_too() -> None:
    async with answering(page(502), page(503)) as (busy, client):
        await client.store("Once.")
    assert len(busy.ids) == 3
    assert len(set(busy.ids)) == 1


@pytest.mark.parametrize("error", [Overloaded("Full."), Unavailable("Away.")], ids=lambda error: error.code)
async def test_retry_after_is_heeded(error: MemosError) -> None:
    async with answering(told(error, retry_after="1")) as (busy, client):
        await client.store("Later.")
    assert busy.times[1] - busy.times[0] >= 1


async def test_whoever_asks_for_more_time_than_there_is_is_not_waited_for() -> None:
    async with answering(told(Overloaded("Full."), retry_after="30")) as (busy, client):
        with pytest.raises(Overloaded) as refused:
            await client.store("Never.")
    assert refused.value.retry_after == 30
    assert len(busy.ids) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem_response(Conflict("Taken.")), Conflict),
        (problem_response(QuotaExceeded("No room.")), QuotaExceeded),
        (page(504), DeadlineExceeded),
        (page(404), InternalError),
        (page(500), InternalError),
        (PlainTextResponse("Welcome to nginx!"), InternalError),
    ],
    ids=["conflict", "quota", "504", "404", "500", "200"],
)
async def test_what_is_refused_for_good_or_is_no_answer_is_raised_at_once(
    answer: Response, kind: type[MemosError]
) -> None:
    async with answering(answer) as (busy, client):
        with pytest.raises(kind):
            await client.store("Once.")
    assert len(busy.ids) == 1


async def test_health_is_told_as_it_is() -> None:
    async with answering(told(Unavailable("Away.")), told(Unavailable("Away."))) as (busy, client):
        assert (await client.health()).status == "degraded"
    assert len(busy.ids) == 2


@asynccontextmanager
async def resetting(times: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that breaks the connection so many times after it has read a request, and what it has read."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(65536))
        if len(requests) > times:
            body = JSONResponse(STORED).body
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


async def test_a_connection_that_breaks_after_the_request_was_read_is_made_again_with_the_same_id() -> None:
    async with resetting(3) as (url, requests), connect(url, timeout=10) as client:
        assert (await client.store("Once.", command_id="lost-answer")).status == "stored"
    assert len(requests) == 4
    assert all(b"Idempotency-Key: lost-answer" in request for request in requests)


async def test_a_client_without_retries_raises_at_once() -> None:
    async with resetting(1) as (url, requests), connect(url, retries=0) as client:
        with pytest.raises(Unavailable, match="could not be reached"):
            await client.store("Once.")
    assert len(requests) == 1


def socket_at(port: int) -> socket.socket:
    """A socket that listens at a port, 0 for any that is free, which another may take soon after it is closed."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()
    return listening


async def test_a_facade_that_is_restarted_is_waited_for_and_nothing_is_stored_twice(
    memos: Memos, agent: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.client.retrying.FIRST_PAUSE", 0.1)
    caplog.set_level(logging.INFO, "memos.client.retrying")
    listening = socket_at(0)
    port = listening.getsockname()[1]

    def facade() -> Starlette:
        return create_app(memos.settings, memos.redis_url)

    async with connect(f"http://127.0.0.1:{port}", timeout=20, retries=20) as client:
        async with serving(facade(), "on", listening):
            before = await client.store("Before.", agent_id=agent)
        storing = asyncio.create_task(client.store("Meanwhile.", agent_id=agent))
        posting = asyncio.create_task(client.store_later("Later.", agent_id=agent, command_id=f"{agent}-later"))

        async def tried() -> bool:
            return caplog.text.count("is sent again") >= 2

        await until(tried)
        async with serving(facade(), "on", socket_at(port)):
            stored = await storing
            later = await client.store("Later.", agent_id=agent, command_id=await posting)
            found = [await client.get(one.memory_id, agent_id=agent) for one in (before, stored, later)]
    assert [memory.times_stored for memory in found] == [1, 1, 1]


async def test_closing_ends_the_waiting_for_an_answer_and_says_so() -> None:
    hanging = asyncio.Event()

    async def hang(request: Request) -> Response:
        hanging.set()
        await asyncio.Event().wait()
        return page(500)

    app = Starlette(routes=[Route("/{path:path}", hang, methods=["GET", "POST"])])
    async with asyncio.timeout(10), serving(app) as url:
        async with connect(url) as client:
            waiting = asyncio.create_task(client.store("Never answered."))
            await hanging.wait()
        with pytest.raises(Closed, match="same id"):
            await waiting
        with pytest.raises(Closed):
            await client.store("Too late.")
        with pytest.raises(Closed):
            await anext(client.follow())
