"""`GET /events` and `/facts`, the SDK over HTTP and the command line: the same log, resumed anywhere."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from conftest import Engines
from redis.asyncio import Redis
from relaying import DELETED, STORED, UPDATED, FactsOfTest, MakeReader, one_to
from running import command, until

from memos.api.app import create_app
from memos.api.server import FacadeServer
from memos.client import Client, connect
from memos.errors import Conflict, DeadlineExceeded, Unavailable
from memos.settings import Settings

pytest_plugins = ["bus_fixtures", "facts_fixtures"]


@dataclass
class Facade:
    """A facade that can be stopped and started again at the same address."""

    redis_url: str
    port: int
    server: FacadeServer | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = create_app(Settings(request_timeout=5), self.redis_url)
        self.server = FacadeServer(app, host="127.0.0.1", port=self.port, log_config=None, access_log=False)
        self.task = asyncio.create_task(self.server.serve())

        async def started() -> bool:
            return self.server is not None and self.server.started

        await until(started)

    async def stop(self) -> None:
        if self.server and self.task:
            self.server.should_exit = True
            await self.task


@pytest.fixture
async def facade(engines: Engines, log: FactsOfTest, bus: Client) -> AsyncIterator[Facade]:
    """A facade on the log of the test."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = Facade(engines.redis_url, port)
    await served.start()
    yield served
    await served.stop()


