"""Equipping agents: prompt, tools and memories of a loadout, on a real ledger."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from outfits import Outfitter, outfitter_on
from redis.asyncio import Redis
from toolbox import tool

from memos.errors import InvalidCommand, NotFound
from memos.records import Source
from memos.specs import call_name
from memos.stores.postgres import Pool

SEARCH = tool("web.search", "finds pages", required_capabilities=["internet"])
NOTE = tool("note", "writes notes down", required_capabilities=["paper"])
ADD = tool("todo.add", "adds todo items", required_capabilities=["paper", "lists"])


@pytest.fixture
async def outfitter(pool: Pool, redis: Redis) -> Outfitter:
    made = await outfitter_on(pool, redis)
    await made.register(SEARCH, NOTE, ADD)
    return made


async def test_the_prompt_is_the_persona_and_the_instructions_for_the_agent_and_its_task(
    outfitter: Outfitter,
) -> None:
    await outfitter.save(
        persona="You are {agent}.\n", instructions=["Do: {task}\n", 'Answer as {"done": {x}, {{task}}: []}.']
    )

    equipment = await outfitter.equip("greet {agent}")

    assert equipment.system_prompt == (
        'You are ada.\n\nDo: greet {agent}\n\nAnswer as {"done": {x}, {greet {agent}}: []}.'
    )
    assert (equipment.loadout, equipment.version, equipment.agent_id, equipment.task) == (
        "kit",
        1,
        "ada",
        "greet {agent}",
    )
    assert (equipment.tools, equipment.context, equipment.memories, equipment.warnings) == ([], "", [], [])


async def test_tools_are_chosen_by_id_by_capability_and_by_discovery_each_once_and_in_order(
    outfitter: Outfitter,
) -> None:
    await outfitter.save(
        tools=[
            {"id": "todo.add"},
            {"capabilities": ["paper"]},
            {"discover": "{task}", "top_k": 2},
            {"capabilities": ["paper", "lists"], "match": "all"},
        ]
    )

    equipment = await outfitter.equip("find pages")

    assert [(one.tool_id, one.chosen_by) for one in equipment.tools] == [
        ("todo.add", "tools.0"),
        ("note", "tools.1"),
        ("web.search", "tools.2"),
    ]
    by_id, by_capability, discovered = equipment.tools
    assert (by_id.score, by_id.reasons) == (None, [])
    assert by_capability.reasons
    assert discovered.score is not None
    assert discovered.reasons
    assert equipment.warnings == []


async def test_tools_by_capability_are_the_best_for_the_task(outfitter: Outfitter) -> None:
    await outfitter.save(tools=[{"capabilities": ["paper"], "top_k": 1}])

    assert [one.tool_id for one in (await outfitter.equip("adds todo items")).tools] == ["todo.add"]
    assert [one.tool_id for one in (await outfitter.equip("writes notes down")).tools] == ["note"]


@pytest.mark.parametrize(
    ("form", "name"), [("openai", ("function", "name")), ("anthropic", ("name",)), ("mcp", ("name",))]
)
async def test_tools_are_given_in_the_form_of_the_loadout_or_of_the_request(
    outfitter: Outfitter, form: str, name: tuple[str, ...]
) -> None:
    await outfitter.save(tools=[{"id": "web.search"}], format=form)
    [own] = (await outfitter.equip()).tools
    await outfitter.save(tools=[{"id": "web.search"}], format="mcp" if form == "openai" else "openai")
    [asked] = (await outfitter.equip(format=form)).tools

    called: Any = own.spec
    for field in name:
        called = called[field]
    assert called == own.call_name == call_name("web.search")
    assert own.spec == asked.spec
    assert own.tokens == -(-len(json.dumps(own.spec, separators=(",", ":"), ensure_ascii=False)) // 4)


async def test_every_missing_tool_is_named_when_that_is_an_error(outfitter: Outfitter) -> None:
    await outfitter.save(
        missing_tools="error",
        tools=[
            {"id": "nowhere"},
            {"id": "web.search"},
            {"capabilities": ["wings"]},
            {"id": "elsewhere", "missing": "warning"},
            {"id": "note"},
        ],
    )

    with pytest.raises(NotFound) as refusal:
        await outfitter.equip(agent_capabilities=["internet"])

    assert [fault.field for fault in refusal.value.faults] == ["tools.0", "tools.2", "tools.4"]
    assert "nowhere" in refusal.value.faults[0].message
    assert "any of wings" in refusal.value.faults[1].message
    assert refusal.value.faults[2].message == "Tool note requires paper, which agent ada does not have."
    assert refusal.value.detail.startswith("Loadout kit lacks tools that must not be missing. tools.0: ")


async def test_missing_tools_are_warned_of_when_that_will_do(outfitter: Outfitter) -> None:
    await outfitter.save(tools=[{"id": "nowhere"}, {"id": "note"}, {"capabilities": ["wings"]}])

    equipment = await outfitter.equip()

    assert [one.tool_id for one in equipment.tools] == ["note"]
    assert [warning.split(":")[0] for warning in equipment.warnings] == ["tools.0", "tools.2"]
    assert (
        equipment.warnings[1] == "tools.2: There is no tool that requires any of wings and that agent ada may use."
    )


async def test_one_choice_may_be_stricter_than_the_loadout(outfitter: Outfitter) -> None:
    await outfitter.save(tools=[{"id": "nowhere", "missing": "error"}, {"id": "elsewhere"}])

    with pytest.raises(NotFound) as refusal:
        await outfitter.equip()

    assert [fault.field for fault in refusal.value.faults] == ["tools.0"]


async def test_an_agent_gets_no_tool_that_requires_what_it_does_not_have(outfitter: Outfitter) -> None:
    await outfitter.save(tools=[{"capabilities": ["paper"]}, {"discover": "find pages", "top_k": 3}])

    unknown = await outfitter.equip()
    known = await outfitter.equip(agent_capabilities=["paper"])

    assert {one.tool_id for one in unknown.tools} == {"note", "todo.add", "web.search"}
    assert [one.tool_id for one in known.tools] == ["note"]
    assert known.warnings == []


async def test_the_context_numbers_the_memories_and_says_when_who_and_where(outfitter: Outfitter) -> None:
    told = await outfitter.rooms.remember(
        "The pages are in the attic.\n2. Not a memory.",
        agent_id="ada",
        occurred_at=datetime(2026, 3, 2, 18, tzinfo=UTC),
        metadata={"speaker": "Ines"},
    )
    read = await outfitter.rooms.remember(
        "pages are numbered",
        agent_id="bob",
        visibility="shared",
        source=Source(uri="docs/pages.md", symbol="Pages", line=12),
    )
    await outfitter.rooms.remember("pages of others", agent_id="bob")
    await outfitter.save(
        memories=[{"query": "pages are numbered", "top_k": 1}, {"query": "{task}", "filter": {"agent_id": "ada"}}]
    )

    equipment = await outfitter.equip("where are the pages?")

    assert equipment.context == (
        "1. [Pages in docs/pages.md:12] pages are numbered\n"
        "2. [2026-03-02, Ines] The pages are in the attic.\n   2. Not a memory."
    )
    first, second = equipment.memories
    assert (first.memory_id, first.agent_id, first.version, first.chosen_by) == (read, "bob", 1, "memories.0")
    assert (second.memory_id, second.agent_id, second.version, second.chosen_by) == (told, "ada", 1, "memories.1")
    assert first.score > 0


async def test_a_memory_that_two_choices_find_is_in_the_context_once(outfitter: Outfitter) -> None:
    only = await outfitter.rooms.remember("pages", agent_id="ada", source=Source(uri="a.md"))
    await outfitter.save(memories=[{}, {"query": "pages"}, {"query": "pages {task}"}])

    equipment = await outfitter.equip("pages")

    assert [(one.memory_id, one.chosen_by) for one in equipment.memories] == [(only, "memories.0")]
    assert equipment.context == "1. [a.md] pages"


async def test_nothing_of_another_tenant_is_given(outfitter: Outfitter) -> None:
    await outfitter.rooms.remember("pages", agent_id="ada", visibility="shared")
    await outfitter.save(tenant="other", tools=[{"id": "note"}, {"discover": "{task}"}], memories=[{}])

    equipment = await outfitter.equip(tenant="other")

    assert (equipment.tools, equipment.memories) == ([], [])
    assert len(equipment.warnings) == 2
    with pytest.raises(NotFound, match="kit"):
        await outfitter.equip(tenant="default")


async def test_what_the_loadout_says_of_the_model_is_passed_on(outfitter: Outfitter) -> None:
    model = {"name": "m", "temperature": 0.5, "options": {"seed": 1, "stop": ["x"]}}
    await outfitter.save(model=model)

    equipment = await outfitter.equip()

    assert equipment.model is not None
    assert equipment.model.model_dump(exclude_unset=True) == model


async def test_a_loadout_equips_by_its_newest_version(outfitter: Outfitter) -> None:
    await outfitter.save()
    await outfitter.save(persona="Other.")

    equipment = await outfitter.equip()

    assert (equipment.version, equipment.system_prompt) == (2, "Other.")


async def test_a_task_that_makes_a_query_too_long_is_refused_with_the_choice(outfitter: Outfitter) -> None:
    await outfitter.save(memories=[{"query": "What is known of {task}?"}])

    with pytest.raises(InvalidCommand, match=r"^memories\.0 of the loadout .* Shorten the task\.$") as refusal:
        await outfitter.equip("x" * 16_000)

    assert [fault.field for fault in refusal.value.faults] == ["task"]
