"""What was known at a moment, asked of a real memOS over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import httpx

pytest_plugins = ["bus_fixtures"]


async def recalled(http: httpx.AsyncClient, agent: str, query: str, **fields: Any) -> list[dict[str, Any]]:
    """What an agent has of its own that answers a query."""
    body = {"query": query, "agent_id": agent, "filter": {"visibility": "private"}, **fields}
    response = await http.post("/memory/query", json=body)
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["memories"]["results"]
    return results


async def test_a_query_as_of_a_moment_finds_and_shows_what_was_said_then(
    http: httpx.AsyncClient, agent: str
) -> None:
    mine = {"agent_id": agent}
    for content in ("Ada plays the cello.", "The oven is broken.", "Rent is due on Monday."):
        stored = await http.post("/memory/store", json={"content": content, **mine, "tags": ["old"]})
        assert stored.json()["status"] == "stored"
    [oven, *_] = await recalled(http, agent, "oven", top_k=1)
    path = f"/memory/{oven['memory_id']}"
    news = {"content": "The kettle was descaled.", "tags": ["new"]}
    changed = (await http.patch(path, params=mine, json=news)).json()
    before = (datetime.fromisoformat(changed["updated_at"]) - timedelta(microseconds=1)).isoformat()
    old = {"visibility": "private", "tags": ["old"]}

    [then, *others] = await recalled(http, agent, "what is broken?", as_of=before, filter=old, explain=True)

    assert (then["content"], then["version"], then["tags"]) == ("The oven is broken.", 1, ["old"])
    assert datetime.fromisoformat(then["explanation"]["as_of"]) == datetime.fromisoformat(before)
    assert {one["content"] for one in others} == {"Ada plays the cello.", "Rent is due on Monday."}
    [now, *_] = await recalled(http, agent, "kettle", as_of=changed["updated_at"])
    assert (now["content"], now["version"]) == ("The kettle was descaled.", 2)
    assert len(await recalled(http, agent, "what is broken?", filter=old)) == 2
