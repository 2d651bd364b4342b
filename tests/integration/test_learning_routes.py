"""The routes of learning and of a task's context: their bodies, their statuses, and what they refuse."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from running import until

pytest_plugins = ["bus_fixtures"]

TOLD: dict[str, Any] = {"task": "Water the roses.", "outcome": "success"}
ONE = str(UUID(int=1))


@pytest.fixture(params=["", "/v1"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the routes are: plain, and with their version."""
    return str(request.param)


async def test_what_is_told_is_answered_200_and_can_be_read(http: httpx.AsyncClient, root: str, agent: str) -> None:
    body = {**TOLD, "agent_id": agent, "lessons": [{"content": f"Use rain, {agent}."}]}

    told = await http.post(f"{root}/learning", json=body)
    read = await http.get(f"{root}/learning", params={"agent_id": agent, "limit": 1})

    assert (told.status_code, read.status_code) == (200, 200), told.text
    assert [one["status"] for one in told.json()["lessons"]] == ["stored"]
    assert [one["learning_id"] for one in read.json()["results"]] == [told.json()["learning_id"]]


async def test_what_is_not_awaited_is_answered_202_with_the_id_that_it_gets(
    http: httpx.AsyncClient, root: str, agent: str
) -> None:
    key = {"Idempotency-Key": uuid4().hex}

    queued = await http.post(f"{root}/learning", json={**TOLD, "agent_id": agent, "wait": False}, headers=key)

    async def learned() -> bool:
        return bool((await http.get("/learning", params={"agent_id": agent})).json()["count"])

    await until(learned)
    told = await http.post(f"{root}/learning", json={**TOLD, "agent_id": agent}, headers=key)
    assert (queued.status_code, queued.json()["status"], told.status_code) == (202, "queued", 200)
    assert key["Idempotency-Key"] in queued.json()["message"]
    assert told.json()["learning_id"] == queued.json()["learning_id"]


async def test_a_key_that_was_used_takes_no_other_body(http: httpx.AsyncClient, root: str, agent: str) -> None:
    key, body = {"Idempotency-Key": uuid4().hex}, {**TOLD, "agent_id": agent}

    answers = [await http.post(f"{root}/learning", json=body, headers=key) for _ in range(2)]
    other = await http.post(f"{root}/learning", json={**body, "outcome": "failure"}, headers=key)

    assert answers[0].json() == answers[1].json()
    assert_problem(other, 409, "conflict")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"task": "t"}, "outcome"),
        ({**TOLD, "outcome": "perhaps"}, "outcome"),
        ({**TOLD, "task": " "}, "task"),
        ({**TOLD, "tenant": "other"}, "tenant"),
        ({**TOLD, "lessons": ["plain"]}, "lessons.0"),
        ({**TOLD, "lessons": [{"content": "l"}] * 2}, "body"),
        ({**TOLD, "lessons": [{"content": "l" * 16_001}]}, "lessons.0.content"),
        ({**TOLD, "lessons": [{"content": str(one)} for one in range(17)]}, "lessons"),
        ({**TOLD, "memories": [{"memory_id": ONE}] * 2}, "body"),
        ({**TOLD, "memories": [{"memory_id": "one"}]}, "memories.0.memory_id"),
        ({**TOLD, "tools": [{"tool_id": "a/b"}]}, "tools.0.tool_id"),
        ({**TOLD, "tools": [{"tool_id": "a", "error": "e"}]}, "tools.0"),
        ({**TOLD, "cost": -1}, "cost"),
        ({**TOLD, "seconds": "soon"}, "seconds"),
        ({**TOLD, "occurred_at": "2026-01-31T09:30:00"}, "occurred_at"),
        ({**TOLD, "metadata": {"a": "\x00"}}, "metadata"),
    ],
    ids=str,
)
async def test_what_nobody_can_learn_from_is_refused_where_it_is_wrong(
    http: httpx.AsyncClient, body: Any, field: str
) -> None:
    problem = assert_problem(await http.post("/learning", json=body), 422, "invalid")

    assert [fault["field"] for fault in problem["faults"]] == [field]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("outcome=good", "outcome"),
        ("before=first", "before"),
        ("agent_id=%00", "agent_id"),
        ("tenant=other", "tenant"),
    ],
)
async def test_a_list_that_cannot_be_asked_for_is_refused(http: httpx.AsyncClient, query: str, field: str) -> None:
    problem = assert_problem(await http.get(f"/learning?{query}"), 422, "invalid")

    assert [fault["field"] for fault in problem["faults"]] == [field]


async def test_a_page_after_a_learning_that_there_is_not_is_a_404(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get("/learning", params={"before": ONE}), 404, "not-found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "task"),
        ({"task": " "}, "task"),
        ({"task": "t" * 16_001}, "task"),
        ({"task": "t", "lessons": 101}, "lessons"),
        ({"task": "t", "lessons": 0, "memories": 0, "tools": 0}, "body"),
        ({"task": "t", "deadline_ms": 0}, "deadline_ms"),
        ({"task": "t", "deadline_ms": 60_001}, "deadline_ms"),
        ({"task": "t", "max_tokens": 0}, "max_tokens"),
        ({"task": "t", "format": "gemini"}, "format"),
        ({"task": "t", "loadout": "A"}, "loadout"),
        ({"task": "t", "filter": {"kind": {"like": "x"}}}, "filter.kind"),
        ({"task": "t", "preferences": {"luck": 1}}, "preferences.luck"),
        ({"task": "t", "tenant": "other"}, "tenant"),
    ],
    ids=lambda body: str(body)[:60],
)
async def test_a_context_that_cannot_be_gathered_is_refused_where_it_is_wrong(
    http: httpx.AsyncClient, body: Any, field: str
) -> None:
    problem = assert_problem(await http.post("/context", json=body), 422, "invalid")

    assert any(fault["field"].startswith(field) for fault in problem["faults"]), problem


async def test_a_context_is_one_reply(http: httpx.AsyncClient, root: str, agent: str) -> None:
    lesson = f"Use rain, {agent}."
    await http.post("/learning", json={**TOLD, "agent_id": agent, "lessons": [{"content": lesson}]})

    answer = await http.post(
        f"{root}/context",
        json={"task": TOLD["task"], "agent_id": agent, "filter": {"agent_id": agent}},
        headers={"Request-Timeout": "0.001"},
    )

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [one["content"] for one in found["lessons"]] == [lesson]
    assert lesson in found["context"]
    assert (found["missing"], found["task"], found["agent_id"]) == ([], TOLD["task"], agent)


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem
