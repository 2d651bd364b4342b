"""The routes of memories over a real memOS."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

pytest_plugins = ["bus_fixtures"]

TEXT = "The spare key hangs behind the coat rack."


async def stored(http: httpx.AsyncClient, agent: str, content: str = TEXT, **fields: Any) -> str:
    """The id of a memory of an agent."""
    response = await http.post("/memory/store", json={"content": content, "agent_id": agent, **fields})
    assert response.status_code == 200, response.text
    memory_id: str = response.json()["memory_id"]
    return memory_id


async def recalled(http: httpx.AsyncClient, agent: str, query: str, **fields: Any) -> list[dict[str, Any]]:
    """What an agent has of its own that answers a query."""
    body = {"query": query, "agent_id": agent, "filter": {"visibility": "private"}, **fields}
    response = await http.post("/memory/query", json=body)
    assert response.status_code == 200, response.text
    memories = response.json()["memories"]
    assert memories["count"] == len(memories["results"])
    results: list[dict[str, Any]] = memories["results"]
    return results


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:memos:problem:{code}")
    assert problem["detail"]
    return problem


@pytest.fixture(params=["", "/v1"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the routes are: as the neighbours call them, and with their version."""
    return str(request.param)


async def test_a_memory_is_stored_found_read_changed_and_deleted(
    http: httpx.AsyncClient, root: str, agent: str
) -> None:
    store = await http.post(f"{root}/memory/store", json={"content": TEXT, "agent_id": agent})
    memory_id = store.json()["memory_id"]
    assert store.status_code == 200
    assert store.json() == {
        "success": True,
        "memory_id": memory_id,
        "status": "stored",
        "message": "The memory is committed and searchable.",
    }

    question = {"query": "where is the key?", "agent_id": agent, "filter": {"visibility": "private"}}
    query = await http.post(f"{root}/memory/query", json=question)
    assert query.status_code == 200
    assert query.json()["query"] == "where is the key?"
    assert query.json()["tools"] == {"count": 0, "results": []}
    assert query.json()["took_ms"] > 0
    assert query.json()["memories"]["count"] == 1
    [found] = query.json()["memories"]["results"]
    assert (found["memory_id"], found["content"], found["agent_id"]) == (memory_id, TEXT, agent)
    assert found["score"] > 0

    mine = {"agent_id": agent}
    path = f"{root}/memory/{memory_id}"
    read = (await http.get(path, params=mine)).json()
    assert read.pop("links") == []
    of_result = {"before": [], "after": [], "repeats": [], "explanation": None, "score": found["score"]}
    assert found == {**read, **of_result}

    changed = await http.patch(path, params=mine, json={"tags": ["home"]})
    assert (changed.json()["version"], changed.json()["tags"]) == (2, ["home"])
    history = await http.get(f"{path}/history", params=mine)
    assert [version["tags"] for version in history.json()["versions"]] == [[], ["home"]]

    deleted = await http.delete(path, params=mine)
    assert (deleted.status_code, deleted.json()["status"]) == (200, "deleted")
    assert_problem(await http.get(path, params=mine), 404, "not-found")
    again = await http.post(f"{root}/memory/query", json=question)
    assert again.json()["memories"] == {"count": 0, "results": []}


async def test_what_is_not_said_has_its_default(http: httpx.AsyncClient) -> None:
    content = f"Only a text, {uuid4()}."
    memory_id = (await http.post("/memory/store", json={"content": content})).json()["memory_id"]
    memory = (await http.get(f"/memory/{memory_id}")).json()
    for volatile in ("memory_id", "created_at", "updated_at"):
        assert memory.pop(volatile)
    assert memory == {
        "agent_id": "default_agent",
        "visibility": "private",
        "kind": "episodic",
        "content": content,
        "metadata": {},
        "tags": [],
        "importance": None,
        "source": None,
        "session_id": None,
        "sequence": None,
        "occurred_at": None,
        "expires_at": None,
        "version": 1,
        "times_stored": 1,
        "superseded_by": None,
        "superseded_at": None,
        "usefulness": 0.0,
        "links": [],
    }


