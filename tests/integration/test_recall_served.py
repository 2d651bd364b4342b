"""The second stage of ranking as settings name it, in a running memOS."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from conftest import Engines
from rerank_server import ScoringServer, as_json, overlap, rerank_server
from running import Memos, served

from memos.client import connect

pytest_plugins = ["bus_fixtures"]

OWN_DATABASE = "2"
"""Of Redis, beside those of other tests."""

QUERY = "where does the spare key of the office hang"
TEXTS = [
    "Keys to offices: spare ones are kept by Ann.",
    "It is where the spare key does hang.",
    "Lunch is at noon.",
]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[ScoringServer]:
    async with rerank_server() as running:
        yield running


@pytest.fixture(scope="module")
async def reranking(engines: Engines, template: str, server: ScoringServer) -> AsyncIterator[Memos]:
    told = {"rerank_url": server.url, "rerank_model": "m", "rerank_api_key": "secret", "rerank_top": 2}
    async with served(engines, template, OWN_DATABASE, **told) as running:
        yield running


async def recalled(http: httpx.AsyncClient, agent: str, **fields: Any) -> list[dict[str, Any]]:
    body = {"query": QUERY, "agent_id": agent, "explain": True, **fields}
    response = await http.post("/memory/query", json=body)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["memories"]["results"]
    return found


async def test_a_worker_asks_the_server_that_its_settings_name(
    reranking: Memos, server: ScoringServer, agent: str
) -> None:
    async with connect(reranking.redis_url) as client, httpx.AsyncClient(base_url=reranking.url) as http:
        for text in TEXTS:
            await client.store(text, agent_id=agent)

        found = await recalled(http, agent)
        [asked] = server.asked
        without = await recalled(http, agent, rerank=False)
        server.answer = lambda _: as_json({}, 422)
        refused = await recalled(http, agent)

    best = sorted(asked["documents"], key=lambda text: -overlap(QUERY, text))
    assert (asked["model"], asked["query"], len(asked["documents"]), server.keys[0]) == (
        "m",
        QUERY,
        2,
        "Bearer secret",
    )
    assert [one["content"] for one in found] == [*best, TEXTS[2]]
    assert [one["explanation"]["factors"].get("rerank", {}).get("value") for one in found] == [
        *(pytest.approx(overlap(QUERY, text), abs=1e-5) for text in best),
        None,
    ]
    assert len(server.asked) == 2
    assert [one["content"] for one in without] == [one["content"] for one in refused]
    assert all("refused the texts" in one["explanation"]["note"] for one in refused)


async def test_without_such_a_setting_there_is_no_second_stage(http: httpx.AsyncClient, agent: str) -> None:
    await http.post("/memory/store", json={"content": TEXTS[0], "agent_id": agent})

    [found] = await recalled(http, agent, filter={"visibility": "private"})

    assert "rerank" not in found["explanation"]["factors"]
    assert "note" not in found["explanation"]
