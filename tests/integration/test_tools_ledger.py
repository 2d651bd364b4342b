"""Tools in a real ledger: registered, updated, read and deregistered, each with one effect and its facts."""

from dataclasses import replace
from typing import Any

import pytest
from builders import count, origin
from tool_drafts import outcome, record, register, text_of, tool, tool_draft

from memos.errors import Conflict, NotFound, Unavailable
from memos.events.facts import FACTS
from memos.records import (
    Deregistered,
    HttpInvocation,
    McpInvocation,
    Parameter,
    Registered,
    TextKey,
    ToolDefinition,
    ToolKey,
    content_hash,
)
from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools

pytest_plugins = ["tool_fixtures"]

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
SAID = "Web Search: finds pages"

FULL = tool(
    request_schema=SCHEMA,
    response_schema={"type": "array"},
    required_capabilities=["internet", "reading"],
    tags=["web"],
    examples=["find the opening hours of a shop", "look something up"],
    invocation=HttpInvocation(method="GET", parameters=[Parameter(argument="q", place="query", name="query")]),
)


async def facts_of(pool: Pool) -> list[tuple[str, Any]]:
    """Type and data of every fact, each read by its contract."""
    rows = await pool.fetch("select type, record_id, version, data from facts order by sequence")
    for row in rows:
        assert FACTS[row["type"]].model_validate(row["data"]).version == row["version"]  # type: ignore[attr-defined]
    return [(row["type"], row["data"]) for row in rows]


async def texts_in(pool: Pool, tenant: str = "default") -> set[str]:
    rows = await pool.fetch("select text from tool_texts where tenant = $1", tenant)
    return {row["text"] for row in rows}


@pytest.mark.parametrize(
    "definition",
    [
        tool(),
        FULL,
        tool(endpoint_url=None, invocation=McpInvocation(transport="stdio", server="files", tool="read")),
        tool(request_schema={}, description="100 % “found” \\ 漢字"),
    ],
)
async def test_a_registered_tool_is_read_as_it_was_given(tools: PostgresTools, definition: ToolDefinition) -> None:
    assert await register(tools, definition) == [Registered("web.search", 1, "registered")]

    found = await tools.get("default", "web.search")

    assert {name: getattr(found, name) for name in ToolDefinition.model_fields} == dict(definition)
    assert (found.version, found.updated_at) == (1, found.created_at)
    assert found.statistics.outcomes == 0


async def test_a_tool_that_is_changed_has_the_next_version(tools: PostgresTools) -> None:
    await register(tools, tool())
    before = await tools.get("default", "web.search")

    assert await register(tools, tool(description="finds more")) == [Registered("web.search", 2, "updated")]

    after = await tools.get("default", "web.search")
    assert (after.description, after.version, after.created_at) == ("finds more", 2, before.created_at)
    assert after.updated_at > before.updated_at


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Search"),
        ("description", "finds more"),
        ("endpoint_url", None),
        ("endpoint_url", "https://tools.test/other"),
        ("request_schema", {}),
        ("response_schema", {"type": "array"}),
        ("required_capabilities", ["internet"]),
        ("tags", ["web"]),
        ("examples", ["look something up"]),
        ("invocation", HttpInvocation(method="GET")),
    ],
)
async def test_a_change_of_any_one_field_makes_a_version_and_so_does_its_return(
    tools: PostgresTools, field: str, value: Any
) -> None:
    await register(tools, tool())

    made = await register(tools, tool(**{field: value}), tool(**{field: value}), tool())

    assert [one.version for one in made] == [2, 2, 3]
    assert [one.status for one in made] == ["updated", "unchanged", "updated"]


async def test_a_tool_that_is_there_just_so_is_left_alone(pool: Pool, tools: PostgresTools) -> None:
    await register(tools, FULL)
    before = await tools.get("default", "web.search")

    assert await register(tools, FULL) == [Registered("web.search", 1, "unchanged")]

    assert await tools.get("default", "web.search") == before
    assert await count(pool, "facts") == 1
    assert (await tools.changes("default", 0)).revision == 1


async def test_true_and_one_are_not_the_same_definition(tools: PostgresTools) -> None:
    await register(tools, tool(request_schema={"default": 1}))

    assert (await register(tools, tool(request_schema={"default": True})))[0].status == "updated"


async def test_registrations_and_deregistrations_are_told_as_facts(pool: Pool, tools: PostgresTools) -> None:
    await register(tools, tool())
    await register(tools, tool(name="Search"))
    await tools.deregister(origin(), b"", "web.search")

    registered, gone = "memos.tool.registered.v1", "memos.tool.deregistered.v1"
    assert await facts_of(pool) == [
        (registered, {"tool_id": "web.search", "version": 1, "name": "Web Search", "status": "registered"}),
        (registered, {"tool_id": "web.search", "version": 2, "name": "Search", "status": "updated"}),
        (gone, {"tool_id": "web.search", "version": 2}),
    ]
    ids = await pool.fetch("select distinct record_id from facts")
    assert [row["record_id"] for row in ids] == [ToolKey("default", "web.search").record_id]


async def test_a_batch_is_registered_in_its_order_also_where_it_names_a_tool_twice(
    pool: Pool, tools: PostgresTools
) -> None:
    made = await register(tools, tool(), tool("todo", name="To-Do"), tool(name="Search"), tool(name="Search"))

    assert made == [
        Registered("web.search", 1, "registered"),
        Registered("todo", 1, "registered"),
        Registered("web.search", 2, "updated"),
        Registered("web.search", 2, "unchanged"),
    ]
    assert (await tools.get("default", "web.search")).name == "Search"
    assert await texts_in(pool) == {"Search: finds pages", "To-Do: finds pages"}


