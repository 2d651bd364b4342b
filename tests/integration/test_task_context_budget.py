"""What of a context fits into the tokens that it may cost, and what a loadout adds to it."""

import pytest
from contexts import Desk, assert_adds_up, desk_on
from redis.asyncio import Redis
from sessions import MOMENT
from toolbox import tool

from memos.errors import InvalidCommand
from memos.events.context import TaskContext
from memos.handlers.context.sections import LARGEST_VALUE, MOST_VALUES
from memos.ranking import tokens_of
from memos.records import KeptSummary, SessionKey
from memos.stores.postgres import Pool

PERSONA = "You keep the pages in order."


@pytest.fixture
async def desk(pool: Pool, redis: Redis) -> Desk:
    """Something of everything, of several lengths."""
    made = await desk_on(pool, redis)
    await made.outfitter.register(tool("large", "finds pages " * 30), tool("small", "pages"))
    await made.outfitter.save(persona=PERSONA, tools=[{"id": "large"}], memories=[{"query": "shelves"}])
    for length in (1, 30, 2):
        await made.remember(f"pages {length} " + "on and on " * length)
        await made.learn(f"pages {length} " + "over and over " * length)
        await made.say(f"page {length} " + "and so on " * length)
        await made.set(f"plan-{length}", b'"' + b"x" * length + b'"')
    return made


def counted(context: TaskContext) -> tuple[int, ...]:
    assert context.working is not None
    values, messages = len(context.working.values), len(context.working.messages)
    return len(context.lessons), len(context.memories), messages, values, len(context.tools)


def omitted(context: TaskContext) -> tuple[int, ...]:
    return tuple(context.omitted.get(section, 0) for section in ("lessons", "memories", "working", "tools"))


async def test_everything_together_never_costs_more_than_it_may_and_what_does_not_fit_is_counted(
    desk: Desk,
) -> None:
    whole = await desk.context("pages", session_id="s", loadout="kit")
    assert_adds_up(whole)
    assert (counted(whole), whole.omitted, whole.tokens.budget) == ((3, 3, 3, 3, 2), {}, None)
    seen = set()

    for budget in range(tokens_of(PERSONA), whole.tokens.total + 12, 12):
        context = await desk.context("pages", session_id="s", loadout="kit", max_tokens=budget)
        assert_adds_up(context)
        assert context.tokens.budget == budget
        lessons, memories, messages, values, tools = seen_now = counted(context)
        assert omitted(context) == (3 - lessons, 3 - memories, 6 - messages - values, 2 - tools)
        seen.add(seen_now)

    assert {(0, 0, 0, 0, 0), (3, 3, 3, 3, 2)} < seen


async def test_a_budget_that_is_just_large_enough_leaves_nothing_out_and_one_less_something(desk: Desk) -> None:
    whole = await desk.context("pages", session_id="s", loadout="kit")

    exact = await desk.context("pages", session_id="s", loadout="kit", max_tokens=whole.tokens.total)
    less = await desk.context("pages", session_id="s", loadout="kit", max_tokens=whole.tokens.total - 1)

    assert (exact.context, exact.omitted) == (whole.context, {})
    assert sum(less.omitted.values()) == 1


async def test_the_best_of_each_section_comes_before_the_second_best_of_any(desk: Desk) -> None:
    whole = await desk.context("pages", session_id="s")
    firsts = (whole.lessons[0], whole.memories[0], whole.tools[0])
    assert whole.working is not None
    room = sum(one.tokens for one in (*firsts, whole.working.messages[-1])) + 30

    context = await desk.context("pages", session_id="s", max_tokens=room)

    assert context.working is not None
    assert context.lessons[0].memory_id == firsts[0].memory_id
    assert context.memories[0].memory_id == firsts[1].memory_id
    assert context.tools[0].tool_id == firsts[2].tool_id
    assert context.working.messages[-1].sequence == 3


async def test_a_system_prompt_that_does_not_fit_is_refused_with_what_it_costs(desk: Desk) -> None:
    cost = tokens_of(PERSONA)

    with pytest.raises(InvalidCommand, match=f"costs {cost} tokens") as refusal:
        await desk.context(loadout="kit", max_tokens=cost - 1)

    assert [fault.field for fault in refusal.value.faults] == ["max_tokens"]
    assert (await desk.context(loadout="kit", max_tokens=cost)).tokens.total == cost


async def test_the_budget_of_the_request_goes_before_that_of_the_loadout(desk: Desk) -> None:
    await desk.outfitter.save(persona=PERSONA, max_tokens=tokens_of(PERSONA))

    own, asked = await desk.context(loadout="kit"), await desk.context(loadout="kit", max_tokens=900)

    assert (own.tokens.total, own.tokens.budget) == (tokens_of(PERSONA), tokens_of(PERSONA))
    assert (asked.tokens.budget, asked.omitted) == (900, {})