async def test_everything_that_is_said_is_kept(http: httpx.AsyncClient, agent: str) -> None:
    said = {
        "metadata": {"a": [1, 2.5, None, True, {"b": "ü"}], "big": 2**63, "tiny": 1e-300},
        "tags": ["x", "y z"],
        "importance": 0.25,
        "session_id": "s-1",
        "sequence": 7,
        "occurred_at": "2024-02-29T23:59:59.123456+02:00",
        "expires_at": "2999-01-01T00:00:00Z",
        "kind": "note",
        "visibility": "shared",
        "source": {"uri": "a.py", "symbol": "a.f", "line": 3},
        "id": str(uuid4()),
    }
    memory_id = await stored(http, agent, "Ünïcode \U0001f511 and \u202eothers.", **said)
    memory = (await http.get(f"/memory/{memory_id}", params={"agent_id": agent})).json()
    assert memory_id == said["id"]
    assert memory["content"] == "Ünïcode \U0001f511 and \u202eothers."
    assert memory["occurred_at"] == "2024-02-29T21:59:59.123456Z"
    kept = {name: memory[name] for name in said.keys() - {"id", "occurred_at"}}
    assert kept == {name: said[name] for name in kept}


async def test_the_same_idempotency_key_gives_the_first_answer_and_does_nothing_twice(
    http: httpx.AsyncClient, agent: str
) -> None:
    key = {"Idempotency-Key": f"key-{uuid4()}"}
    body = {"content": "Once only.", "agent_id": agent}
    first = await http.post("/memory/store", json=body, headers=key)
    again = await http.post("/v1/memory/store", json=body, headers=key)
    other = await http.post("/memory/store", json={**body, "content": "Another."}, headers=key)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    problem = assert_problem(other, 409, "conflict")
    assert problem["command_id"] == key["Idempotency-Key"]
    memory_id = first.json()["memory_id"]
    assert (await http.get(f"/memory/{memory_id}", params={"agent_id": agent})).json()["times_stored"] == 1


async def test_the_same_key_repeats_the_answer_of_a_change_and_of_a_deletion(
    http: httpx.AsyncClient, agent: str
) -> None:
    path, mine = f"/memory/{await stored(http, agent)}", {"agent_id": agent}
    for method, body in (("PATCH", {"importance": 1}), ("DELETE", None)):
        key = {"Idempotency-Key": str(uuid4())}
        first = await http.request(method, path, params=mine, json=body, headers=key)
        again = await http.request(method, path, params=mine, json=body, headers=key)
        assert (first.status_code, again.json()) == (200, first.json())


async def test_without_waiting_a_memory_is_queued_and_its_key_tells_what_became_of_it(
    http: httpx.AsyncClient, agent: str
) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"content": "No hurry.", "agent_id": agent}
    queued = await http.post("/memory/store", json={**body, "wait": False}, headers=key)
    assert (queued.status_code, queued.json()["status"], queued.json()["success"]) == (202, "queued", True)
    assert key["Idempotency-Key"] in queued.json()["message"]

    asked = await http.post("/memory/store", json=body, headers=key)
    assert (asked.status_code, asked.json()["status"]) == (200, "stored")
    assert asked.json()["memory_id"] == queued.json()["memory_id"]

    [memory] = await recalled(http, agent, "is there any hurry?")
    assert memory["memory_id"] == queued.json()["memory_id"]


async def test_without_waiting_a_memory_has_the_id_that_was_given(http: httpx.AsyncClient, agent: str) -> None:
    memory_id = str(uuid4())
    body = {"content": "No hurry.", "agent_id": agent, "wait": False, "id": memory_id}
    assert (await http.post("/memory/store", json=body)).json()["memory_id"] == memory_id


