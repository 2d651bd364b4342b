"""The To-Do List of tools.as, over HTTP."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tools_as import problem, tools_as

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tools_as(tmp_path) as client:
        yield client


async def added(tools: httpx.AsyncClient, title: str, **fields: Any) -> dict[str, Any]:
    response = await tools.post("/todos", json={"title": title, **fields})
    assert response.status_code == 201
    todo: dict[str, Any] = response.json()
    return todo


async def titles(tools: httpx.AsyncClient, **wanted: Any) -> list[str]:
    response = await tools.get("/todos", params=wanted)
    assert response.status_code == 200, response.text
    return [todo["title"] for todo in response.json()["results"]]


async def test_a_task_is_added_changed_done_reopened_and_deleted(tools: httpx.AsyncClient) -> None:
    todo = await added(tools, " Call the plumber ", due="2026-03-02T09:00:00+01:00", labels=["home", "home"])
    path = f"/todos/{todo['todo_id']}"
    assert (todo["title"], todo["status"], todo["priority"]) == ("Call the plumber", "open", "normal")
    assert (todo["due"], todo["labels"]) == ("2026-03-02T08:00:00.000000+00:00", ["home"])

    changed = (await tools.patch(path, json={"priority": "urgent", "due": None})).json()
    assert (changed["priority"], changed["due"], changed["labels"]) == ("urgent", None, ["home"])

    done = (await tools.post(f"{path}/complete")).json()
    assert (done["status"], (await tools.post(f"{path}/complete")).json()) == ("done", done)
    assert (await titles(tools), await titles(tools, status="done")) == ([], ["Call the plumber"])

    reopened = (await tools.patch(path, json={"status": "open"})).json()
    assert (reopened["status"], reopened["completed_at"]) == ("open", None)
    assert (await tools.get(path)).json() == reopened

    assert (await tools.delete(path)).json() == {"todo_id": todo["todo_id"], "deleted": True}
    assert problem(await tools.delete(path)) == (
        404,
        f"There is no task {todo['todo_id']}. List the tasks to see what there is.",
    )


async def test_an_addition_that_comes_again_under_its_key_adds_nothing(
    tools: httpx.AsyncClient, tmp_path: Path
) -> None:
    async def add(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/todos", json={"title": "once"}, headers={"Idempotency-Key": "k"})

    answers = await asyncio.gather(*(add(tools) for _ in range(8)))
    assert len({answer.json()["todo_id"] for answer in answers}) == 1
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 7
    assert await titles(tools) == ["once"]

    await tools.delete(f"/todos/{answers[0].json()['todo_id']}")
    async with tools_as(tmp_path) as restarted:
        assert (await add(restarted)).json() == answers[0].json()
        assert await titles(restarted) == []


async def test_a_key_is_that_of_one_task_of_one_owner(tools: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    await tools.post("/todos", json={"title": "one"}, headers=key)
    another = await tools.post("/todos", json={"title": "another"}, headers=key)
    anns = await tools.post("/todos", json={"title": "another", "owner": "ann"}, headers=key)

    assert problem(another) == (
        409,
        "Another task was added by the key 'k'. Give each task a key of its own.",
    )
    assert anns.status_code == 201
    assert (await titles(tools), await titles(tools, owner="ann")) == (["one"], ["another"])


async def test_pages_show_every_task_once_those_that_are_due_first(tools: httpx.AsyncClient) -> None:
    for title, due in (("later", None), ("second", "2026-05-02T00:00:00Z"), ("first", "2026-05-01T23:00:00Z")):
        await added(tools, title, due=due)
    await added(tools, "same as first", due="2026-05-02T01:00:00+02:00")

    shown, cursor = [], None
    while True:
        page = (await tools.get("/todos", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        shown += [todo["title"] for todo in page["results"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert shown == ["first", "same as first", "second", "later"]


async def test_tasks_are_found_by_all_conditions_together(tools: httpx.AsyncClient) -> None:
    await added(tools, "ÄRGER with the tax", priority="high", labels=["home", "money"], notes="100% due_now")
    await added(tools, "ärger at work", priority="low", labels=["work"], due="2026-05-02T00:00:00Z")
    await added(tools, "rest", labels=["home"])

    assert await titles(tools, contains="ärger") == ["ärger at work", "ÄRGER with the tax"]
    assert await titles(tools, contains="100% DUE_") == ["ÄRGER with the tax"]
    assert await titles(tools, label=["home", "money"]) == ["ÄRGER with the tax"]
    assert await titles(tools, priority=["low", "normal"]) == ["ärger at work", "rest"]
    assert await titles(tools, due_after="2026-05-02T00:00:00Z") == ["ärger at work"]
    assert await titles(tools, due_before="2026-05-02T00:00:00Z") == []
    assert await titles(tools, contains="ärger", label="home", priority="low") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "x", "stray": 1}, "stray"),
        ({"title": "x", "due": "2026-05-02T00:00:00"}, "due"),
        ({"title": "x", "priority": "huge"}, "priority"),
    ],
)
async def test_a_task_that_is_not_valid_is_refused_by_its_field(
    tools: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await tools.post("/todos", json=body)

    status, detail = problem(response)
    assert (status, response.json()["faults"][0]["field"]) == (422, field)
    assert f"{field}: " in detail
    assert await titles(tools) == []


async def test_other_requests_that_are_not_valid_are_problems_too(tools: httpx.AsyncClient) -> None:
    path = f"/todos/{(await added(tools, 'x'))['todo_id']}"

    assert problem(await tools.patch(path, json={}))[0] == 422
    assert problem(await tools.get("/todos/7"))[0] == 422
    assert problem(await tools.get(f"/todos/{uuid4()}"))[0] == 404
    assert problem(await tools.get("/todos", params={"stray": "1"}))[0] == 422
    assert problem(await tools.get("/todos", params={"cursor": "nonsense"}))[0] == 422
    assert problem(await tools.post("/todos", content=b"{"))[0] == 422
    assert problem(await tools.get("/nowhere"))[0] == 404
    assert problem(await tools.put("/todos"))[0] == 405


async def test_the_program_says_where_it_listens_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "devenviro.tools_as"),
        stdout=asyncio.subprocess.PIPE,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(ROOT / "examples"),
            "TOOLS_AS_PORT": "0",
            "TOOLS_AS_DATABASE": str(tmp_path / "todos.sqlite3"),
        },
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode().split()
        async with httpx.AsyncClient(base_url=line[-1]) as client:
            health = (await client.get("/health")).json()
        process.send_signal(signal.SIGTERM)
        ended = await process.wait()
    assert (line[:-1], health) == (["tools.as", "listens", "at"], {"status": "ok", "search": "documents"})
    assert ended in {0, -signal.SIGTERM}