async def test_a_command_that_is_repeated_gets_its_first_reply(pool: Pool, tools: PostgresTools) -> None:
    sent = tool_draft(tool())
    await tools.register([sent])
    await register(tools, tool(name="Search"))

    again = await tools.register([replace(sent, said=[]), sent])

    assert again == [Registered("web.search", 1, "registered")] * 2
    assert (await tools.get("default", "web.search")).version == 2
    assert await count(pool, "facts") == 2


async def test_a_command_id_with_another_body_refuses_its_own_draft_alone(tools: PostgresTools) -> None:
    sent = tool_draft(tool())
    await tools.register([sent])

    refused, made = await tools.register([tool_draft(tool("a"), of=sent.origin), tool_draft(tool("b"))])

    assert isinstance(refused, Conflict)
    assert made == Registered("b", 1, "registered")
    with pytest.raises(NotFound):
        await tools.get("default", "a")


async def test_a_draft_without_vectors_whose_command_is_unknown_is_never_written(
    pool: Pool, tools: PostgresTools
) -> None:
    with pytest.raises(Unavailable, match="Send the command again"):
        await tools.register([replace(tool_draft(tool()), said=[])])

    assert (await count(pool, "commands"), await count(pool, "registered_tools")) == (0, 0)


async def test_a_text_that_no_tool_says_any_more_is_deleted_with_its_vector(
    pool: Pool, tools: PostgresTools
) -> None:
    await register(tools, tool(examples=["once", "shared"]), tool("other", name="Other", examples=["shared"]))
    await record(tools, outcome("other", "asked"))

    await register(tools, tool(examples=["now"]))

    assert await texts_in(pool) == {SAID, "now", "Other: finds pages", "shared", "asked"}
    assert await count(pool, "tool_vectors") == 5


async def test_an_example_that_is_also_evidence_outlives_the_tool_that_said_it(
    pool: Pool, tools: PostgresTools
) -> None:
    await register(tools, tool(examples=["look up"]), tool("other", name="Other"))
    await record(tools, outcome("other", "look up"))

    await tools.deregister(origin(), b"", "web.search")

    assert await texts_in(pool) == {"Other: finds pages", "look up"}


async def test_a_deregistered_tool_leaves_nothing_of_what_it_said_or_was_reported_of_it(
    pool: Pool, tools: PostgresTools
) -> None:
    await register(tools, FULL)
    await record(tools, outcome(task="find a shop", error="closed", success=False))

    assert await tools.deregister(origin(), b"", "web.search") == Deregistered("web.search", True)

    with pytest.raises(NotFound, match=r"No tool 'web.search' is registered\. Check"):
        await tools.get("default", "web.search")
    tables = ("tool_texts", "tool_vectors", "tool_sayings", "tool_evidence", "tool_reports")
    assert [await count(pool, table) for table in tables] == [0] * 5
    [row] = await pool.fetch("select * from registered_tools")
    assert not any(row[name] for name in ("name", "description", "endpoint_url", "request_schema", "examples"))
    assert (row["tool_id"], row["version"]) == ("web.search", 1)


async def test_a_tool_that_is_not_there_is_deregistered_without_a_fact(pool: Pool, tools: PostgresTools) -> None:
    assert await tools.deregister(origin(), b"", "web.search") == Deregistered("web.search", False)

    assert await count(pool, "facts") == 0
    assert (await tools.changes("default", 0)).revision == 0


async def test_a_repeated_deregistration_does_not_reach_the_tool_that_was_registered_since(
    tools: PostgresTools,
) -> None:
    sent = origin()
    await register(tools, tool())
    await tools.deregister(sent, b"one", "web.search")
    await register(tools, tool())

    assert await tools.deregister(sent, b"one", "web.search") == Deregistered("web.search", True)

    assert (await tools.get("default", "web.search")).version == 2
    with pytest.raises(Conflict):
        await tools.deregister(sent, b"two", "web.search")


async def test_a_tool_that_is_registered_anew_begins_without_reports_at_its_next_version(
    tools: PostgresTools,
) -> None:
    await register(tools, tool())
    await record(tools, outcome(success=False))
    first = await tools.get("default", "web.search")
    await tools.deregister(origin(), b"", "web.search")

    assert await register(tools, tool()) == [Registered("web.search", 2, "registered")]

    found = await tools.get("default", "web.search")
    assert found.created_at > first.created_at
    assert found.statistics.outcomes == 0


async def test_vectors_are_kept_by_model_and_known_again(tools: PostgresTools) -> None:
    await register(tools, tool())
    key, other = TextKey("default", content_hash(SAID)), TextKey("other", content_hash(SAID))

    assert [*(await tools.known_vectors("words", [key, other]))] == [key]
    assert (await tools.known_vectors("words", [key]))[key] == pytest.approx(text_of(SAID).vector)
    assert await tools.known_vectors("another", [key]) == {}

    await tools.register([tool_draft(tool(), model="another")])

    assert [*(await tools.known_vectors("another", [key]))] == [key]


async def test_a_schema_keeps_the_order_of_its_properties(tools: PostgresTools) -> None:
    properties = {name: {"type": "string"} for name in ("reasoning", "b", "answer", "aa")}
    await register(tools, tool("t", request_schema={"type": "object", "properties": properties}))
    kept = await tools.get("default", "t")
    assert kept.request_schema is not None
    assert list(kept.request_schema["properties"]) == ["reasoning", "b", "answer", "aa"]
