"""What takes long, fails or is away behind `memos mcp`: nobody else waits for it, and the server goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from cables import cable_to
from conftest import Engines
from http_servers import serving
from lanes import Wire
from mcp import Client, MCPError
from mcp_clients import OpenMcp, by_stdio, data, listening, refused, resource, told
from running import Memos, until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from memos.api.app import create_app
from memos.client import Client as Sdk
from memos.events.envelope import decode

pytest_plugins = ["bus_fixtures", "mcp_fixtures"]


AWAY: dict[str, dict[str, object]] = {
    "remember": {"content": "x"},
    "recall": {"query": "x"},
    "context": {"task": "x"},
    "record_learning": {"task": "x", "outcome": "success"},
    "working_set": {"key": "x", "value": 1},
}


async def assert_all_say_what_to_do(client: Client) -> None:
    for error in await asyncio.gather(*(refused(client, name, **given) for name, given in AWAY.items())):
        assert error.endswith("Go on without memory for now, and try again later.")


class Slow:
    """A tool that answers when it is told to, and notes who does not wait for it."""

    def __init__(self) -> None:
        self.asked, self.answer, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(self, request: Request) -> Response:
        await request.body()
        self.asked.set()
        leaving = asyncio.create_task(self._watch(request))
        answering = asyncio.create_task(self.answer.wait())
        await asyncio.wait({leaving, answering}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        answering.cancel()
        return JSONResponse("at last")

    async def _watch(self, request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.left.set()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def slow_tool(slow: Slow, clients: dict[str, Sdk]) -> AsyncIterator[str]:
    """The id of the tool, registered."""
    tool_id = f"k{uuid4().hex}"
    async with serving(Starlette(routes=[Route("/", slow.serve, methods=["POST"])])) as url:
        await clients["bus"].tools.register(
            tool_id=tool_id, name="Slow", description="Takes its time.", endpoint_url=url
        )
        yield tool_id
        slow.answer.set()


async def test_a_slow_tool_keeps_nobody_waiting_and_tells_how_long_it_has_been_at_it(
    open_mcp: OpenMcp, slow: Slow, slow_tool: str
) -> None:
    ticks: list[float] = []

    async def tick(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        assert message == f"call_tool has been at it for {progress:g} s"
        ticks.append(progress)

    async with open_mcp() as client:
        call = asyncio.create_task(client.call_tool("call_tool", {"tool_id": slow_tool}, progress_callback=tick))
        await slow.asked.wait()
        others = [data(client, "remember", content=f"Meanwhile, {number}.") for number in range(20)]
        stored = await asyncio.gather(*others)
        found = await data(client, "recall", query="meanwhile", top_k=50)

        async def ticked() -> bool:
            return len(ticks) > 1

        await until(ticked)
        assert not call.done()
        slow.answer.set()
        answered = await call

    assert {one["status"] for one in stored} == {"stored"}
    assert {one["memory_id"] for one in stored} <= {one["memory_id"] for one in found["memories"]}
    assert ticks == sorted(ticks)
    assert (answered.structured_content or {})["content"] == "at last"


async def test_a_call_that_is_cancelled_is_called_off_and_counts_for_nothing(
    open_mcp: OpenMcp, slow: Slow, slow_tool: str, clients: dict[str, Sdk]
) -> None:
    async with open_mcp() as client:
        call = asyncio.create_task(client.call_tool("call_tool", {"tool_id": slow_tool}))
        await slow.asked.wait()
        call.cancel()
        async with asyncio.timeout(10):
            await slow.left.wait()
        slow.answer.set()
        after = await data(client, "call_tool", tool_id=slow_tool)

        async def counted() -> bool:
            return (await clients["bus"].tools.get(slow_tool)).statistics.outcomes > 0

        await until(counted)

    statistics = (await clients["bus"].tools.get(slow_tool)).statistics
    assert after["content"] == "at last"
    assert (statistics.outcomes, statistics.successes) == (1, 1)


async def test_a_tool_that_is_too_slow_is_given_up_after_its_timeout(open_mcp: OpenMcp, slow_tool: str) -> None:
    async with open_mcp() as client:
        late = await refused(client, "call_tool", tool_id=slow_tool, timeout_seconds=0.2)

    assert f"{slow_tool} did not answer within 0.2 s" in late


async def test_what_no_worker_takes_is_acknowledged_as_queued_under_the_id_that_it_will_have(
    engines: Engines, wire: Wire
) -> None:
    async with by_stdio("--url", engines.redis_url, "--agent", "early") as client:
        text, queued = await told(client, "remember", content="Nobody works yet.")
        told_of = await data(client, "record_learning", task="Wait", outcome="partial", lessons=["Have patience."])
        entries = await wire.redis.xrange("memos:store")
        [learning] = await wire.redis.xrange("memos:learning")

    documents = [decode(fields[b"__data__"]) for _, fields in entries]
    assert queued["status"] == "queued"
    assert text.startswith(f"queued: memory {queued['memory_id']}. It is on its way")
    assert {document.data["id"] for document in documents} == {queued["memory_id"]}
    assert len({document.id for document in documents}) == 1
    assert {document.data["agent_id"] for document in documents} == {"early"}
    assert decode(learning[1][b"__data__"]).id == told_of["command_id"]


async def test_the_server_outlives_redis_and_goes_on_when_it_is_back(memos: Memos, agent: str) -> None:
    async with cable_to(memos.redis_url) as cable, by_stdio("--url", cable.url, "--agent", agent) as client:
        before = await data(client, "remember", content="The cat sleeps on the server.", tags=["cat"])
        await cable.cut()
        await assert_all_say_what_to_do(client)
        assert [one.uri for one in (await client.list_resources()).resources][:1] == ["memos://loadouts"]
        await cable.join()

        async def back() -> bool:
            return not (await client.call_tool("recall", {"query": "cat"})).is_error

        await until(back)
        found = await data(client, "recall", query="who sleeps?", tags=["cat"])
        after = await data(client, "remember", content="The cat has left.")

    assert [one["memory_id"] for one in found["memories"]] == [before["memory_id"]]
    assert after["status"] == "stored"


async def test_the_server_begins_before_the_facade_and_goes_on_when_it_comes(memos: Memos, agent: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with listening("--url", place, "--agent", agent) as url, Client(url) as client:
            await assert_all_say_what_to_do(client)
            with pytest.raises(MCPError, match="try again later"):
                await resource(client, "memos://memories/recent")
            async with serving(create_app(memos.settings, memos.redis_url), "on", closed):
                stored = await data(client, "remember", content="Here it comes.")

    assert stored["status"] == "stored"
