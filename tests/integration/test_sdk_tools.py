"""The SDK's tools over the bus and over HTTP: the same methods, the same answers."""

from typing import Any
from uuid import uuid4

import pytest
from running import until
from tool_bodies import WEATHER, definition

from memos.client import Client
from memos.errors import Conflict, InvalidCommand, NotFound
from memos.events.problems import Problem
from memos.events.tools import OutcomeRecorded, RegisterOutcome, RegisterTool, ToolOutcome
from memos.records import HttpInvocation, McpInvocation, Parameter, ToolDefinition

pytest_plugins = ["bus_fixtures"]


@pytest.fixture
def tool_id() -> str:
    """A tool that nobody else knows."""
    return f"t{uuid4().hex}"


async def test_a_tool_is_registered_read_changed_and_removed(client: Client, tool_id: str) -> None:
    first = await client.tools.register(**definition(tool_id, tags=["outdoors"]))
    read = await client.tools.get(tool_id)
    changed = await client.tools.register(read, description="Tells whether it rains.")
    removed = await client.tools.deregister(tool_id)

    assert (first.status, first.version, read.version, read.tags) == ("registered", 1, 1, ["outdoors"])
    assert (read.request_schema, read.invocation, read.statistics.outcomes) == (WEATHER, HttpInvocation(), 0)
    assert (changed.status, changed.version, removed.status) == ("updated", 2, "deregistered")
    with pytest.raises(NotFound, match=tool_id):
        await client.tools.get(tool_id)
    assert (await client.tools.deregister(tool_id)).status == "absent"


@pytest.mark.parametrize(
    ("url", "invocation"),
    [
        (
            "http://tools.test/{city}",
            HttpInvocation(method="GET", parameters=[Parameter(argument="city", place="path")]),
        ),
        ("http://tools.test/mcp", McpInvocation(transport="streamable-http", server="weather", tool="forecast")),
        (None, McpInvocation(transport="stdio", server="weather", tool="forecast")),
    ],
)
async def test_a_tool_is_registered_from_a_definition_however_it_is_called(
    client: Client, tool_id: str, url: str | None, invocation: HttpInvocation | McpInvocation
) -> None:
    tool = ToolDefinition(
        tool_id=tool_id, name="Forecast", description="Tells the weather.", endpoint_url=url, invocation=invocation
    )
    await client.tools.register(tool)
    again = await client.tools.register_many([tool, RegisterTool(**dict(tool)), definition(tool_id)])

    assert [getattr(one, "status", None) for one in again.results] == ["unchanged", "unchanged", "updated"]
    await client.tools.register(tool)
    assert (await client.tools.get(tool_id)).invocation == invocation


async def test_a_tool_is_given_in_the_form_of_a_models_provider(client: Client, tool_id: str) -> None:
    await client.tools.register(definition(tool_id))
    tool = await client.tools.get(tool_id, format="anthropic")

    assert tool.spec is not None
    assert (tool.spec["name"], (await client.tools.get(tool_id)).spec) == (tool.call_name, None)


async def test_a_registration_sent_again_gives_the_first_reply_and_another_body_is_a_conflict(
    client: Client, tool_id: str
) -> None:
    first = await client.tools.register(definition(tool_id), command_id=tool_id)
    assert await client.tools.register(definition(tool_id), command_id=tool_id) == first
    with pytest.raises(Conflict, match=tool_id):
        await client.tools.register(definition(tool_id, name="Other"), command_id=tool_id)


async def test_many_are_registered_in_order(client: Client, tool_id: str) -> None:
    numbered = [definition(f"{tool_id}.{number}") for number in range(3)]
    results = (await client.tools.register_many(numbered)).results

    assert [one.tool_id for one in results if isinstance(one, RegisterOutcome)] == [
        tool["tool_id"] for tool in numbered
    ]


