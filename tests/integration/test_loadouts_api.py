"""The routes of loadouts, and the SDK over either of its ways, on a real memOS."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from memos.client import Client
from memos.errors import Conflict, InvalidCommand, NotFound
from memos.events.loadouts import Loadout, ToolById, loadout_schema

pytest_plugins = ["bus_fixtures"]


@pytest.fixture(params=["", "/v1"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the routes are: plain, and with their version."""
    return str(request.param)


@pytest.fixture
def name() -> str:
    """A name that nobody else uses, for a loadout or a tool."""
    return f"k{uuid4().hex}"


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem


async def test_a_loadout_is_saved_changed_read_and_deleted(http: httpx.AsyncClient, root: str, name: str) -> None:
    body = {"name": name, "persona": "You are {agent}.", "tools": [{"id": "none"}]}

    answers = [(await http.post(f"{root}/loadouts", json=body)).json() for _ in range(2)]
    changed = await http.post(f"{root}/loadouts", json={**body, "persona": "Other."})
    read = (await http.get(f"{root}/loadouts/{name}")).json()
    gone = [(await http.delete(f"{root}/loadouts/{name}")).json() for _ in range(2)]

    assert [(one["status"], one["version"], one["name"]) for one in (*answers, changed.json())] == [
        ("saved", 1, name),
        ("unchanged", 1, name),
        ("updated", 2, name),
    ]
    assert (read["version"], read["loadout"]["persona"]) == (2, "Other.")
    assert read["loadout"]["tools"] == [{"id": "none", "missing": None}]
    assert read["created_at"] < read["updated_at"]
    assert [(one["status"], one["success"]) for one in gone] == [("deleted", True), ("absent", True)]
    assert_problem(await http.get(f"{root}/loadouts/{name}"), 404, "not-found")


async def test_an_agent_gets_its_prompt_tools_memories_and_model_for_a_task(
    http: httpx.AsyncClient, root: str, name: str, agent: str
) -> None:
    tool = {"tool_id": name, "name": "Search", "description": "finds pages", "endpoint_url": "http://tools.test"}
    await http.post("/tools/register", json={**tool, "request_schema": {"type": "object"}})
    await http.post("/memory/store", json={"content": "The pages are old.", "agent_id": agent})
    loadout = {
        "name": name,
        "persona": "You are {agent}.",
        "instructions": "Do {task}.",
        "tools": [{"id": name}, {"id": "none"}],
        "memories": [{"filter": {"agent_id": agent}}],
        "model": {"name": "m"},
    }
    await http.post(f"{root}/loadouts", json=loadout)

    response = await http.post(f"{root}/loadouts/{name}/equip", json={"agent_id": agent, "task": "read the pages"})

    assert response.status_code == 200, response.text
    equipment = response.json()
    assert equipment["system_prompt"] == f"You are {agent}.\n\nDo read the pages."
    [given] = equipment["tools"]
    assert (given["tool_id"], given["call_name"], given["chosen_by"]) == (name, name, "tools.0")
    assert given["spec"]["function"]["name"] == name
    assert equipment["context"].endswith("] The pages are old.")
    assert [one["chosen_by"] for one in equipment["memories"]] == ["memories.0"]
    assert equipment["model"]["name"] == "m"
    assert equipment["tokens"]["total"] == sum(
        equipment["tokens"][part] for part in ("system_prompt", "tools", "context")
    )
    assert [warning.split(":")[0] for warning in equipment["warnings"]] == ["tools.1"]
    assert equipment["took_ms"] > 0


