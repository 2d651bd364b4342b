"""The routes of the LLM cache and of the account of calls, and the SDK over either of its ways, on a real memOS."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from memos.client import Client
from memos.errors import InvalidCommand

pytest_plugins = ["bus_fixtures"]

Chat = dict[str, Any]


@pytest.fixture(params=["", "/v1"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the routes are: plain, and with their version."""
    return str(request.param)


@pytest.fixture
def model() -> str:
    """A model that nobody else calls."""
    return f"model-{uuid4().hex}"


@pytest.fixture
def chat(model: str) -> Chat:
    """A request that nobody else makes."""
    return {"model": model, "messages": [{"role": "user", "content": "When does the ferry leave?"}]}


def answer(text: str = "At noon.") -> dict[str, Any]:
    """The answer of a model, which took 20 tokens to read and 4 to write."""
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24},
    }


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem


async def posted(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    """The answer to a body that is accepted."""
    response = await http.post(path, json=body)
    assert response.status_code == 200, response.text
    answered: dict[str, Any] = response.json()
    return answered


async def test_an_answer_is_missed_leased_stored_found_and_dropped(
    http: httpx.AsyncClient, root: str, chat: Chat
) -> None:
    path = f"{root}/llm/cache"

    first = await posted(http, f"{path}/lookup", request=chat, lease_seconds=30)
    second = await posted(http, f"{path}/lookup", request=chat, lease_seconds=30)
    renewed = await posted(http, f"{path}/renew", key=first["key"], lease=first["lease"])
    others = await posted(http, f"{path}/renew", key=first["key"], lease="another")
    stored = await posted(http, path, request=chat, answer=answer(), lease=first["lease"], ttl=600)
    found = await posted(http, f"{path}/lookup", request=chat)
    dropped = [(await http.delete(path, params={"key": first["key"]})).json() for _ in range(2)]

    assert (first["status"], second["status"], second["lease"]) == ("miss", "pending", None)
    assert (renewed["held"], others["held"]) == (True, False)
    assert (stored["status"], stored["key"]) == ("stored", first["key"])
    assert (found["status"], found["answer"]) == ("hit", answer())
    left = datetime.fromisoformat(stored["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=500) < left <= timedelta(seconds=600)
    assert [one["forgotten"] for one in dropped] == [1, 0]
    assert (await posted(http, f"{path}/lookup", request=chat))["status"] == "miss"


async def test_a_lease_that_is_given_back_is_the_next_ones(http: httpx.AsyncClient, root: str, chat: Chat) -> None:
    path = f"{root}/llm/cache"
    first = await posted(http, f"{path}/lookup", request=chat, lease_seconds=30)

    released = await posted(http, f"{path}/release", request=chat, lease=first["lease"], outcome="none")
    second = await posted(http, f"{path}/lookup", request=chat, lease_seconds=30)

    assert (released["key"], second["status"]) == (first["key"], "miss")
    assert second["lease"] not in {None, first["lease"]}


async def test_what_cannot_be_kept_is_not_and_says_why(http: httpx.AsyncClient, chat: Chat) -> None:
    stored = await posted(http, "/llm/cache", request=chat, answer={"choices": []})

    assert (stored["status"], stored["expires_at"]) == ("not-stored", None)
    assert "not kept" in stored["message"]


async def test_an_answer_goes_when_a_memory_that_it_was_made_from_changes(
    http: httpx.AsyncClient, chat: Chat, agent: str
) -> None:
    stored = await posted(http, "/memory/store", content="The ferry leaves at noon.", agent_id=agent)
    memory_id = stored["memory_id"]
    missed = await posted(http, "/llm/cache/lookup", request=chat, sources=[f"memory:{memory_id}"])
    await posted(http, "/llm/cache", request=chat, answer=answer(), sources=missed["sources"])
    found = await posted(http, "/llm/cache/lookup", request=chat)

    changes = {"content": "The ferry leaves at one."}
    await http.patch(f"/memory/{memory_id}", json=changes, params={"agent_id": agent})

    assert missed["sources"] == [f"memory:{memory_id}@1"]
    assert found["status"] == "hit"
    assert (await posted(http, "/llm/cache/lookup", request=chat))["status"] == "miss"


async def test_the_size_of_the_cache_is_told(http: httpx.AsyncClient, root: str, chat: Chat) -> None:
    before = (await http.get(f"{root}/llm/cache")).json()
    await posted(http, "/llm/cache", request=chat, answer=answer())
    after = (await http.get(f"{root}/llm/cache")).json()

    assert after["entries"] == before["entries"] + 1
    assert before["bytes"] < after["bytes"] < after["most_bytes"]
    assert (after["eviction"], after["ttl"]) == ("lru", 86_400)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?everything=true&model=m",
        "?key=0",
        "?source=page:1",
        "?source=memory:",
        "?model=%00",
        "?everything=maybe",
    ],
)
async def test_what_does_not_say_which_answers_are_meant_drops_none(http: httpx.AsyncClient, query: str) -> None:
    assert_problem(await http.delete(f"/llm/cache{query}"), 422, "invalid")


@pytest.mark.parametrize(
    "query",
    ["since=2026-02-30", "since=2026-02-02&until=2026-02-01", "since=2020-01-01", "by=hour", "kind=speech", "to=1"],
)
async def test_what_cannot_be_asked_of_the_account_is_refused(http: httpx.AsyncClient, query: str) -> None:
    assert_problem(await http.get(f"/llm/usage?{query}"), 422, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        {"request": {}},
        {"request": {"model": "m", "messages": []}},
        {"request": {"model": "m", "messages": [{}]}, "lease_seconds": 0},
        {"request": {"model": "m", "messages": [{}]}, "sources": ["memory"]},
        {"request": {"model": "m", "messages": [{}]}, "tenant": "other"},
    ],
)
async def test_what_no_server_would_take_is_not_looked_for(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert_problem(await http.post("/llm/cache/lookup", json=body), 422, "invalid")


async def test_calls_are_counted_for_the_agent_and_the_model(
    http: httpx.AsyncClient, root: str, chat: Chat, model: str, agent: str
) -> None:
    await posted(http, "/llm/cache", request=chat, answer=answer(), agent_id=agent, seconds=0.5)
    await posted(http, "/llm/cache/lookup", request=chat, agent_id=agent)
    await posted(http, "/llm/cache/release", request=chat, agent_id=agent, outcome="error", seconds=1.5)

    asked = {"agent_id": agent, "by": ["model", "kind"]}
    read = (await http.get(f"{root}/llm/usage", params=asked)).json()

    [row] = read["results"]
    assert (row["model"], row["kind"], row["day"], row["agent_id"]) == (model, "chat", None, None)
    assert [row[name] for name in ("requests", "hits", "misses", "errors")] == [3, 1, 1, 1]
    assert (row["prompt_tokens"], row["completion_tokens"]) == (20, 4)
    assert (row["saved_prompt_tokens"], row["saved_completion_tokens"], row["saved_seconds"]) == (20, 4, 0.5)
    assert (row["mean_upstream_seconds"], row["hit_rate"], row["cost"]) == (1.0, 0.333333, None)
    assert {name: row[name] for name in read["totals"]} == read["totals"]


async def test_the_sdk_looks_up_stores_releases_renews_and_forgets(client: Client, chat: Chat, model: str) -> None:
    missed = await client.llm.look_up(chat, lease_seconds=20)
    assert missed.lease
    renewed = await client.llm.renew(missed.key, missed.lease, lease_seconds=40)
    released = await client.llm.release(chat, lease=missed.lease, outcome="none")
    stored = await client.llm.store(chat, answer(), ttl=60)
    found = await client.llm.look_up(chat, max_age=60)
    forgotten = await client.llm.forget(model=model)

    assert (missed.status, renewed.held) == ("miss", True)
    assert missed.key == released.key == stored.key == found.key
    assert (found.status, found.answer) == ("hit", answer())
    assert forgotten.forgotten == 1
    with pytest.raises(InvalidCommand, match="exactly one of"):
        await client.llm.forget()
    with pytest.raises(InvalidCommand, match="messages"):
        await client.llm.look_up({"model": model})


async def test_the_sdk_forgets_as_many_answers_as_a_command_can_name(client: Client, chat: Chat) -> None:
    stored = await client.llm.store(chat, answer())
    keys = [stored.key, *(uuid4().hex * 2 for _ in range(999))]
    sources = [f"fact:{'ö' * 200}-{number}" for number in range(1000)]

    assert (await client.llm.forget(keys=keys)).forgotten == 1
    assert (await client.llm.forget(sources=sources)).forgotten == 0


async def test_the_sdk_keeps_embeddings_input_by_input(client: Client, model: str, agent: str) -> None:
    stored = await client.llm.store_embeddings(
        model, ["a", [1, 2]], [[0.5, 0.25], "AACAPw=="], prompt_tokens=3, seconds=0.25, agent_id=agent
    )
    found = await client.llm.look_up_embeddings(model, ["b", [1, 2], "a"], agent_id=agent)
    others = await client.llm.look_up_embeddings(model, ["a"], options={"dimensions": 2}, agent_id=agent)

    assert stored.stored == 2
    assert found.results == [None, "AACAPw==", [0.5, 0.25]]
    assert others.results == [None]


async def test_the_sdk_reads_the_account_and_the_cache(client: Client, chat: Chat, model: str, agent: str) -> None:
    await client.llm.store(chat, answer(), agent_id=agent)
    today = datetime.now(UTC).date()

    read = await client.llm.usage(since=today - timedelta(days=1), by=["agent_id"], model=model)
    nothing = await client.llm.usage(agent_id=agent, kind="embeddings")
    size = await client.llm.cache()

    assert [(row.agent_id, row.misses, row.model) for row in read.results] == [(agent, 1, None)]
    assert (nothing.results, nothing.totals.requests) == ([], 0)
    assert size.entries >= 1
    with pytest.raises(InvalidCommand, match="by"):
        await client.llm.usage(by=[])
