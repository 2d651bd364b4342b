"""What fits into the tokens that an agent may be given."""

import pytest
from outfits import Outfitter, outfitter_on
from redis.asyncio import Redis
from toolbox import tool

from memos.errors import InvalidCommand
from memos.events.equipment import Equipment
from memos.ranking import tokens_of
from memos.stores.postgres import Pool

PERSONA = "You keep the pages in order."


@pytest.fixture
async def outfitter(pool: Pool, redis: Redis) -> Outfitter:
    """A loadout with two tools, of which the first is the larger one, and with memories of several lengths."""
    made = await outfitter_on(pool, redis)
    await made.register(tool("large", "finds pages " * 30), tool("small", "pages"))
    for length in (1, 40, 3, 12, 2):
        await made.rooms.remember(f"page {length} " + "on and on " * length, agent_id="ada")
    await made.save(
        persona=PERSONA,
        tools=[{"id": "large"}, {"id": "small"}],
        memories=[{"query": "page", "top_k": 2}, {"query": "pages {task}", "top_k": 5, "max_tokens": 60}],
    )
    return made


def assert_adds_up(equipment: Equipment) -> None:
    tokens = equipment.tokens
    assert tokens.system_prompt == tokens_of(equipment.system_prompt)
    assert tokens.tools == sum(one.tokens for one in equipment.tools)
    assert tokens_of(equipment.context) <= tokens.context == sum(one.tokens for one in equipment.memories)
    assert tokens.total == tokens.system_prompt + tokens.tools + tokens.context


async def test_everything_together_never_costs_more_than_it_may(outfitter: Outfitter) -> None:
    whole = await outfitter.equip("pages", max_tokens=None)
    assert_adds_up(whole)
    assert whole.tokens.budget is None
    counts = set()

    for budget in range(tokens_of(PERSONA), whole.tokens.total + 5, 5):
        equipment = await outfitter.equip("pages", max_tokens=budget)
        assert_adds_up(equipment)
        assert equipment.tokens.total <= budget == equipment.tokens.budget
        counts.add((len(equipment.tools), len(equipment.memories)))

    assert {(0, 0), (2, len(whole.memories))} < counts


async def test_a_budget_that_is_just_large_enough_leaves_nothing_out(outfitter: Outfitter) -> None:
    whole = await outfitter.equip("pages")

    equipment = await outfitter.equip("pages", max_tokens=whole.tokens.total)

    # scores are a little lower the older a memory is
    assert [one.memory_id for one in equipment.memories] == [one.memory_id for one in whole.memories]
    assert equipment.tokens.total == whole.tokens.total


async def test_a_system_prompt_that_does_not_fit_is_refused_with_what_it_costs(outfitter: Outfitter) -> None:
    cost = tokens_of(PERSONA)

    with pytest.raises(InvalidCommand, match=f"costs {cost} tokens") as refusal:
        await outfitter.equip(max_tokens=cost - 1)

    assert refusal.value.faults == (("max_tokens", f"must be at least {cost}, for the system prompt alone"),)
    assert (await outfitter.equip(max_tokens=cost)).tokens.total == cost


async def test_a_tool_that_does_not_fit_is_left_out_with_a_warning_and_a_smaller_one_is_given(
    outfitter: Outfitter,
) -> None:
    whole = await outfitter.equip()
    large, small = whole.tools

    equipment = await outfitter.equip(max_tokens=tokens_of(PERSONA) + large.tokens - 1)

    assert [one.tool_id for one in equipment.tools] == ["small"]
    assert equipment.warnings[0] == (
        f"tools.0: Tool large is left out: it costs {large.tokens} tokens, and {large.tokens - 1} are left."
    )
    assert small.tokens < large.tokens


async def test_tools_come_before_memories_and_what_is_left_out_of_those_is_told(outfitter: Outfitter) -> None:
    whole = await outfitter.equip()
    budget = whole.tokens.system_prompt + whole.tokens.tools

    equipment = await outfitter.equip(max_tokens=budget)

    assert len(equipment.tools) == 2
    assert (equipment.context, equipment.tokens.context) == ("", 0)
    assert [warning.split(":")[0] for warning in equipment.warnings] == ["memories.0", "memories.1"]


async def test_the_budget_of_the_request_goes_before_that_of_the_loadout(outfitter: Outfitter) -> None:
    await outfitter.save(persona=PERSONA, tools=[{"id": "large"}], max_tokens=tokens_of(PERSONA))

    own = await outfitter.equip()
    asked = await outfitter.equip(max_tokens=1000)

    assert ([one.tool_id for one in own.tools], own.tokens.budget) == ([], tokens_of(PERSONA))
    assert ([one.tool_id for one in asked.tools], asked.tokens.budget) == (["large"], 1000)


async def test_a_choice_of_memories_keeps_to_its_own_tokens(outfitter: Outfitter) -> None:
    await outfitter.save(memories=[{"query": "page", "max_tokens": 20}, {"query": "page", "max_tokens": 30}])

    equipment = await outfitter.equip()

    by_choice = {
        path: sum(one.tokens for one in equipment.memories if one.chosen_by == path)
        for path in ("memories.0", "memories.1")
    }
    assert 0 < by_choice["memories.0"] <= 20
    assert 0 < by_choice["memories.1"] <= 30


async def test_what_is_in_the_context_already_takes_no_room_again(outfitter: Outfitter) -> None:
    for content in ("old roses " * 4, "old roses and yellow tulips and white lilies"):
        await outfitter.rooms.remember(content, agent_id="eve")
    await outfitter.save(memories=[{"query": "old roses", "top_k": 1}, {"query": "old roses", "top_k": 2}])
    whole = await outfitter.equip(agent_id="eve")
    assert [one.chosen_by for one in whole.memories] == ["memories.0", "memories.1"]

    equipment = await outfitter.equip(agent_id="eve", max_tokens=whole.tokens.total)

    assert equipment.context == whole.context
