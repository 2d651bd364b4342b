"""A Cortex goes on, and keeps what was done, whatever its model, its tools or memOS answer."""

from typing import Any

import pytest
from devenviro import cortex as programs
from devenviro.cortex import SOURCE
from society import Society, answered, calls, looks_back, says
from starlette.responses import Response
from upstream import Body, as_json, completion

from memos.client import connect

pytest_plugins = ["bus_fixtures", "society_fixtures"]

CALL = {"id": "call_1", "type": "function", "function": {"name": "bell", "arguments": "{}"}}
ANSWERS: list[Any] = [
    {"tool_calls": [{"id": "call_1", "type": "function"}]},
    {"tool_calls": [{**CALL, "function": {"name": None, "arguments": "{}"}}]},
    None,
]
BODIES = [b"<html>502</html>", b"[]", b'{"choices": null}', b"{"]


def raw(body: bytes) -> Response:
    return Response(body, media_type="application/json")


async def test_a_model_whose_answer_is_none_fails_its_task_and_the_next_one_is_done(society: Society) -> None:
    asked: Body = {"messages": [{"content": ""}]}
    sound = completion(asked)
    bodies = [*BODIES, b'"hello"']
    bad = [*(as_json({**sound, "choices": [{"message": one}]}) for one in ANSWERS), *map(raw, bodies)]
    left = iter(bad)
    society.model.answer = lambda _: next(left)
    async with society.cortex(), society.orchestrator() as orchestrator:
        results = [await orchestrator.run(society.task()) for _ in bad]
        society.script()
        last = await orchestrator.run(society.task())
    assert {one.state for one in results} == {"failure"}
    assert all((one.reason or "").startswith("The model") for one in results)
    assert last.state == "success"


async def test_a_call_without_id_and_arguments_is_made_and_answered(society: Society) -> None:
    told: list[Any] = []

    def bare(body: Body) -> dict[str, Any]:
        told[:] = body["messages"]
        if answered(body):
            return says("It has rung.")
        return {"content": None, "tool_calls": [{"function": {"name": society.tool, "arguments": None}}]}

    society.script(bare)
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.tool_calls, society.bell.told) == ("success", 1, [{}])
    assert told[-1]["tool_call_id"] == told[-2]["tool_calls"][0]["id"] != ""


async def test_what_was_not_foreseen_fails_its_task_and_the_next_one_is_done(
    society: Society, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def torn(*_: object) -> None:
        raise ZeroDivisionError("by the bell")

    async with society.cortex(), society.orchestrator() as orchestrator:
        with monkeypatch.context() as patched:
            patched.setattr(programs, "kit_for", torn)
            result = await orchestrator.run(society.task())
        after = await orchestrator.run(society.task())
    assert result.state == "failure"
    assert result.reason == "It failed in a way that was not foreseen: ZeroDivisionError: by the bell"
    assert after.state == "success"


async def test_work_that_cannot_be_learned_of_keeps_its_ending_and_says_why(society: Society) -> None:
    task, name = society.task(), f"orchestrator-{society.name}"
    async with connect(society.memos.redis_url, source=SOURCE) as client:
        await client.learning.record("Sing.", outcome="failure", command_id=f"learn/{name}/{task.task_id}")
    async with society.cortex(), society.orchestrator(name) as orchestrator:
        result = await orchestrator.run(task)
    assert (result.state, result.answer, result.reason) == ("success", "It has rung.", None)
    assert (result.model_calls, result.tool_calls, result.lessons) == (3, 1, [])
    assert f"learn/{name}/{task.task_id}" in (result.note or "")


async def test_a_step_that_cannot_be_kept_fails_the_task_which_says_what_was_done(society: Society) -> None:
    society.script(lambda body: says("y" * 2_000_000) if answered(body) else calls(society.tool))
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.model_calls, result.tool_calls) == ("failure", 1, 1)
    assert "MEMOS_WORKING_VALUE_BYTES" in (result.reason or "")


@pytest.mark.parametrize(("status", "judged"), [(500, 1), (502, 0), (503, 0), (504, 0)])
async def test_a_tool_is_not_blamed_for_an_outage(society: Society, status: int, judged: int) -> None:
    society.bell.failing = [status]
    task = society.task()
    society.script(lambda body: says("No.") if answered(body) else calls(society.tool))
    async with society.cortex(), society.orchestrator() as orchestrator:
        await orchestrator.run(task)
    [learning] = [one async for one in society.client.learning.every(task_id=task.task_id)]
    assert (learning.tools, society.bell.asked) == (judged, 1)


async def test_a_tool_that_nobody_listens_for_is_not_blamed(society: Society) -> None:
    await society.client.tools.register(
        tool_id=society.tool, name="Bell", description="Rings.", endpoint_url="http://127.0.0.1:9/ring"
    )
    task = society.task()
    society.script(lambda body: says("No.") if answered(body) else calls(society.tool))
    async with society.cortex(), society.orchestrator() as orchestrator:
        await orchestrator.run(task)
    [learning] = [one async for one in society.client.learning.every(task_id=task.task_id)]
    assert learning.tools == 0
    assert "could not be called" in society.model.asked_for(society.name)[-1]["messages"][-3]["content"]


async def test_lessons_and_tokens_that_cannot_be_kept_do_not_cost_the_result(society: Society) -> None:
    said = '{"outcome": "success", "lessons": ["Pull\\u0000 twice \\ud800."]}'

    async def answer(body: Body) -> Response:
        message = says(said) if looks_back(body) else society.rings_once(body)
        made = completion(body | {"messages": [{"content": ""}]}, **message)
        return as_json({**made, "usage": {"total_tokens": -5}})

    society.model.answer = answer
    async with society.cortex(), society.orchestrator() as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.note, result.tokens) == ("success", None, 0)
    assert "Pull twice ?." in (await society.client.get(result.lessons[0], agent_id=result.agent)).content
