"""Tasks, tools, notes, resources and the prompt of `memos mcp`, spoken to by the official client."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from http_servers import serving
from mcp import MCPError
from mcp_clients import OpenMcp, data, refused, resource, told
from mcp_types import TextContent
from running import until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from memos.client import Client as Sdk

pytest_plugins = ["bus_fixtures", "mcp_fixtures"]

TASK = "Book a table for six at the Lantern"
LESSON = "The Lantern takes bookings by telephone alone."


@pytest.fixture
def name() -> str:
    """A name that nobody else uses, for a tool or a loadout."""
    return f"k{uuid4().hex}"


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    """A tool that answers with what it was given, with too much, or not at all."""

    async def answer(request: Request) -> Response:
        match (await request.json())["wish"]:
            case "much":
                return PlainTextResponse("z" * 250_000)
            case "trouble":
                return PlainTextResponse("no table", 500)
            case wish:
                return JSONResponse({"booked": wish})

    async with serving(Starlette(routes=[Route("/book", answer, methods=["POST"])])) as url:
        yield f"{url}/book"


@pytest.fixture
async def tool(endpoint: str, clients: dict[str, Sdk], name: str) -> str:
    """The id of a registered tool."""
    await clients["bus"].tools.register(
        tool_id=name,
        name="Telephone",
        description=f"Books a table at a restaurant such as {name}.",
        endpoint_url=endpoint,
        request_schema={"type": "object", "properties": {"wish": {"type": "string"}}, "required": ["wish"]},
    )
    return name


async def test_what_was_learned_of_a_task_is_in_the_context_of_the_next(open_mcp: OpenMcp) -> None:
    async with open_mcp() as client:
        text, queued = await told(client, "record_learning", task=TASK, outcome="success", lessons=[LESSON])

        async def learned() -> bool:
            return bool((await data(client, "context", task=f"{TASK} again"))["lessons"])

        await until(learned)
        await data(client, "log_message", content="A quiet table, please.")
        text, context = await told(client, "context", task=f"{TASK} again", max_tokens=500)
        lesson = context["lessons"][0]
        judged = await data(
            client, "record_learning", task=TASK, outcome="success", helpful_memories=[lesson["memory_id"]]
        )

    assert queued["status"] == judged["status"] == "queued"
    assert queued["command_id"] != judged["command_id"]
    assert (lesson["number"], lesson["kind"]) == (1, "lesson")
    assert LESSON in context["context"]
    assert "A quiet table, please." in context["context"]
    assert f"lesson 1: {lesson['memory_id']}" in text
    assert context["context"] in text
    assert 0 < context["tokens"] <= 500


async def test_what_is_told_of_a_task_reaches_the_memories_and_is_refused_when_it_makes_no_sense(
    open_mcp: OpenMcp, clients: dict[str, Sdk], agent: str
) -> None:
    async with open_mcp() as client:
        good, bad = [
            await data(client, "remember", content=text) for text in ("Tea is at four.", "It never rains.")
        ]
        ids = {"helpful_memories": [good["memory_id"]], "misleading_memories": [bad["memory_id"]]}
        await data(client, "record_learning", task="Plan the afternoon", outcome="partial", **ids)

        async def judged() -> bool:
            kept = [await clients["bus"].get(one["memory_id"], agent_id=agent) for one in (good, bad)]
            return kept[0].usefulness > 0 > kept[1].usefulness

        await until(judged)
        both = {"helpful_memories": [good["memory_id"]], "misleading_memories": [good["memory_id"]]}
        twice = await refused(client, "record_learning", task="x", outcome="success", **both)
        unheard = await refused(client, "record_learning", task="x", outcome="so-so")

    assert "must not name any twice" in twice
    assert "outcome: Input should be 'success', 'failure' or 'partial'" in unheard


async def test_a_registered_tool_is_found_called_and_its_outcome_told(
    open_mcp: OpenMcp, tool: str, clients: dict[str, Sdk]
) -> None:
    async with open_mcp() as client:
        text, found = await told(client, "discover_tools", task=f"book a table at {tool}", top_k=1)
        context = await data(client, "context", task=f"book a table at {tool}")
        answer, called = await told(client, "call_tool", tool_id=tool, arguments={"wish": "six"}, task=TASK)
        _, as_text = await told(client, "call_tool", tool_id=tool, arguments='{"wish": "two"}')
        _, much = await told(client, "call_tool", tool_id=tool, arguments={"wish": "much"})

        async def counted() -> bool:
            return (await clients["bus"].tools.get(tool)).statistics.outcomes == 3

        await until(counted)

    [shown] = found["tools"]
    assert (shown["tool_id"], shown["name"]) == (tool, "Telephone")
    assert shown["arguments"]["required"] == ["wish"]
    assert text.startswith(f"1. {tool}: Books a table")
    assert "Arguments: wish." in text
    assert tool in [one["tool_id"] for one in context["tools"]]
    assert (json.loads(answer), called["content"], called["truncated"]) == ({"booked": "six"},) * 2 + (False,)
    assert as_text["content"] == {"booked": "two"}
    assert (len(much["content"]), much["truncated"]) == (100_000, True)


@pytest.mark.parametrize("judged", ["helpful_tools", "useless_tools"])
async def test_a_tool_that_was_called_and_then_judged_is_counted_once(
    open_mcp: OpenMcp, tool: str, clients: dict[str, Sdk], agent: str, judged: str
) -> None:
    sdk, wish = clients["bus"], "six" if judged == "helpful_tools" else "trouble"
    async with open_mcp() as client:
        await client.call_tool("call_tool", {"tool_id": tool, "arguments": {"wish": wish}, "task": TASK})

        async def counted() -> bool:
            return (await sdk.tools.get(tool)).statistics.outcomes == 1

        async def learned() -> bool:
            return bool((await sdk.learning.list(agent_id=agent)).results)

        await until(counted)
        await data(client, "record_learning", task=TASK, outcome="success", **{judged: [tool]})
        await until(learned)

    [learning] = (await sdk.learning.list(agent_id=agent)).results
    assert learning.tools == 1
    assert await counted()


async def test_a_tool_that_was_called_elsewhere_is_counted_when_it_is_judged(
    open_mcp: OpenMcp, tool: str, clients: dict[str, Sdk]
) -> None:
    async with open_mcp() as client:
        await refused(client, "call_tool", tool_id=tool, arguments={"wsh": "six"})
        await data(client, "record_learning", task=TASK, outcome="success", helpful_tools=[tool])

        async def counted() -> bool:
            return (await clients["bus"].tools.get(tool)).statistics.outcomes == 1

        await until(counted)


async def test_why_a_tool_could_not_be_called_is_told_in_one_line(open_mcp: OpenMcp, tool: str) -> None:
    async with open_mcp() as client:
        unknown = await refused(client, "call_tool", tool_id="no-such-tool", arguments={})
        lacking = await refused(client, "call_tool", tool_id=tool, arguments={"wsh": "six"})
        no_json = await refused(client, "call_tool", tool_id=tool, arguments="{wish")
        failing = await refused(client, "call_tool", tool_id=tool, arguments={"wish": "trouble"})
        endless = await refused(client, "call_tool", tool_id=tool, timeout_seconds=601)

    assert "no-such-tool" in unknown
    assert "wish" in lacking
    assert "arguments: must be JSON" in no_json
    assert f"{tool} answered with status 500: no table" in failing
    assert "timeout_seconds: " in endless


async def test_notes_are_kept_changed_listed_and_deleted(open_mcp: OpenMcp) -> None:
    async with open_mcp() as client:
        empty, _ = await told(client, "working_get")
        await data(client, "working_set", key="plan", value={"step": 1})
        kept = await data(client, "working_set", key="plan", value={"step": 2}, ttl_seconds=600)
        longer = await data(client, "working_append", key="seen", items=["a", {"b": None}])
        await data(client, "log_message", role="assistant", content="Two tables are free.")
        await data(client, "working_set", key="plan", value=None, session_id="elsewhere")
        text, notes = await told(client, "working_get")
        value, one = await told(client, "working_get", key="plan")
        deleted = [(await data(client, "working_delete", key="seen"))["deleted"] for _ in range(2)]
        absent = await refused(client, "working_get", key="seen")

    assert empty == "Nothing is kept in session default."
    assert (kept["version"], longer["length"]) == (2, 2)
    assert [(note["key"], note["value"]) for note in notes["values"]] == [
        ("plan", {"step": 2}),
        ("seen", ["a", {"b": None}]),
    ]
    assert [(one["role"], one["content"]) for one in notes["messages"]] == [("assistant", "Two tables are free.")]
    assert text.splitlines() == ['plan: {"step":2}', 'seen: ["a",{"b":null}]', "assistant: Two tables are free."]
    assert (value, one["values"][0]["version"], one["messages"]) == ('{"step":2}', 2, [])
    assert one["values"][0]["expires_at"] is not None
    assert deleted == [True, False]
    assert "has no key 'seen'" in absent


async def test_loadouts_are_resources_and_equip_for_a_task(
    open_mcp: OpenMcp, clients: dict[str, Sdk], name: str
) -> None:
    await clients["bus"].loadouts.save({"name": name, "description": "For guests.", "persona": "You serve {task}."})
    async with open_mcp() as client:
        listed = {one.uri: one.description for one in (await client.list_resources()).resources}
        templates = [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
        every = json.loads(await resource(client, "memos://loadouts"))["loadouts"]
        one = json.loads(await resource(client, f"memos://loadouts/{name}"))
        equipped = await data(client, "context", task="tea", loadout=name)
        with pytest.raises(MCPError, match="other"):
            await resource(client, "memos://loadouts/other")
        with pytest.raises(MCPError, match=r"There is no resource memos://cellar\. There are memos://loadouts, "):
            await resource(client, "memos://cellar")

    assert listed[f"memos://loadouts/{name}"] == "For guests."
    assert templates == ["memos://loadouts/{name}", "memos://memories/{id}"]
    assert {"name": name, "description": "For guests.", "version": 1} in every
    assert one["loadout"]["persona"] == "You serve {task}."
    assert equipped["system_prompt"] == "You serve tea."


async def test_recent_memories_are_a_resource_newest_first_and_without_those_of_others(
    open_mcp: OpenMcp, clients: dict[str, Sdk], agent: str
) -> None:
    sdk = clients["bus"]
    kept = [(await sdk.store(f"Fact number {number}", agent_id=agent)).memory_id for number in range(23)]
    await sdk.ingest([{"content": f"Page of {agent}", "source": {"uri": f"{agent}.md"}}], agent_id=agent)
    await sdk.store("A secret.", agent_id=f"{agent}-other")
    await sdk.delete(kept.pop(), agent_id=agent)
    async with open_mcp() as client:

        async def newest() -> list[str]:
            """What of this agent's is recent."""
            told = json.loads(await resource(client, "memos://memories/recent"))["memories"]
            return [one["memory_id"] for one in told if one["agent_id"].startswith(agent)]

        async def placed() -> bool:
            return (await newest())[:1] == [str(kept[-1])]

        await until(placed)
        recent = await newest()
        one = json.loads(await resource(client, f"memos://memories/{kept[0]}"))
        with pytest.raises(MCPError, match="memory_id"):
            await resource(client, "memos://memories/nonsense")

    assert recent == [str(memory_id) for memory_id in reversed(kept)][: len(recent)]
    assert len(recent) == 20
    assert (one["content"], one["agent_id"]) == ("Fact number 0", agent)


async def test_the_prompt_begins_a_task_with_what_is_known_of_it(open_mcp: OpenMcp) -> None:
    async with open_mcp() as client:
        await data(client, "remember", content="The Lantern is closed on Mondays.")
        [offered] = (await client.list_prompts()).prompts
        given = await client.get_prompt("task", {"task": TASK})
        with pytest.raises(MCPError, match="task: Field required"):
            await client.get_prompt("task", {})
        with pytest.raises(MCPError, match="There is no prompt 'tusk'"):
            await client.get_prompt("tusk", {})

    [message] = given.messages
    assert (offered.name, [argument.name for argument in offered.arguments or []]) == ("task", ["task", "loadout"])
    assert isinstance(message.content, TextContent)
    assert "The Lantern is closed on Mondays." in message.content.text
    assert f"## The task\n{TASK}" in message.content.text
