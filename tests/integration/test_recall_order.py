"""What an asker may want more or less of, and how much of it: preferences, variety, top_k, tokens."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import DIMENSION, MODEL, Rooms, contributed, factors_of, vector_of
from recalling import chatter, converse, near, results

pytest_plugins = ["rooms"]

NOW = datetime.now(UTC)
QUERY = "anything at all"
INDIFFERENT = {"recency": 0, "importance": 0, "usefulness": 0}


async def alike(rooms: Rooms, *texts: str, **fields: Any) -> None:
    """Store texts that are as close to the query, from the same time."""
    for text in texts:
        await rooms.remember(text, **{"occurred_at": NOW, **near(QUERY, 0.4), **fields})


async def test_importance_counts_as_much_as_is_preferred(both: Rooms) -> None:
    await alike(both, "Minor.", importance=0.2, **near(QUERY, 0.45))
    await alike(both, "Major.", importance=0.9)
    await alike(both, "Plain.", **near(QUERY, 0.42))

    assert await both.recalled(QUERY, preferences=INDIFFERENT) == ["Minor.", "Plain.", "Major."]
    assert await both.recalled(QUERY) == ["Major.", "Plain.", "Minor."]


async def test_recency_counts_as_much_and_as_long_as_is_preferred(both: Rooms) -> None:
    await alike(both, "Old.", occurred_at=NOW - timedelta(days=60), **near(QUERY, 0.45))
    await alike(both, "New.")

    async def first(**preferences: float) -> str:
        return (await both.recalled(QUERY, preferences={**INDIFFERENT, **preferences}))[0]

    assert await first() == "Old."
    assert await first(recency=0.5) == "New."
    assert await first(recency=0.5, half_life=36_000) == "Old."


async def test_usefulness_counts_as_much_as_is_preferred(both: Rooms) -> None:
    await alike(both, "Used.", "Useless.", "Unknown.")
    for content, usefulness in (("Used.", 1.0), ("Useless.", -1.0)):
        await both.pool.execute("update agent_memories set usefulness = $2 where content = $1", content, usefulness)

    assert await both.recalled(QUERY) == ["Used.", "Unknown.", "Useless."]
    scores = {one.score for one in await results(both, QUERY, preferences=INDIFFERENT)}
    assert max(scores) - min(scores) < 0.001


async def test_factors_add_up_to_the_score_in_the_order_of_the_results(both: Rooms) -> None:
    query = "What did Ann say about the spare key on 8 May 2023?"
    day = datetime(2023, 5, 8, 9, tzinfo=UTC)
    await converse(both, "Where is it?", "Ann: The spare key hangs here.", "Fine.", occurred_at=day, importance=0.7)
    await both.remember("def spare(key): ...", kind="function")
    await chatter(both, 10, query, 0.2)
    await both.pool.execute("update agent_memories set usefulness = 0.5 where importance is not null")

    found = await results(both, query, top_k=100)

    assert len(found) == 14
    assert [(one.explanation or {})["rank"] for one in found] == list(range(1, 15))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert contributed(one) == pytest.approx(one.score, abs=1e-5)
    assert found[0].content == "Ann: The spare key hangs here."
    assert factors_of(found[0]).keys() == {
        *("meaning", "terms", "context", "speaker", "time"),
        *("statement", "substance", "recency", "importance", "usefulness"),
    }
    assert {one.content for one in found if "neighbours" in factors_of(one)} >= {"Where is it?", "Fine."}


def towards(*shares: float) -> dict[str, Any]:
    """The fields of a vector with these shares of the query and of two other directions."""
    vector = [share * number for share, number in zip([shares[0]] * DIMENSION, vector_of(QUERY), strict=True)]
    empty = [place for place, number in enumerate(vector_of(QUERY)) if not number]
    for place, share in zip(empty, shares[1:], strict=False):
        vector[place] = share
    length = math.hypot(*vector)
    return {"embedding": [number / length for number in vector], "embedding_model": MODEL}


async def test_diversity_puts_what_differs_before_what_is_like_the_best(both: Rooms) -> None:
    await alike(both, "Best.", **towards(0.9, 0.4))
    await alike(both, "Like it.", **towards(0.85, 0.4))
    await alike(both, "Different.", **towards(0.7, 0.0, 0.7))

    assert await both.recalled(QUERY) == ["Best.", "Like it.", "Different."]
    assert await both.recalled(QUERY, diversity=0.5) == ["Best.", "Different.", "Like it."]
    assert await both.recalled(QUERY, diversity=0.5, top_k=2) == ["Best.", "Different."]
    assert (await both.recalled(QUERY, diversity=1))[0] == "Best."


async def test_a_budget_of_tokens_is_filled_best_first_and_passes_over_what_does_not_fit(both: Rooms) -> None:
    texts = {"Best of all.": 0.9, "Second, " + "and long " * 20: 0.7, "Third.": 0.5, "Fourth, a bit more.": 0.3}
    for text, cosine in texts.items():
        await alike(both, text, **near(QUERY, cosine))
    best, second, third, fourth = texts

    assert await both.recalled(QUERY) == [best, second, third, fourth]
    assert await both.recalled(QUERY, max_tokens=1000) == [best, second, third, fourth]
    assert await both.recalled(QUERY, max_tokens=10) == [best, third, fourth]
    assert await both.recalled(QUERY, max_tokens=5) == [best, third]
    assert await both.recalled(QUERY, max_tokens=4) == [best]
    assert await both.recalled(QUERY, max_tokens=1) == []


async def test_what_does_not_fit_makes_room_for_what_is_beyond_the_number_wanted(both: Rooms) -> None:
    for text, cosine in {"Best, " + "and long " * 20: 0.9, "Second.": 0.5}.items():
        await alike(both, text, **near(QUERY, cosine))

    assert await both.recalled(QUERY, top_k=1, max_tokens=5) == ["Second."]


async def test_the_budget_left_by_the_results_goes_to_their_neighbours_nearest_first(both: Rooms) -> None:
    for place, text in enumerate(["Far.", "Near.", "Best of all.", "Next.", "Last."]):
        fields = near(QUERY, 0.9) if place == 2 else near(QUERY, 0.1)
        await both.remember(text, session_id="s", sequence=place, **fields)

    found = await both.query(QUERY, top_k=1, around=2, max_tokens=7)

    [one] = found.memories.results
    assert [memory.content for memory in one.before] == ["Near."]
    assert [memory.content for memory in one.after] == ["Next."]


async def test_as_many_as_are_asked_for_are_found_each_once(both: Rooms) -> None:
    await chatter(both, 250, QUERY, 0.2)
    await alike(both, "Best.", **near(QUERY, 0.9))

    one = await both.recalled(QUERY, top_k=1)
    some = await both.recalled(QUERY, top_k=100)
    every = await both.recalled(QUERY, top_k=1000)

    assert (one, every[0], some[0]) == (["Best."], "Best.", "Best.")
    assert (len(some), len(set(some))) == (100, 100)
    assert (len(every), len(set(every))) == (251, 251)


async def test_what_the_ledger_has_buried_makes_room_though_the_engine_still_has_it(both: Rooms) -> None:
    await chatter(both, 120, QUERY, 0.9, tags=["buried"])
    await both.pool.execute("update agent_memories set expires_at = now() where 'buried' = any(tags)")
    await chatter(both, 12, "something else", 0.9)

    found = await both.query(QUERY, top_k=10)

    assert found.memories.count == 10
    assert all(one.tags == [] for one in found.memories.results)