async def test_tier_two_is_episodic_memory_and_always_answers_200(http: httpx.AsyncClient, agent: str) -> None:
    """InGest-LLM accepts nothing else."""
    body = {"content": "In tier two.", "agent_id": agent}
    store = await http.post("/memory/2/store", json=body)
    queued = await http.post("/memory/2/store", json={**body, "wait": False})

    assert (store.status_code, store.json()["status"], store.json()["tier"]) == (200, "stored", 2)
    assert (queued.status_code, queued.json()["status"], queued.json()["tier"]) == (200, "queued", 2)
    memory = await http.get(f"/memory/{store.json()['memory_id']}", params={"agent_id": agent})
    assert memory.json()["kind"] == "episodic"


@pytest.mark.parametrize("tier", [3])
async def test_a_tier_that_is_not_built_yet_is_not_found(http: httpx.AsyncClient, tier: int) -> None:
    problem = assert_problem(await http.post(f"/memory/{tier}/store", json={"content": "x"}), 404, "not-found")
    assert f"Tier {tier}" in problem["detail"]


async def test_a_batch_answers_in_order_and_each_memory_fails_alone(http: httpx.AsyncClient, agent: str) -> None:
    taken = await stored(http, agent)
    memories = [{"content": f"Memory {number}.", "agent_id": agent} for number in range(5)]
    memories[2]["id"] = taken
    memories[4]["content"] = "Memory 0."

    response = await http.post("/memory/store/batch", json={"memories": memories})

    results = response.json()["results"]
    assert response.status_code == 200
    assert [result["status"] for result in results] == ["stored", "stored", 409, "stored", "duplicate"]
    assert (results[2]["code"], taken in results[2]["detail"]) == ("conflict", True)
    assert results[4]["memory_id"] == results[0]["memory_id"]
    found = await http.get(f"/memory/{results[3]['memory_id']}", params={"agent_id": agent})
    assert found.json()["content"] == "Memory 3."


async def test_a_batch_sent_again_gives_its_first_answer(http: httpx.AsyncClient, agent: str) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"memories": [{"content": f"Memory {number}.", "agent_id": agent} for number in range(3)]}
    first = await http.post("/memory/store/batch", json=body, headers=key)
    assert (await http.post("/memory/store/batch", json=body, headers=key)).json() == first.json()


async def test_a_batch_with_the_longest_key_is_stored(http: httpx.AsyncClient, agent: str) -> None:
    """The id of an item is longer still."""
    body = {"memories": [{"content": f"Memory {number}.", "agent_id": agent} for number in range(3)]}
    response = await http.post("/memory/store/batch", json=body, headers={"Idempotency-Key": f"{agent:x<255}"})
    assert response.status_code == 200, response.text
    assert [result["status"] for result in response.json()["results"]] == ["stored"] * 3


async def test_a_full_batch_is_stored_and_one_more_is_refused(http: httpx.AsyncClient, agent: str) -> None:
    memories = [{"content": f"{number}", "agent_id": agent} for number in range(101)]
    full = await http.post("/memory/store/batch", json={"memories": memories[:100]})
    over = await http.post("/memory/store/batch", json={"memories": memories})
    assert {result["status"] for result in full.json()["results"]} == {"stored"}
    assert_problem(over, 422, "invalid")


async def test_passages_are_ingested_and_shared(http: httpx.AsyncClient, agent: str) -> None:
    items = [{"content": f"function boil of {agent}", "source": {"uri": f"{agent}.py", "line": 1}}]
    response = await http.post("/ingest/batch", json={"items": items, "agent_id": agent})
    assert (response.status_code, response.json()["results"][0]["status"]) == (200, "stored")
    memory = (await http.get(f"/memory/{response.json()['results'][0]['memory_id']}")).json()
    assert (memory["visibility"], memory["kind"], memory["agent_id"]) == ("shared", "document", agent)