class Stream:
    """Server-sent events as they arrive."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._chunks = response.aiter_bytes()
        self._rest = b""

    async def block(self) -> dict[str, str]:
        """The next block of lines; a comment is under its own name."""
        async with asyncio.timeout(20):
            while b"\n\n" not in self._rest:
                self._rest += await anext(self._chunks)
        whole, _, self._rest = self._rest.partition(b"\n\n")
        return {name: value for name, _, value in (line.partition(": ") for line in whole.decode().split("\n"))}

    async def events(self, number: int) -> list[dict[str, str]]:
        """The next events that have data."""
        found: list[dict[str, str]] = []
        while len(found) < number:
            block = await self.block()
            found += [block] if "data" in block else []
        return found


@asynccontextmanager
async def streamed(facade: Facade, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    async with (
        httpx.AsyncClient(base_url=facade.url, timeout=30) as client,
        client.stream("GET", f"/events{query}", headers=headers) as response,
    ):
        yield Stream(response)


def ids(events: Sequence[dict[str, str]]) -> list[int]:
    return [int(event["id"]) for event in events]


async def test_an_event_has_the_position_as_id_the_type_as_name_and_the_fact_as_data(
    log: FactsOfTest, facade: Facade
) -> None:
    record = await log.happen(2)
    await log.relay()
    async with streamed(facade, "?after=0") as stream:
        [first, _] = await stream.events(2)
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    assert stream.response.headers["cache-control"] == "no-store"
    fact = json.loads(first["data"])
    assert (first["id"], first["event"]) == ("1", "memos.memory.stored.v1")
    assert (fact["position"], fact["record_id"], fact["version"], fact["tenant"]) == (1, str(record), 1, "default")


async def test_a_reader_goes_on_after_the_last_event_it_had(log: FactsOfTest, facade: Facade) -> None:
    await log.happen(10)
    async with log.relayed():
        await log.until_relayed()
        async with streamed(facade, "?after=2") as stream:
            begun = await stream.events(3)
        await log.happen(5)
        async with streamed(facade, "?after=2", **{"Last-Event-ID": begun[-1]["id"]}) as stream:
            rest = await stream.events(10)
    assert ids(begun) == [3, 4, 5]
    assert ids(rest) == list(range(6, 16))


async def test_without_a_position_it_begins_now_and_says_where_that_is(log: FactsOfTest, facade: Facade) -> None:
    await log.happen(4)
    async with log.relayed():
        await log.until_relayed()
        async with streamed(facade) as stream:
            opening = await stream.block()
            await log.happen()
            [event] = await stream.events(1)
    assert (opening["id"], event["id"]) == ("4", "5")
    assert "retry" in opening


async def test_a_reader_may_want_some_types_only(log: FactsOfTest, facade: Facade) -> None:
    for kind in (DELETED, UPDATED, DELETED):
        await log.happen(2, kind=kind)
    await log.relay()
    async with streamed(facade, f"?after=0&types={DELETED}") as stream:
        assert ids(await stream.events(4)) == [1, 2, 5, 6]


async def test_the_facts_of_other_tenants_are_not_shown(log: FactsOfTest, facade: Facade) -> None:
    await log.happen(3, tenant="acme")
    await log.happen()
    async with log.relayed():
        async with streamed(facade, "?after=0") as stream:
            assert ids(await stream.events(1)) == [4]
            await log.happen(3, tenant="acme")
            await log.happen()
            assert ids(await stream.events(1)) == [8]
        async with httpx.AsyncClient(base_url=facade.url) as client:
            page = (await client.get("/v1/facts")).json()
    assert [fact["position"] for fact in page["facts"]] == [4, 8]


async def test_a_reader_that_hears_nothing_is_told_that_all_is_well_and_how_far_it_is(
    log: FactsOfTest, facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.api.events.HEARTBEAT_SECONDS", 0.05)
    async with log.relayed(), streamed(facade) as stream:
        await stream.block()
        assert (await stream.block())[""] == "still here"
        await log.happen(3, tenant="acme")
        await log.until_relayed()
        async with asyncio.timeout(20):
            while (await stream.block())["id"] != "3":
                pass


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("?after=-1", {}, 422, "invalid"),
        ("?after=soon", {}, 422, "invalid"),
        ("?types=memos.memory.store.v1", {}, 422, "invalid"),
        ("", {"Last-Event-ID": "no-number"}, 422, "invalid"),
        ("?after=99", {}, 409, "conflict"),
        (f"?after={2**63}", {}, 422, "invalid"),
    ],
)
async def test_what_cannot_be_followed_is_answered_with_a_problem(
    facade: Facade, query: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with httpx.AsyncClient(base_url=facade.url) as client:
        answers = [
            await client.get(f"{prefix}/{route}{query}", headers=headers)
            for prefix in ("", "/v1")
            for route in ("events", "facts")
            if route == "events" or not headers
        ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_worker_the_answer_is_a_problem(
    engines: Engines, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.client.bus.FACTS_PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    alone = Facade(engines.redis_url, port)
    await alone.start()
    try:
        async with httpx.AsyncClient(base_url=alone.url) as client:
            answer = await client.get("/events?after=0")
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline-exceeded")
        async with connect(alone.url) as client_:
            with pytest.raises(DeadlineExceeded):
                await anext(client_.follow())
    finally:
        await alone.stop()


async def test_a_stopping_facade_ends_its_streams_and_is_not_held_up_by_them(
    log: FactsOfTest, facade: Facade
) -> None:
    await log.happen(3)
    await log.relay()
    async with streamed(facade, "?after=0") as stream:
        await stream.events(3)
        async with asyncio.timeout(3):
            await facade.stop()
        with pytest.raises(StopAsyncIteration):
            await stream.block()


async def test_a_reader_that_never_reads_holds_only_its_own_connection(log: FactsOfTest, facade: Facade) -> None:
    await log.happen(30_000)
    async with log.relayed():
        await log.until_relayed()
        reading, writing = await asyncio.open_connection("127.0.0.1", facade.port, limit=1024)
        writing.write(b"GET /events?after=0 HTTP/1.1\r\nHost: memos\r\n\r\n")
        assert await reading.readline() == b"HTTP/1.1 200 OK\r\n"
        async with streamed(facade, "?after=29990") as other:
            assert ids(await other.events(10)) == list(range(29_991, 30_001))
            await log.happen(5)
            assert ids(await other.events(5)) == list(range(30_001, 30_006))
        async with httpx.AsyncClient(base_url=facade.url) as client:
            assert (await client.get("/facts?limit=1")).status_code == 200
        text = bytearray()
        async with asyncio.timeout(60):
            while b"\nid: 30005\n" not in text[-4096:]:
                text += await reading.read(1 << 20)
        writing.close()
    assert text.count(b"\nevent: ") == 30_005


async def test_the_sdk_follows_over_http_as_over_the_bus(
    log: FactsOfTest, facade: Facade, bus: Client, reader: MakeReader
) -> None:
    async with log.relayed(), connect(facade.url) as http:
        await log.happen(3)
        over_http, over_bus = reader(http.follow()), reader(bus.follow())
        assert await over_http.take(3) == await over_bus.take(3) == [1, 2, 3]
        await log.happen(2)
        assert await over_http.take(2) == await over_bus.take(2) == [4, 5]
        assert over_http.read == over_bus.read
        assert await http.facts(after=1, limit=2) == await bus.facts(after=1, limit=2)
        with pytest.raises(Conflict, match="ends at position 5"):
            await anext(http.follow(after=6))
        await over_http.leave()


async def test_the_sdk_goes_on_when_the_facade_was_restarted(
    log: FactsOfTest, facade: Facade, reader: MakeReader
) -> None:
    async with log.relayed(), connect(facade.url) as http:
        one, other = reader(http.follow()), reader(http.follow(after=None, types=[UPDATED]))
        waiting = asyncio.create_task(other.take(2))
        for nth in range(3):
            await log.happen(2)
            await one.take(2)
            await facade.stop()
            await log.happen(2, kind=UPDATED if nth == 1 else DELETED)
            await facade.start()
            await one.take(2)
        assert await waiting == [7, 8]
        await one.leave()
        await other.leave()
    assert [fact.position for fact in one.read] == one_to(12)


async def test_without_a_facade_following_says_so() -> None:
    async with connect("http://127.0.0.1:1") as client:
        with pytest.raises(Unavailable, match="could not be reached"):
            await anext(client.follow())


async def test_an_id_of_any_script_arrives_whole(log: FactsOfTest, facade: Facade, reader: MakeReader) -> None:
    """Some characters end a line for Python, and not for server-sent events."""
    await log.happen()
    odd = "a\u2028b\u0085c\u001ed\r\ne"
    await log.pool.execute("update facts set data = jsonb_set(data, '{session_id}', to_jsonb($1::text))", odd)
    await log.relay()
    async with connect(facade.url) as http:
        one = reader(http.follow())
        await one.take(1)
        await one.leave()
    assert one.read[0].data["session_id"] == odd


async def test_what_becomes_of_a_memory_is_told_within_a_moment(client: Client, agent: str) -> None:
    begin = (await client.facts(limit=1)).newest
    stored = await client.store("The kiosk opens at nine.", agent_id=agent)
    await client.update(stored.memory_id, agent_id=agent, content="The kiosk opens at ten.")
    await client.delete(stored.memory_id, agent_id=agent)
    told = []
    async with asyncio.timeout(20), aclosing(client.follow(after=begin)) as facts:  # type: ignore[type-var]
        async for fact in facts:
            told += [fact] if fact.record_id == stored.memory_id else []
            if len(told) == 3:
                break
    assert [(fact.type, fact.version) for fact in told] == [(STORED, 1), (UPDATED, 2), (DELETED, 3)]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_the_command_line_lists_the_log(log: FactsOfTest, engines: Engines, bus: Client) -> None:
    await log.happen(5)
    await log.relay()
    listed = await command("events", "list", "--after", "1", "--limit", "2", "--url", engines.redis_url)
    as_json = await command("events", "list", "--json", "--url", engines.redis_url)
    assert (listed.code, [line.split()[0] for line in listed.output.splitlines()]) == (0, ["2", "3"])
    assert listed.errors == "There is more after position 3.\n"
    assert [fact["position"] for fact in json.loads(as_json.output)["facts"]] == one_to(5)
    beyond = await command("events", "list", "--after", "9", "--url", engines.redis_url)
    assert (beyond.code, beyond.errors.count("\n")) == (1, 1)
    assert "ends at position 5" in beyond.errors


async def test_the_command_line_follows_until_it_is_interrupted(
    log: FactsOfTest, engines: Engines, bus: Client
) -> None:
    words = ("events", "follow", "--after", "0", "--json", "--url", engines.redis_url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "memos", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30), log.relayed():
            await log.happen(2)
            first = [await process.stdout.readline() for _ in range(2)]
            await log.happen()
            first.append(await process.stdout.readline())
            process.send_signal(signal.SIGINT)
            output, errors = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    assert [fact["position"] for fact in lines(b"".join(first).decode())] == [1, 2, 3]
    assert (process.returncode, output, errors) == (0, b"", b"")