async def test_tools_are_listed_by_the_page_and_every_one_of_them(
    client: Client, tool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.client.tools.PAGE", 2)
    numbered = [f"{tool_id}.{number}" for number in range(5)]
    await client.tools.register_many(
        [definition(one, tags=[tool_id, "a b"], required_capabilities=["x", "y"]) for one in numbered]
    )

    page = await client.tools.list(
        limit=3, tags=[tool_id, "a b"], capabilities=["y", "x"], match="all", contains="."
    )
    every = [tool.tool_id async for tool in client.tools.every(tags=[tool_id], capabilities=["x"])]

    assert ([tool.tool_id for tool in page.results], page.next) == (numbered[:3], numbered[2])
    assert every == numbered
    assert [tool async for tool in client.tools.every(tags=[tool_id], capabilities=["z"])] == []


async def test_the_tool_for_a_task_is_found_and_says_why(client: Client, tool_id: str) -> None:
    tags: dict[str, Any] = {"tags": [tool_id]}
    await client.tools.register(definition(f"{tool_id}.weather", **tags))
    await client.tools.register(
        definition(f"{tool_id}.list", name="To-do list", description="Puts a task on the list.", **tags)
    )

    found = await client.tools.discover("will it rain in the city tomorrow?", **tags, top_k=2, format="openai")

    best, *_ = found.results
    assert (found.query, found.count, best.tool_id) == (
        "will it rain in the city tomorrow?",
        len(found.results),
        f"{tool_id}.weather",
    )
    assert best.reasons
    assert best.spec is not None
    assert (best.explanation, best.call_name in str(best.spec)) == (None, True)


async def test_an_agent_is_shown_what_it_may_use(client: Client, tool_id: str) -> None:
    tags: dict[str, Any] = {"tags": [tool_id]}
    await client.tools.register(definition(f"{tool_id}.web", required_capabilities=["web", "files"], **tags))
    await client.tools.register(definition(f"{tool_id}.free", **tags))

    async def found(*capabilities: str) -> set[str]:
        answer = await client.tools.discover("weather", agent_capabilities=list(capabilities), **tags)
        return {tool.tool_id.rpartition(".")[2] for tool in answer.results}

    assert await found() == await found("web") == {"free"}
    assert await found("web", "files", "more") == {"web", "free"}
    by_capability = await client.tools.discover(capabilities=["web"], **tags)
    assert [tool.tool_id for tool in by_capability.results] == [f"{tool_id}.web"]


async def test_outcomes_are_reported_one_by_one_and_together(client: Client, tool_id: str) -> None:
    await client.tools.register(definition(tool_id))

    one = await client.tools.report(tool_id, success=True, agent_id="ada", task="Will it rain?", latency_ms=12.5)
    many = await client.tools.report_many(
        [
            ToolOutcome(tool_id=tool_id, success=False, error="503", agent_id="ada"),
            {"tool_id": f"{tool_id}.none", "success": True},
        ]
    )

    assert one.tool_id == tool_id
    assert isinstance(many.results[0], OutcomeRecorded)
    assert isinstance(many.results[1], Problem)
    assert many.results[1].code == "not-found"
    statistics = (await client.tools.get(tool_id)).statistics
    assert (statistics.outcomes, statistics.successes, statistics.last_error) == (2, 1, "503")


async def test_an_outcome_that_is_handed_over_for_later_is_counted_once(client: Client, tool_id: str) -> None:
    await client.tools.register(definition(tool_id))
    command_id = await client.tools.report_later(tool_id, success=True)

    async def counted() -> bool:
        return (await client.tools.get(tool_id)).statistics.outcomes == 1

    await until(counted)
    await client.tools.report(tool_id, success=True, command_id=command_id)
    assert await counted()


async def test_a_tool_learns_from_its_outcomes(client: Client, tool_id: str) -> None:
    """Neither says anything of plumbers, but one of them got rid of them before."""
    tags: dict[str, Any] = {"tags": [tool_id]}
    await client.tools.register(definition(f"{tool_id}.a", name="Alpha", description="Does this.", **tags))
    await client.tools.register(definition(f"{tool_id}.b", name="Beta", description="Does that.", **tags))
    for task in ("call the plumber", "get a plumber for the sink", "the plumber has to come"):
        await client.tools.report(f"{tool_id}.b", success=True, task=task)

    found = await client.tools.discover("we need a plumber", **tags)

    assert [tool.tool_id for tool in found.results][:1] == [f"{tool_id}.b"]


@pytest.mark.parametrize(
    ("method", "arguments", "field"),
    [
        ("register", {"tool_id": "a b"}, "tool_id"),
        ("register", definition("a", request_schema={"properties": {"b": {"type": 1}}}), "properties.b.type"),
        ("register_many", {"definitions": []}, "tools"),
        ("register_many", {"definitions": [definition("a"), {}]}, "tools.1.tool_id"),
        ("get", {"tool_id": "a", "format": "french"}, "format"),
        ("list", {"limit": 0}, "limit"),
        ("deregister", {"tool_id": ""}, "tool_id"),
        ("discover", {}, "query, capabilities or tags must be given"),
        ("discover", {"query": "x", "top_k": 101}, "top_k"),
        ("report", {"tool_id": "a", "success": True, "error": "no"}, "error must not be given"),
        ("report_later", {"tool_id": "a", "success": True, "nonsense": 1}, "nonsense"),
        ("report_many", {"outcomes": [{"tool_id": "a"}]}, "outcomes.0.success"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_by_name_before_anything_is_sent(
    client: Client, method: str, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await getattr(client.tools, method)(**arguments)
    assert field in refused.value.detail
