"""Tools read a page at a time, by what they require, are tagged with and say; and those of each tenant alone."""

from typing import Any

import pytest
from builders import count, origin
from tool_drafts import outcome, record, register, tool

from memos.errors import NotFound
from memos.records import TextKey, ToolSelection, content_hash
from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools

pytest_plugins = ["tool_fixtures"]

TOOLS = (
    tool("web.search", required_capabilities=["internet", "reading"], tags=["web", "search"]),
    tool("web.fetch", name="Fetch", description="reads a PAGE", required_capabilities=["internet"], tags=["web"]),
    tool("Files", name="Files", description="100%_sure: Ärger", tags=["local", "search"]),
    tool("calendar", name="Calendar", description="meetings", required_capabilities=["reading"]),
)


async def pages(tools: PostgresTools, limit: int) -> list[list[str]]:
    """The ids of all tools, by the pages that they are read in."""
    read: list[list[str]] = []
    more = True
    while more:
        found, more = await tools.page("default", ToolSelection(), read[-1][-1] if read else "", limit)
        read.append([one.tool_id for one in found])
    return read


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        ({}, {"web.search", "web.fetch", "Files", "calendar"}),
        ({"capabilities": ["internet", "reading"]}, {"web.search", "web.fetch", "calendar"}),
        ({"capabilities": ["internet", "reading"], "match": "all"}, {"web.search"}),
        ({"capabilities": ["flying"]}, set()),
        ({"tags": ["search"]}, {"web.search", "Files"}),
        ({"tags": ["web", "search"]}, {"web.search"}),
        ({"tags": ["web"], "capabilities": ["reading"]}, {"web.search"}),
        ({"contains": "page"}, {"web.search", "web.fetch"}),
        ({"contains": "WEB."}, {"web.search", "web.fetch"}),
        ({"contains": "%_"}, {"Files"}),
        ({"contains": "_"}, {"Files"}),
        ({"contains": "äRGER"}, {"Files"}),
        ({"contains": ""}, {"web.search", "web.fetch", "Files", "calendar"}),
    ],
)
async def test_a_selection_means_the_tools_that_fit_all_of_it(
    tools: PostgresTools, selection: dict[str, Any], ids: set[str]
) -> None:
    await register(tools, *TOOLS)

    page = await tools.page("default", ToolSelection(**selection), "", 100)

    assert {one.tool_id for one in page.tools} == ids
    assert (len(page.tools), page.more) == (len(ids), False)


async def test_pages_follow_one_another_until_all_were_read(tools: PostgresTools) -> None:
    await register(tools, *(tool(f"tool{number:02}") for number in range(10)))
    await tools.deregister(origin(), b"", "tool05")

    assert await pages(tools, 4) == [
        ["tool00", "tool01", "tool02", "tool03"],
        ["tool04", "tool06", "tool07", "tool08"],
        ["tool09"],
    ]
    assert [len(page) for page in await pages(tools, 3)] == [3, 3, 3]


async def test_a_page_of_large_tools_ends_before_its_limit_and_the_next_one_goes_on(tools: PostgresTools) -> None:
    sizes = (3_000_000, 5_000_100, 9_000_000, 9_000_000, 100, 7_000_000, 2_000_000)
    for number, size in enumerate(sizes):
        await register(tools, tool(f"tool{number}", request_schema={"description": "x" * size}))

    assert await pages(tools, 100) == [["tool0"], ["tool1"], ["tool2"], ["tool3"], ["tool4", "tool5"], ["tool6"]]


async def test_the_tools_of_a_page_come_with_their_statistics(tools: PostgresTools) -> None:
    await register(tools, *TOOLS)
    await record(tools, outcome("Files"), outcome("Files", agent_id="ada"), outcome("calendar", success=False))

    page = await tools.page("default", ToolSelection(), "", 100)

    counts = {one.tool_id: (one.statistics.outcomes, one.statistics.successes) for one in page.tools}
    assert counts == {"Files": (2, 2), "calendar": (1, 0), "web.fetch": (0, 0), "web.search": (0, 0)}


async def test_tenants_with_the_same_tool_and_task_do_not_see_each_other(tools: PostgresTools) -> None:
    key = content_hash("a task")
    for tenant in ("ada", "bob"):
        await register(tools, tool(name=tenant), tenant=tenant)
        await record(tools, outcome(task="a task", of=origin(tenant=tenant)))
    await record(tools, outcome(task="a task", success=False, of=origin(tenant="bob")))

    assert (await tools.get("ada", "web.search")).name == "ada"
    assert [one.name for one in (await tools.page("bob", ToolSelection(), "", 10)).tools] == ["bob"]
    [ada] = (await tools.changes("ada", 0)).evidence
    [bob] = (await tools.changes("bob", 0)).evidence
    assert ((ada.successes, ada.failures), (bob.successes, bob.failures)) == ((1, 0), (1, 1))
    assert (await tools.get("ada", "web.search")).statistics.outcomes == 1
    assert await tools.texts("words", "eve", [key]) == {}
    assert await tools.known_vectors("words", [TextKey("eve", key)]) == {}


async def test_what_one_tenant_deregisters_others_keep(pool: Pool, tools: PostgresTools) -> None:
    for tenant in ("ada", "bob"):
        await register(tools, tool(examples=["a task"]), tenant=tenant)
        await record(tools, outcome(task="a task", of=origin(tenant=tenant)))

    await tools.deregister(origin(tenant="ada"), b"", "web.search")

    with pytest.raises(NotFound):
        await tools.get("ada", "web.search")
    assert (await tools.get("bob", "web.search")).statistics.outcomes == 1
    assert (await count(pool, "tool_texts"), await count(pool, "tool_evidence")) == (2, 1)
    revisions = [(await tools.changes(tenant, 0)).revision for tenant in ("ada", "bob")]
    assert revisions == [3, 2]
