"""`POST /memory/1/store`: texts to remember in the first tier, which are messages of a session."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from running import until

pytest_plugins = ["bus_fixtures"]


async def store(http: httpx.AsyncClient, agent: str, key: str | None = None, **fields: Any) -> httpx.Response:
    """Store a text in tier 1."""
    body = {"content": "Tea is at four.", "agent_id": agent, **fields}
    return await http.post("/memory/1/store", json=body, headers={"Idempotency-Key": key or uuid4().hex})


async def session(http: httpx.AsyncClient, agent: str, name: str = "default") -> Any:
    """A session as it is read."""
    response = await http.get(f"/working/{name}", params={"agent_id": agent})
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_text_is_a_message_of_its_session(http: httpx.AsyncClient, agent: str) -> None:
    when = "2026-01-31T09:30:00Z"
    response = await store(
        http, agent, session_id="day", occurred_at=when, metadata={"role": "assistant", "name": "cortex"}
    )

    [message] = (await session(http, agent, "day"))["messages"]
    told = response.json()
    assert (response.status_code, told["status"], told["success"], told["tier"]) == (200, "stored", True, 1)
    assert told["memory_id"] == message["message_id"]
    assert (message["content"], message["role"], message["name"]) == ("Tea is at four.", "assistant", "cortex")
    assert message["occurred_at"] == when


async def test_a_text_without_a_session_is_in_the_one_by_default_and_said_by_the_user(
    http: httpx.AsyncClient, agent: str
) -> None:
    await store(http, agent, metadata={"role": "customer", "name": 5})

    [message] = (await session(http, agent))["messages"]
    assert (message["role"], message["name"]) == ("user", None)
    assert message["metadata"] == {"role": "customer", "name": 5}


async def test_what_a_message_cannot_say_of_itself_is_kept_in_its_metadata(
    http: httpx.AsyncClient, agent: str
) -> None:
    await store(http, agent, tags=["tea"], importance=0.5, kind="note", metadata={"kind": "own"})

    [message] = (await session(http, agent))["messages"]
    assert message["metadata"] == {"tags": ["tea"], "importance": 0.5, "kind": "own"}


async def test_a_text_is_stored_once_for_its_key(http: httpx.AsyncClient, agent: str) -> None:
    key = uuid4().hex

    first, again = [await store(http, agent, key) for _ in range(2)]

    assert first.json() == again.json()
    assert (await session(http, agent))["session"]["messages"] == 1


async def test_what_is_null_or_empty_is_as_good_as_absent(http: httpx.AsyncClient, agent: str) -> None:
    response = await store(http, agent, id=None, expires_at=None, supersedes=[], embedding=None, sequence=None)

    assert response.status_code == 200, response.text


async def test_a_text_that_expires_leaves_the_session_as_it_was(http: httpx.AsyncClient, agent: str) -> None:
    await store(http, agent)
    before = (await session(http, agent))["session"]

    soon = datetime.now(UTC) + timedelta(seconds=60)
    response = await store(http, agent, expires_at=soon.isoformat())

    assert response.status_code == 422
    assert "PATCH /working/{session_id}" in response.json()["detail"]
    assert (await session(http, agent))["session"] == before


async def test_the_documentation_says_what_tiers_take_and_refuse(http: httpx.AsyncClient) -> None:
    operation = (await http.get("/openapi.json")).json()["paths"]["/memory/{tier}/store"]["post"]

    assert {"200", "404", "413", "422", "429"} <= set(operation["responses"])
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    for tier, name in ((1, "working"), (2, "episodic")):
        response = await http.post(f"/memory/{tier}/store", json=examples[name]["value"])
        assert (response.status_code, response.json()["tier"]) == (200, tier), response.text


async def test_a_text_that_nobody_waits_for_is_queued(http: httpx.AsyncClient, agent: str) -> None:
    response = await store(http, agent, wait=False)

    async def kept() -> bool:
        return (await http.get("/working/default", params={"agent_id": agent})).status_code == 200

    told = response.json()
    assert (response.status_code, told["status"], told["memory_id"], told["tier"]) == (200, "queued", None, 1)
    await until(kept)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": str(uuid4())}, "id"),
        ({"supersedes": [str(uuid4())]}, "supersedes"),
        ({"sequence": 4}, "sequence"),
        ({"embedding": [0.0] * 384, "embedding_model": "minilm"}, "embedding"),
        ({"session_id": "a\x85"}, "session_id"),
        ({"sequence": 0}, "sequence"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"metadata": {"name": "a\nb"}}, "name"),
        ({"content": " "}, "content"),
    ],
    ids=str,
)
async def test_what_would_be_lost_is_refused(
    http: httpx.AsyncClient, agent: str, fields: dict[str, Any], field: str
) -> None:
    response = await store(http, agent, **fields)

    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert field in [fault["field"] for fault in response.json()["faults"]]
    assert (await http.get("/working/default", params={"agent_id": agent})).status_code == 404