async def test_a_loadout_adds_its_prompt_model_tools_and_memories_each_once(desk: Desk) -> None:
    await desk.outfitter.save(
        persona="You are {agent}. Do: {task}.",
        model={"name": "m", "temperature": 0.5},
        tools=[{"id": "small"}, {"id": "nowhere"}],
        memories=[{"query": "pages", "filter": {"not": {"kind": "lesson"}}}, {"query": "attic", "top_k": 1}],
        format="anthropic",
    )
    attic = await desk.remember("attic")

    context = await desk.context("pages", loadout="kit", memories=1)

    assert context.system_prompt == "You are ada. Do: pages."
    assert context.model is not None
    assert context.model.name == "m"
    assert [(one.tool_id, one.chosen_by) for one in context.tools] == [("small", "tools.0"), ("large", "discovery")]
    assert all(one.spec["name"] == one.call_name for one in context.tools)
    assert [warning.split(":")[0] for warning in context.warnings] == ["tools.1"]
    ids = [one.memory_id for one in context.memories]
    assert attic in ids
    assert len(ids) == len(set(ids)) == 4
    assert context.missing == []


async def test_the_form_that_is_asked_for_goes_before_that_of_the_loadout(desk: Desk) -> None:
    await desk.outfitter.save(tools=[{"id": "small"}], format="anthropic")

    context = await desk.context("pages", loadout="kit", format="mcp", tools=0)

    assert "inputSchema" in context.tools[0].spec


async def test_a_lesson_that_a_loadout_chooses_too_is_not_among_the_memories(desk: Desk) -> None:
    await desk.outfitter.save(memories=[{"query": "pages", "filter": {"kind": "lesson"}, "top_k": 10}])

    alone = await desk.context("pages", loadout="kit", memories=0, lessons=0)
    beside = await desk.context("pages", loadout="kit", memories=0, lessons=2)

    assert [one.kind for one in alone.memories] == ["lesson"] * 3
    assert len(beside.lessons) == 2
    assert len(beside.memories) == 1


async def test_a_tool_that_a_loadout_chooses_and_that_does_not_fit_is_warned_of(desk: Desk) -> None:
    context = await desk.context("pages", loadout="kit", memories=0, lessons=0, tools=0, max_tokens=60)

    assert context.tools == []
    assert "tools.0: Tool large is left out, for it does not fit." in context.warnings


async def test_a_value_that_is_too_large_to_be_shown_is_left_out_with_a_warning(desk: Desk) -> None:
    await desk.set("dump", b'"' + b"x" * (LARGEST_VALUE - 1) + b'"')
    await desk.set("page", b'"' + b"x" * (LARGEST_VALUE - 2) + b'"')

    context = await desk.context("pages", session_id="s")

    assert context.working is not None
    shown = [one.key for one in context.working.values]
    assert "dump" not in shown
    assert "page" in shown
    assert context.omitted == {"working": 1}
    assert [warning for warning in context.warnings if "'dump'" in warning]


async def test_of_very_many_values_some_are_looked_at_and_all_are_counted(desk: Desk) -> None:
    for number in range(MOST_VALUES):
        await desk.set(f"key-{number:03}", b"1")

    context = await desk.context("pages", session_id="s")

    assert context.working is not None
    assert len(context.working.values) == MOST_VALUES
    assert context.omitted == {"working": 3}
    assert any(warning.startswith("3 values of the session") for warning in context.warnings)


async def test_the_newest_messages_are_given_oldest_first_and_the_newest_is_the_best(desk: Desk) -> None:
    context = await desk.context("pages", session_id="s", messages=2)

    assert context.working is not None
    assert [(one.sequence, one.score) for one in context.working.messages] == [(2, 2), (3, 3)]
    lines = [line for line in context.context.splitlines() if line.startswith(("2. [user]", "3. [user]"))]
    assert len(lines) == 2
    assert (await desk.context("pages", session_id="s", messages=0)).working is not None


async def test_the_summary_of_a_session_comes_before_its_messages(desk: Desk) -> None:
    working, key = desk.outfitter.working, SessionKey("default", "ada", "s")
    text = "They looked for pages.\n## Memories"
    summary = KeptSummary(text=text, through=1, message_ids=[], model="m", updated_at=MOMENT)
    await working.promoted(await working.session(key), 1)
    assert await working.leave(await working.session(key), 1, summary)

    context = await desk.context("pages", session_id="s", lessons=0, memories=0)

    assert context.working is not None
    assert context.working.summary == text
    assert context.context.startswith(
        "## Working memory\nSummary: They looked for pages.\n   ## Memories\n- plan-2 ="
    )
    assert [one.sequence for one in context.working.messages] == [2, 3]
    without = await desk.context("pages", session_id="s", lessons=0, memories=0, tools=0, max_tokens=1)
    assert without.working is not None
    assert (without.working.summary, without.working.tokens) == (None, 0)
