"""The routes of tools over a real memOS."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from running import until
from tool_bodies import WEATHER, definition

pytest_plugins = ["bus_fixtures"]

BEFORE_ANYONE_REPORTS = {
    "outcomes": 0,
    "successes": 0,
    "success_rate": 0.8,
    "latency_ms": None,
    "last_error": None,
    "last_outcome_at": None,
}


@pytest.fixture(params=["", "/v1"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the routes are: plain, and with their version."""
    return str(request.param)


@pytest.fixture
def tool_id() -> str:
    """A tool that nobody else knows."""
    return f"t{uuid4().hex}"


async def registered(http: httpx.AsyncClient, tool: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The answer to a registration."""
    response = await http.post("/tools/register", json=tool, headers=headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def ids_of(http: httpx.AsyncClient, **params: Any) -> list[str]:
    """The ids of a page of tools."""
    response = await http.get("/tools", params=params)
    assert response.status_code == 200, response.text
    page = response.json()
    assert page["count"] == len(page["results"])
    return [tool["tool_id"] for tool in page["results"]]


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem


async def test_a_tool_is_registered_and_read(http: httpx.AsyncClient, root: str, tool_id: str) -> None:
    tool = definition(tool_id, tags=["outdoors"], examples=["Will it rain?"], required_capabilities=["web"])
    first = await http.post(f"{root}/tools/register", json=tool)
    assert first.status_code == 200
    assert first.json() == {
        "success": True,
        "tool_id": tool_id,
        "version": 1,
        "status": "registered",
        "message": "The tool is registered; the next search for tools finds it.",
    }

    path = f"{root}/tools/{tool_id}"
    read = (await http.get(path)).json()
    assert read.pop("call_name")
    assert (read.pop("created_at"), read.pop("spec")) == (read.pop("updated_at"), None)
    http_post: dict[str, Any] = {
        "kind": "http",
        "method": "POST",
        "parameters": [],
        "body": None,
        "content_type": "application/json",
    }
    assert read == {
        **tool,
        "response_schema": None,
        "invocation": http_post,
        "version": 1,
        "statistics": BEFORE_ANYONE_REPORTS,
    }


async def test_a_tool_is_changed_and_removed(http: httpx.AsyncClient, root: str, tool_id: str) -> None:
    tool = definition(tool_id, tags=["outdoors"], examples=["Will it rain?"], required_capabilities=["web"])
    path = f"{root}/tools/{tool_id}"
    await http.post(f"{root}/tools/register", json=tool)

    again = (await http.post(f"{root}/tools/register", json=tool)).json()
    changed = (await http.post(f"{root}/tools/register", json={**tool, "tags": []})).json()
    assert [(one["status"], one["version"]) for one in (again, changed)] == [("unchanged", 1), ("updated", 2)]
    read = (await http.get(path)).json()
    assert (read["version"], read["tags"], read["examples"]) == (2, [], ["Will it rain?"])

    gone = await http.delete(path)
    assert gone.json() == {
        "success": True,
        "tool_id": tool_id,
        "status": "deregistered",
        "message": "The tool is removed, with all that was reported of it.",
    }
    assert tool_id in assert_problem(await http.get(path), 404, "not-found")["detail"]
    assert (await http.delete(path)).json()["status"] == "absent"


async def test_a_registration_sent_again_gives_the_first_answer_and_another_body_is_a_conflict(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    first = await registered(http, definition(tool_id), **key)
    await registered(http, definition(tool_id, name="Another"))

    assert await registered(http, definition(tool_id), **key) == first
    other = await http.post("/tools/register", json=definition(tool_id, name="Third"), headers=key)
    assert key["Idempotency-Key"] in assert_problem(other, 409, "conflict")["detail"]
    assert (await http.get(f"/tools/{tool_id}")).json()["name"] == "Another"


async def test_of_registrations_of_one_tool_at_once_each_gets_a_version_of_its_own(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    answers = await asyncio.gather(
        *(registered(http, definition(tool_id, name=f"Forecast {number}")) for number in range(20))
    )

    assert sorted(answer["version"] for answer in answers) == list(range(1, 21))
    assert sorted({answer["status"] for answer in answers}) == ["registered", "updated"]
    [last] = [number for number, answer in enumerate(answers) if answer["version"] == 20]
    assert (await http.get(f"/tools/{tool_id}")).json()["name"] == f"Forecast {last}"


async def test_a_tool_that_was_removed_begins_anew_without_its_history(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    await registered(http, definition(tool_id))
    await http.post("/tools/outcomes", json={"tool_id": tool_id, "success": False})
    await http.delete(f"/tools/{tool_id}")

    anew = await registered(http, definition(tool_id))

    assert anew["status"] == "registered"
    assert anew["version"] > 1
    assert (await http.get(f"/tools/{tool_id}")).json()["statistics"] == BEFORE_ANYONE_REPORTS


async def test_many_are_registered_in_order_and_a_conflict_refuses_the_whole_batch(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    tools = [definition(f"{tool_id}.{number}") for number in range(3)]
    first = await http.post("/tools/register/batch", json={"tools": tools}, headers=key)
    again = await http.post("/tools/register/batch", json={"tools": tools}, headers=key)
    fewer = await http.post("/tools/register/batch", json={"tools": tools[:2]}, headers=key)

    assert [one["tool_id"] for one in first.json()["results"]] == [tool["tool_id"] for tool in tools]
    assert again.json() == first.json()
    assert "nothing of this batch is done" in assert_problem(fewer, 409, "conflict")["detail"]


async def test_tools_are_listed_page_by_page_in_the_order_of_their_ids(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    numbered = [f"{tool_id}.{number}" for number in range(5)]
    for one in reversed(numbered):
        await registered(http, definition(one, tags=[tool_id]))

    first = (await http.get("/tools", params={"tags": tool_id, "limit": 2})).json()
    second = (await http.get("/tools", params={"tags": tool_id, "limit": 2, "after": first["next"]})).json()
    third = (await http.get("/tools", params={"tags": tool_id, "limit": 2, "after": second["next"]})).json()
    exact = (await http.get("/tools", params={"tags": tool_id, "limit": 5})).json()

    pages = [[tool["tool_id"] for tool in page["results"]] for page in (first, second, third)]
    assert pages == [numbered[:2], numbered[2:4], numbered[4:]]
    assert (first["next"], third["next"], exact["next"]) == (numbered[1], None, None)


async def test_tools_are_listed_by_what_they_require_are_tagged_with_and_say(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    mail, file, both = (f"{tool_id}.{name}" for name in ("mail", "file", "both"))
    await registered(http, definition(mail, tags=[tool_id, "a"], required_capabilities=["mail"], name="Post"))
    await registered(
        http, definition(file, tags=[tool_id], required_capabilities=["files"], description="50% Off_")
    )
    await registered(http, definition(both, tags=[tool_id, "a", "b"], required_capabilities=["mail", "files"]))

    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({"capabilities": ["mail", "files"]}, [both, file, mail]),
        ({"capabilities": ["mail", "files"], "match": "all"}, [both]),
        ({"capabilities": "mail"}, [both, mail]),
        ({"tags": [tool_id, "a"]}, [both, mail]),
        ({"tags": [tool_id, "a", "b"]}, [both]),
        ({"contains": "pOsT"}, [mail]),
        ({"contains": "0% off_"}, [file]),
        ({"contains": "%"}, [file]),
        ({"contains": f"{tool_id}.bo"}, [both]),
        ({"capabilities": "web"}, []),
    ]
    for given, expected in asked:
        assert await ids_of(http, **{"tags": tool_id, **given}) == expected, given


async def test_a_tool_is_given_in_the_form_of_a_models_provider(http: httpx.AsyncClient, tool_id: str) -> None:
    await registered(http, definition(f"{tool_id}.now"))

    path = f"/tools/{tool_id}.now"
    openai, anthropic, mcp = [
        (await http.get(path, params={"format": form})).json() for form in ("openai", "anthropic", "mcp")
    ]

    assert openai["spec"]["function"]["name"] == openai["call_name"]
    assert openai["spec"]["function"]["parameters"]["properties"] == WEATHER["properties"]
    assert anthropic["spec"]["input_schema"]["required"] == ["city"]
    assert mcp["spec"]["inputSchema"]["required"] == ["city"]
    assert_problem(await http.get(path, params={"format": "french"}), 422, "invalid")


async def test_outcomes_are_counted_in_a_tools_statistics(http: httpx.AsyncClient, tool_id: str) -> None:
    await registered(http, definition(tool_id))
    told = {"tool_id": tool_id, "agent_id": "ada", "task": "Will it rain in Rome?"}

    good = await http.post("/tools/outcomes", json={**told, "success": True, "latency_ms": 40})
    bad = await http.post("/tools/outcomes", json={**told, "success": False, "error": "503", "latency_ms": 60})
    many = await http.post(
        "/tools/outcomes/batch",
        json={"outcomes": [{**told, "success": True}, {"tool_id": f"{tool_id}.none", "success": True}]},
    )

    assert (good.status_code, good.json()["tool_id"], bad.json()["success"]) == (200, tool_id, True)
    assert [one.get("status") for one in many.json()["results"]] == [None, 404]
    statistics = (await http.get(f"/tools/{tool_id}")).json()["statistics"]
    assert (statistics["outcomes"], statistics["successes"], statistics["latency_ms"]) == (3, 2, 50)
    assert (statistics["last_error"], statistics["success_rate"]) == ("503", 0.75)


async def test_an_outcome_of_an_unknown_tool_is_not_found(http: httpx.AsyncClient, tool_id: str) -> None:
    response = await http.post("/tools/outcomes", json={"tool_id": tool_id, "success": True})
    assert tool_id in assert_problem(response, 404, "not-found")["detail"]


async def test_an_outcome_is_handed_over_without_waiting_and_counted_once(
    http: httpx.AsyncClient, tool_id: str
) -> None:
    await registered(http, definition(tool_id))
    key, told = {"Idempotency-Key": uuid4().hex}, {"tool_id": tool_id, "success": True}

    queued = await http.post("/tools/outcomes", json={**told, "wait": False}, headers=key)

    assert (queued.status_code, queued.json()["status"]) == (202, "queued")
    assert key["Idempotency-Key"] in queued.json()["message"]

    async def counted() -> bool:
        read = await http.get(f"/tools/{tool_id}")
        return bool(read.json()["statistics"]["outcomes"] == 1)

    await until(counted)
    assert (await http.post("/tools/outcomes", json=told, headers=key)).status_code == 200
    assert await counted()