async def test_an_agent_sees_its_own_memories_and_shared_ones(http: httpx.AsyncClient, agent: str) -> None:
    other = f"other-{agent}"
    private = await stored(http, other, f"A secret about {agent}.")
    shared = await stored(http, other, f"News about {agent}.", visibility="shared")
    own = await stored(http, agent, f"A note about {agent}.")

    answer = await http.post("/memory/query", json={"query": agent, "agent_id": agent, "top_k": 1000})
    ids = {memory["memory_id"] for memory in answer.json()["memories"]["results"]}
    assert {own, shared} <= ids
    assert private not in ids
    mine = {"agent_id": agent}
    assert (await http.get(f"/memory/{shared}", params=mine)).status_code == 200
    for refused in (
        await http.get(f"/memory/{private}", params=mine),
        await http.get(f"/memory/{private}/history", params=mine),
        await http.patch(f"/memory/{private}", params=mine, json={"content": "x"}),
        await http.delete(f"/memory/{private}", params=mine),
        await http.get(f"/memory/{private}"),
    ):
        assert_problem(refused, 404, "not-found")


async def test_a_shared_memory_made_private_is_seen_by_its_agent_alone(http: httpx.AsyncClient, agent: str) -> None:
    memory_id = await stored(http, agent, visibility="shared")
    await http.patch(f"/memory/{memory_id}", params={"agent_id": agent}, json={"visibility": "private"})
    assert_problem(await http.get(f"/memory/{memory_id}"), 404, "not-found")
    answer = await http.post("/memory/query", json={"query": TEXT, "agent_id": f"x{agent}", "top_k": 1000})
    assert memory_id not in [memory["memory_id"] for memory in answer.json()["memories"]["results"]]


async def test_a_query_is_answered_with_no_more_than_was_asked_for_best_first(
    http: httpx.AsyncClient, agent: str
) -> None:
    for text in (
        "A cat sleeps.",
        "A kitten naps.",
        "Stock prices fell.",
        "Rain is due.",
        "A cat dreams.",
        "Dogs bark.",
    ):
        await stored(http, agent, text)
    five = await recalled(http, agent, "sleeping cat")
    assert len(five) == 5
    scores = [memory["score"] for memory in five]
    assert scores == sorted(scores, reverse=True)
    two = await recalled(http, agent, "sleeping cat", top_k=2)
    assert [memory["memory_id"] for memory in two] == [memory["memory_id"] for memory in five[:2]]
    assert "cat" in five[0]["content"]


async def test_a_query_explains_itself_when_asked_to(http: httpx.AsyncClient, agent: str) -> None:
    await stored(http, agent)
    [memory] = await recalled(http, agent, TEXT, explain=True)
    factors = memory["explanation"]["factors"]
    assert memory["explanation"] == {"rank": 1, "factors": factors}
    assert factors["meaning"]["value"] == pytest.approx(1, abs=1e-3)
    assert sum(factor["contribution"] for factor in factors.values()) == pytest.approx(memory["score"], abs=1e-5)


async def test_a_query_stays_within_its_token_budget(http: httpx.AsyncClient, agent: str) -> None:
    for number in range(3):
        await stored(http, agent, f"{number} " + "word " * 100)
    everything = await recalled(http, agent, "word")
    some = await recalled(http, agent, "word", max_tokens=250)
    assert len(everything) == 3
    assert 0 < len(some) < 3
    assert [memory["memory_id"] for memory in everything[: len(some)]] == [memory["memory_id"] for memory in some]


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "note"},
        {"session_id": "s-1"},
        {"source": "a.py"},
        {"tags": ["x", "y"]},
        {"visibility": "shared"},
        {"metadata": {"room": 4}},
        {"metadata": {"open": True, "name": "é"}},
        {"occurred_after": "2024-01-01T00:00:00Z", "occurred_before": "2024-02-01T00:00:00+00:00"},
    ],
)
async def test_a_filter_finds_what_it_describes_and_nothing_else(
    http: httpx.AsyncClient, agent: str, wanted: dict[str, Any]
) -> None:
    await stored(
        http, agent, "Something else.", metadata={"room": 5}, tags=["x"], occurred_at="2023-12-31T23:59:59Z"
    )
    memory_id = await stored(
        http,
        agent,
        f"{TEXT} {agent}",
        kind="note",
        session_id="s-1",
        source={"uri": "a.py"},
        tags=["x", "y", "z"],
        visibility="shared",
        metadata={"room": 4, "open": True, "name": "é"},
        occurred_at="2024-01-15T00:00:00Z",
    )
    query = {"query": "anything", "agent_id": agent, "top_k": 1000, "filter": wanted}
    results = (await http.post("/memory/query", json=query)).json()["memories"]["results"]
    assert [memory["memory_id"] for memory in results if memory["agent_id"] == agent] == [memory_id]


