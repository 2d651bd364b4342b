"""The second stage of ranking at work in queries: its order, and the first stage's without it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from builders import Rooms, contributed, factors_of
from fastapi import Response
from recalling import chatter, near, results
from rerank_server import ScoringServer, as_json, rerank_server

from memos.embeddings.rerank import RerankServer, open_remote_reranker

pytest_plugins = ["rooms"]

QUERY = "anything at all"
CLOSENESS = {"One.": 0.9, "Two.": 0.7, "Three.": 0.5, "Four.": 0.3, "Five.": 0.1}
JUDGED = {"One.": -3.5, "Two.": 4, "Three.": 2.5, "Four.": 99, "Five.": 7}
FIRST_STAGE = [*CLOSENESS]


def judged(body: dict[str, Any]) -> object:
    """Scores as `JUDGED` has them, in the order in which they were asked for."""
    return [{"index": place, "score": JUDGED[text]} for place, text in enumerate(body["documents"])]


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[ScoringServer]:
    async with rerank_server() as server:
        yield server


@pytest.fixture
def server(running: ScoringServer) -> ScoringServer:
    running.asked.clear()
    running.answer = judged
    return running


def preferring(body: dict[str, Any], *texts: str) -> object:
    """The best score for some texts, and the same for all others."""
    return [{"index": place, "score": float(text in texts)} for place, text in enumerate(body["documents"])]


OpenRooms = Callable[..., AbstractAsyncContextManager[Rooms]]


@pytest.fixture
async def opened(both: Rooms, server: ScoringServer) -> OpenRooms:
    """Opens rooms whose queries are ranked again; they have the texts."""
    for text, cosine in CLOSENESS.items():
        await both.remember(text, **near(QUERY, cosine))

    @asynccontextmanager
    async def opened(**told: Any) -> AsyncIterator[Rooms]:
        where = RerankServer(**{"url": server.url, "timeout": 5, "rest": 0, **told})
        async with open_remote_reranker(where) as reranker:
            yield replace(both, reranker=reranker)

    return opened


async def test_the_best_few_come_in_the_order_of_the_second_stage_and_the_rest_after_them(
    opened: OpenRooms, server: ScoringServer
) -> None:
    async with opened(top=3) as rooms:
        found = await results(rooms, QUERY)

    assert [one.content for one in found] == ["Two.", "Three.", "One.", "Four.", "Five."]
    assert [one.score for one in found] == sorted({one.score for one in found}, reverse=True)
    assert [factors_of(one).get("rerank", {}).get("value") for one in found] == [4, 2.5, -3.5, None, None]
    assert [contributed(one) for one in found] == pytest.approx([one.score for one in found], abs=1e-5)
    assert [(asked["query"], asked["documents"]) for asked in server.asked] == [(QUERY, FIRST_STAGE[:3])]


async def test_the_rest_stay_after_the_best_few_whatever_is_preferred(opened: OpenRooms) -> None:
    async with opened(top=3) as rooms:
        found = await results(rooms, QUERY, preferences={"recency": 10})

    assert [one.content for one in found] == ["Two.", "Three.", "One.", "Four.", "Five."]
    assert [one.score for one in found] == sorted({one.score for one in found}, reverse=True)


async def test_as_many_are_ranked_again_as_the_reranker_is_meant_to_be_given(
    opened: OpenRooms, server: ScoringServer
) -> None:
    async with opened(top=70) as rooms:
        await chatter(rooms, 80, QUERY, 0.05)
        server.answer = lambda body: preferring(body, body["documents"][-1])
        found = await rooms.recalled(QUERY, top_k=1)

    [asked] = server.asked
    assert (len(asked["documents"]), asked["documents"][:5]) == (70, FIRST_STAGE)
    assert found == asked["documents"][-1:]


async def test_those_that_the_second_stage_finds_equal_keep_the_order_of_the_first(
    opened: OpenRooms, server: ScoringServer
) -> None:
    server.answer = preferring
    async with opened() as rooms:
        assert await rooms.recalled(QUERY) == FIRST_STAGE
        server.answer = lambda body: preferring(body, "Three.", "Five.")
        assert await rooms.recalled(QUERY) == ["Three.", "Five.", "One.", "Two.", "Four."]


@pytest.mark.parametrize("status", [422, 401, 503])
async def test_when_the_server_refuses_the_first_stage_orders_and_the_explanation_says_so(
    opened: OpenRooms, server: ScoringServer, status: int
) -> None:
    server.answer = lambda _: as_json({"error": "no"}, status)
    async with opened() as rooms:
        found = await results(rooms, QUERY)

    assert [one.content for one in found] == FIRST_STAGE
    assert all(f"status {status}" in str((one.explanation or {})["note"]) for one in found)
    assert all("rerank" not in factors_of(one) for one in found)


@pytest.mark.parametrize("answer", [b"not JSON", b'{"results": [{"index": 0, "relevance_score": 1}]}'])
async def test_when_the_server_answers_with_nonsense_the_first_stage_orders(
    opened: OpenRooms, server: ScoringServer, answer: bytes
) -> None:
    server.answer = lambda _: Response(answer)
    async with opened() as rooms:
        found = await results(rooms, QUERY)

    assert [one.content for one in found] == FIRST_STAGE
    assert "not one score for each" in str((found[0].explanation or {})["note"])


async def test_when_the_server_is_away_or_slow_the_first_stage_orders(
    opened: OpenRooms, server: ScoringServer
) -> None:
    answering = asyncio.Event()

    async def slow(body: dict[str, Any]) -> object:
        await answering.wait()
        return judged(body)

    server.answer = slow
    async with opened(timeout=0.05) as rooms, opened(url="http://127.0.0.1:9/v1") as nowhere:
        late, away = await results(rooms, QUERY), await results(nowhere, QUERY)
    answering.set()

    assert [one.content for one in late] == [one.content for one in away] == FIRST_STAGE
    assert "within 0.05 s" in str((late[0].explanation or {})["note"])
    assert "cannot be reached" in str((away[0].explanation or {})["note"])


async def test_a_query_may_do_without_the_second_stage(opened: OpenRooms, server: ScoringServer) -> None:
    async with opened() as rooms:
        found = await results(rooms, QUERY, rerank=False)

    assert [one.content for one in found] == FIRST_STAGE
    assert all("note" not in (one.explanation or {}) for one in found)
    assert server.asked == []


async def test_a_query_that_finds_nothing_asks_no_second_stage(opened: OpenRooms, server: ScoringServer) -> None:
    async with opened() as rooms:
        assert await rooms.recalled(QUERY, agent_id="nobody") == []

    assert server.asked == []


async def test_the_budget_is_filled_in_the_order_of_the_second_stage(opened: OpenRooms) -> None:
    async with opened() as rooms:
        assert await rooms.recalled(QUERY, max_tokens=4) == ["Four.", "Five."]
