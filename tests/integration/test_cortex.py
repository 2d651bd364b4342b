"""A Cortex: a model, tools, and what is learned of them."""

import json
from uuid import uuid4

import pytest
from devenviro.journal import OWNER, Journal, Superseded
from devenviro.reflection import QUESTION
from devenviro.work import OF_LOADOUT
from society import Society, answered, calls, looks_back, says
from upstream import Body, answers

from memos.events.learning import Learning

pytest_plugins = ["bus_fixtures", "society_fixtures"]


async def learnings(society: Society, task_id: str) -> list[Learning]:
    return [one async for one in society.client.learning.every(task_id=task_id)]


async def test_a_task_is_done_with_a_tool_and_what_was_learned_is_remembered(society: Society) -> None:
    task = society.task()
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(task)
    assert (result.state, result.answer, result.reason) == ("success", "It has rung.", None)
    assert (result.model_calls, result.tool_calls, len(society.bell.rung)) == (3, 1, 1)
    [learning] = await learnings(society, task.task_id)
    assert (learning.outcome, learning.lessons, learning.tools) == ("success", list(result.lessons), 1)
    lesson = await society.client.get(result.lessons[0], agent_id=result.agent)
    assert lesson.kind == "lesson"
    assert society.lesson in lesson.content


async def test_a_tool_that_fails_is_told_to_the_model_which_goes_on(society: Society) -> None:
    society.bell.failing = [503]
    told: list[str] = []

    def again(body: Body) -> dict[str, object]:
        told[:] = answered(body)
        return says("It has rung.") if any("rung" in one for one in told) else calls(society.tool)

    society.script(again)
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.tool_calls, len(society.bell.rung)) == ("success", 2, 1)
    assert 'status 503: {"detail":"the rope is torn"}' in told[0]


async def test_calls_that_cannot_be_made_are_told_to_the_model(society: Society) -> None:
    told: list[str] = []

    def wrong(body: Body) -> dict[str, object]:
        told[:] = answered(body)
        made = [calls("gong"), calls(society.tool, volume=11), calls(society.tool), says("It has rung.")]
        return made[len(told)]

    society.script(wrong)
    await society.client.tools.register(
        tool_id=society.tool,
        name="Bell",
        description="Rings.",
        endpoint_url=f"{society.bell.url}/ring",
        request_schema={"type": "object", "additionalProperties": False},
    )
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.tool_calls, society.bell.asked) == ("success", 3, 1)
    assert told[0].startswith("There is no tool gong. There are: bell_")
    assert "volume" in told[1]


async def test_a_model_that_hangs_ends_the_task_as_a_failure_that_says_so(society: Society) -> None:
    task = society.task()
    society.script(held=lambda _: True)
    async with society.cortex(model_seconds=0.3), society.orchestrator() as orchestrator:
        result = await orchestrator.run(task)
    assert (result.state, result.reason) == ("failure", "The model did not answer within 0.3 s.")
    [learning] = await learnings(society, task.task_id)
    assert (learning.outcome, learning.lessons, learning.memories) == ("failure", [], 0)


async def test_a_model_that_fails_ends_the_task_as_a_failure_that_says_so(society: Society) -> None:
    society.model.answer = answers({"error": {"message": "no such model"}}, 404)
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert result.state == "failure"
    assert "no such model" in (result.reason or "")


async def test_a_model_that_says_nothing_has_failed(society: Society) -> None:
    society.script(lambda _: says(""))
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.lessons) == ("failure", [])


async def test_a_model_that_hangs_when_it_looks_back_has_learned_nothing_and_the_task_is_done(
    society: Society,
) -> None:
    society.script(held=looks_back)
    async with society.cortex(model_seconds=3.0), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.lessons) == ("success", [])


async def test_a_task_that_is_not_done_in_as_many_steps_as_may_be_is_done_in_part(society: Society) -> None:
    society.script(lambda _: calls(society.tool))
    async with society.cortex(most_steps=3), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.reason) == ("partial", "It was not done in 3 steps.")
    assert society.bell.asked == 3
    assert result.lessons


async def test_what_the_model_itself_calls_a_failure_is_no_success(society: Society) -> None:
    society.script(lambda _: says("I could not do it."), back={"outcome": "failure"})
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.answer) == ("failure", "I could not do it.")


async def test_a_second_task_like_it_is_given_the_lesson_of_the_first(society: Society) -> None:
    async with society.cortex(), society.orchestrator() as orchestrator:
        first = await orchestrator.run(society.task("Please ring the bell of {name} today."))
        await orchestrator.run(society.task("Please ring the bell of {name} tomorrow."))
    last = society.model.asked_for("tomorrow")[0]
    assert society.lesson in last["messages"][0]["content"]
    lesson = await society.client.get(first.lessons[0])
    assert (lesson.times_stored, lesson.usefulness > 0) == (2, True)


async def test_memories_of_the_loadout_are_not_mistaken_for_those_that_are_judged_by_number(
    society: Society,
) -> None:
    text = f"The bell of {society.name} is rung at noon."
    rope = await society.client.store("Ropes are kept dry.", kind=society.name, visibility="shared")
    noon = await society.client.store(text, visibility="shared")
    loadout = await society.client.loadouts.get(society.name)
    memories = [{"query": "ropes", "filter": {"kind": society.name}, "top_k": 1}]
    await society.client.loadouts.save({**loadout.loadout.model_dump(mode="json"), "memories": memories})
    society.script(back={"helped": [], "memories": [1]})
    async with society.cortex(), society.orchestrator() as orchestrator:
        await orchestrator.run(society.task("Ring the bell of {name} at noon."))
    prompt = society.model.asked_for("at noon")[0]["messages"][0]["content"]
    before, of_briefing = prompt.split("\n## Memories\n")
    _, of_loadout = before.split(f"{OF_LOADOUT}\n")
    assert of_loadout.startswith("1. ")
    assert "Ropes are kept dry." in of_loadout
    assert text in of_briefing.split("\n2. ")[0]
    assert all(f'below the heading "{heading}"' in QUESTION for heading in ("Lessons of earlier tasks", "Memories"))
    judged = [(await society.client.get(one.memory_id)).usefulness for one in (noon, rope)]
    assert judged[0] > 0 == judged[1]


async def test_a_loadout_that_is_not_there_ends_the_task_as_a_failure_that_names_it(society: Society) -> None:
    await society.client.loadouts.delete(society.name)
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert result.state == "failure"
    assert society.name in (result.reason or "")


async def test_of_two_that_work_on_a_task_only_the_one_that_took_it_last_keeps_anything(society: Society) -> None:
    task_id = f"task-{uuid4().hex}"
    one = await Journal.taken(society.client, task_id, attempt=1, instance="one")
    two = await Journal.taken(society.client, task_id, attempt=2, instance="two")

    async def step() -> str:
        return "done"

    with pytest.raises(Superseded):
        await one.once("step", step)
    assert await two.once("step", step) == "done"
    with pytest.raises(Superseded):
        await Journal.taken(society.client, task_id, attempt=1, instance="one")
    kept = await society.client.working.get(task_id, "step", agent_id=OWNER)
    assert json.loads(json.dumps(kept.value)) == "done"
