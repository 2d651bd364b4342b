"""What becomes of a call is reported, and read again with the tool."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from fastapi import FastAPI, Response
from http_servers import serving
from running import until

from memos.client import Client
from memos.errors import InvalidCommand, NotFound, ToolFailed
from memos.records import HttpInvocation, ToolStatistics
from memos.specs import tool_called

pytest_plugins = ["bus_fixtures"]

REQUEST = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """A server with one tool, which knows the weather of Rome."""
    app = FastAPI()

    @app.get("/weather/{city}")
    async def weather(city: str) -> Response:
        return Response('{"sky": "clear"}' if city == "Rome" else "[]", media_type="application/json")

    async with serving(app) as address:
        yield address


@pytest.fixture
async def tool_id(client: Client, url: str) -> str:
    """A tool that nobody else knows."""
    tool_id = f"weather.{uuid4().hex}"
    await client.tools.register(
        tool_id=tool_id,
        name="Weather",
        description="Tells the weather in a city.",
        endpoint_url=f"{url}/weather/{{city}}",
        request_schema=REQUEST,
        response_schema={"type": "object", "required": ["sky"]},
        invocation=HttpInvocation(method="GET"),
    )
    return tool_id


async def reported(client: Client, tool_id: str, number: int) -> ToolStatistics:
    """What is known of a tool's calls once so many are."""

    async def so_many() -> bool:
        return (await client.tools.get(tool_id)).statistics.outcomes == number

    await until(so_many)
    return (await client.tools.get(tool_id)).statistics


async def test_a_call_by_id_is_reported_with_its_task_and_time(client: Client, agent: str, tool_id: str) -> None:
    answer = await client.tools.call(tool_id, '{"city": "Rome"}', agent_id=agent, task="Do I need an umbrella?")

    assert answer.content == {"sky": "clear"}
    statistics = await reported(client, tool_id, 1)
    assert (statistics.successes, statistics.last_error) == (1, None)
    assert statistics.latency_ms == pytest.approx(answer.latency_ms, abs=0.01)
    found = await client.tools.discover("Do I need an umbrella?", top_k=100, explain=True)
    assert tool_id in [tool.tool_id for tool in found.results]


async def test_a_failure_is_reported_with_what_went_wrong(client: Client, tool_id: str) -> None:
    with pytest.raises(ToolFailed, match="answered otherwise than it says"):
        await client.tools.call(tool_id, {"city": "Oslo"})

    statistics = await reported(client, tool_id, 1)
    assert statistics.successes == 0
    assert statistics.last_error == "answered otherwise than its response_schema says, at answer"


async def test_what_is_no_fault_of_the_tool_is_not_reported(client: Client, tool_id: str) -> None:
    with pytest.raises(InvalidCommand):
        await client.tools.call(tool_id, {"town": "Rome"})
    await client.tools.call(tool_id, {"city": "Rome"}, report=False)
    await client.tools.call(tool_id, {"city": "Rome"})

    assert (await reported(client, tool_id, 1)).successes == 1


async def test_a_tool_that_is_not_there_is_not_called(client: Client) -> None:
    with pytest.raises(NotFound):
        await client.tools.call(f"weather.{uuid4().hex}", {"city": "Rome"})


async def test_what_a_model_calls_is_called(client: Client, tool_id: str) -> None:
    found = await client.tools.discover("weather in a city", top_k=100, format="openai")
    chosen = next(tool for tool in found.results if tool.tool_id == tool_id)

    answer = await client.tools.call(tool_called(chosen.call_name, found.results), '{"city": "Rome"}', report=False)

    assert answer.text == '{"sky":"clear"}'