async def test_a_memory_that_has_expired_is_gone_from_every_answer(http: httpx.AsyncClient, agent: str) -> None:
    memory_id = await stored(http, agent, expires_at="2001-01-01T00:00:00Z")
    mine = {"agent_id": agent}
    assert_problem(await http.get(f"/memory/{memory_id}", params=mine), 404, "not-found")
    assert await recalled(http, agent, TEXT) == []


async def test_changes_keep_what_they_do_not_name_and_null_clears_what_it_may(
    http: httpx.AsyncClient, agent: str
) -> None:
    memory_id = await stored(http, agent, tags=["a"], importance=0.5, metadata={"k": "v"})
    path, mine = f"/memory/{memory_id}", {"agent_id": agent}
    changed = (await http.patch(path, params=mine, json={"content": "New.", "importance": None})).json()
    assert (changed["content"], changed["importance"]) == ("New.", None)
    assert (changed["tags"], changed["metadata"], changed["version"]) == (["a"], {"k": "v"}, 2)
    [found] = await recalled(http, agent, "New.", explain=True)
    assert found["explanation"]["factors"]["meaning"]["value"] > 0.9


async def test_a_change_may_name_the_version_it_is_meant_for(http: httpx.AsyncClient, agent: str) -> None:
    path, mine = f"/memory/{await stored(http, agent)}", {"agent_id": agent}
    first = await http.patch(path, params={**mine, "expected_version": 1}, json={"importance": 1})
    late = await http.patch(path, params={**mine, "expected_version": 1}, json={"importance": 0})
    assert first.status_code == 200
    assert "version 2, not 1" in assert_problem(late, 409, "conflict")["detail"]


async def test_deletion_is_repeated_without_harm_and_wins_over_a_later_store(
    http: httpx.AsyncClient, agent: str
) -> None:
    memory_id, mine = str(uuid4()), {"agent_id": agent}
    assert (await http.delete(f"/memory/{memory_id}", params=mine)).json()["status"] == "absent"
    late = await http.post("/memory/store", json={"content": "Late.", "agent_id": agent, "id": memory_id})
    assert_problem(late, 410, "gone")
    assert (await http.delete(f"/memory/{memory_id}", params=mine)).json()["status"] == "absent"


async def test_a_vector_of_the_collections_model_is_taken_as_it_is(http: httpx.AsyncClient, agent: str) -> None:
    vector = [1.0] + [0.0] * 383
    body = {"content": "Given.", "agent_id": agent, "embedding": vector, "embedding_model": "all-MiniLM-L6-v2-int8"}
    response = await http.post("/memory/store", json=body)
    assert (response.status_code, response.json()["status"]) == (200, "stored")


@pytest.mark.parametrize("memory_id", [str(UUID(int=7)), uuid4().hex, f"{{{uuid4()}}}", f"urn:uuid:{uuid4()}"])
async def test_an_unknown_memory_is_not_found_however_its_id_is_written(
    http: httpx.AsyncClient, memory_id: str
) -> None:
    assert_problem(await http.get(f"/memory/{memory_id}"), 404, "not-found")