async def test_what_must_not_be_missing_is_a_404_that_names_it(http: httpx.AsyncClient, name: str) -> None:
    await http.post("/loadouts", json={"name": name, "tools": [{"id": "none", "missing": "error"}]})

    absent = assert_problem(await http.post("/loadouts/none/equip", json={"task": "t"}), 404, "not-found")
    lacking = assert_problem(await http.post(f"/loadouts/{name}/equip", json={"task": "t"}), 404, "not-found")

    assert "'none'" in absent["detail"]
    assert [fault["field"] for fault in lacking["faults"]] == ["tools.0"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A", "persona": "p"}, "name"),
        ({"name": "a", "tools": [{"id": "b", "discover": "c"}]}, "tools.0"),
        ({"name": "a", "persona": "p", "tenant": "other"}, "tenant"),
    ],
    ids=["name", "choice", "tenant"],
)
async def test_what_is_no_loadout_is_refused_where_it_is_wrong(
    http: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    problem = assert_problem(await http.post("/loadouts", json=body), 422, "invalid")

    assert [fault["field"] for fault in problem["faults"]] == [field]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/loadouts?limit=0", None),
        ("GET", "/loadouts?after=%00", None),
        ("GET", "/loadouts?before=a", None),
        ("GET", "/loadouts/A", None),
        ("DELETE", "/loadouts/a%00", None),
        ("POST", "/loadouts/a/equip", {"agent_id": "a"}),
        ("POST", "/loadouts/a/equip", {"task": " "}),
        ("POST", "/loadouts/a/equip", {"task": "t", "loadout": "b"}),
        ("POST", "/loadouts/a/equip", {"task": "t", "format": "gemini"}),
    ],
    ids=str,
)
async def test_what_cannot_be_asked_is_refused(http: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    assert_problem(await http.request(method, path, json=body), 422, "invalid")


async def test_a_save_is_done_once_for_its_id(http: httpx.AsyncClient, name: str) -> None:
    body, key = {"name": name, "persona": "p"}, {"Idempotency-Key": uuid4().hex}

    first = await http.post("/loadouts", json=body, headers=key)
    await http.post("/loadouts", json={**body, "persona": "q"})
    again = await http.post("/loadouts", json=body, headers=key)
    other = await http.post("/loadouts", json={**body, "persona": "r"}, headers=key)

    assert first.json() == again.json()
    assert_problem(other, 409, "conflict")
    assert (await http.get(f"/loadouts/{name}")).json()["loadout"]["persona"] == "q"


async def test_the_schema_of_a_loadout_is_served(http: httpx.AsyncClient, root: str) -> None:
    response = await http.get(f"{root}/schemas/loadout.json")

    assert response.status_code == 200
    assert response.json() == loadout_schema()


async def test_what_happens_to_loadouts_is_in_the_log(http: httpx.AsyncClient, client: Client, name: str) -> None:
    newest = (await client.facts(limit=1)).newest
    await client.loadouts.save({"name": name, "persona": "p"})
    await client.loadouts.delete(name)

    types = ["memos.loadout.saved.v1", "memos.loadout.deleted.v1"]
    async for fact in client.follow(after=newest, types=types):
        if fact.data["name"] != name:
            continue
        assert (fact.type, fact.version, fact.data) == (types.pop(0), 1, {"name": name, "version": 1})
        if not types:
            break


async def test_the_sdk_saves_lists_reads_equips_and_deletes(client: Client, name: str) -> None:
    loadout = Loadout(name=name, persona="You are {agent}.", tools=[ToolById(id="none")])

    saved = await client.loadouts.save(loadout)
    same = await client.loadouts.save({"name": name, "persona": "You are {agent}.", "tools": [{"id": "none"}]})
    found = await client.loadouts.get(name)
    equipment = await client.loadouts.equip(name, task="t", agent_id="ada", format="mcp", max_tokens=100)
    deleted = await client.loadouts.delete(name)

    assert (saved.status, same.status, deleted.status) == ("saved", "unchanged", "deleted")
    assert found.loadout == loadout
    assert (equipment.system_prompt, equipment.tokens.budget) == ("You are ada.", 100)
    with pytest.raises(NotFound):
        await client.loadouts.get(name)
    with pytest.raises(InvalidCommand, match="max_tokens"):
        await client.loadouts.equip(name, task="t", max_tokens=0)


async def test_the_sdk_tells_of_a_prompt_that_does_not_fit_and_of_an_id_that_was_used(
    client: Client, name: str
) -> None:
    command_id = uuid4().hex
    await client.loadouts.save({"name": name, "persona": "p" * 41}, command_id=command_id)

    with pytest.raises(InvalidCommand, match="costs 11 tokens") as refusal:
        await client.loadouts.equip(name, task="t", max_tokens=10)
    with pytest.raises(Conflict):
        await client.loadouts.save({"name": name, "persona": "q"}, command_id=command_id)

    assert [fault.field for fault in refusal.value.faults] == ["max_tokens"]


async def test_loadouts_are_listed_in_the_order_of_their_names_page_by_page(client: Client, name: str) -> None:
    names = [f"{name}-{place}" for place in "abc"]
    for one in reversed(names):
        await client.loadouts.save({"name": one, "persona": "p"})

    first = await client.loadouts.list(after=name, limit=2)
    assert first.next is not None
    rest = await client.loadouts.list(after=first.next, limit=1)

    assert [one.name for one in (*first.results, *rest.results)] == names
    assert (first.count, first.next) == (2, names[1])
    every = [one.name async for one in client.loadouts.every()]
    assert every == sorted(every)
    assert set(names) <= set(every)
