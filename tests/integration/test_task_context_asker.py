"""What the context of a task owes to whoever asks for it: what is preferred, and what others keep to themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from contexts import Desk, desk_on
from redis.asyncio import Redis

from memos.stores.postgres import Pool

INDIFFERENT = {"recency": 0, "importance": 0, "usefulness": 0}


@pytest.fixture
async def desk(pool: Pool, redis: Redis) -> Desk:
    return await desk_on(pool, redis)


@pytest.mark.parametrize(
    ("preferences", "first"),
    [(INDIFFERENT, "find pages"), ({**INDIFFERENT, "importance": 10}, "find pages on shelves")],
    ids=["indifferent", "important"],
)
async def test_importance_counts_for_memories_and_lessons_as_much_as_is_preferred(
    desk: Desk, preferences: dict[str, float], first: str
) -> None:
    for content, importance in (("find pages", 0.1), ("find pages on shelves", 0.9)):
        await desk.remember(content, importance=importance)
        await desk.learn(content, importance=importance)

    context = await desk.context("find pages", preferences=preferences)

    assert [found[0].content for found in (context.memories, context.lessons)] == [first, first]


async def test_the_new_come_before_the_old_if_that_is_preferred(desk: Desk) -> None:
    now = datetime.now(UTC)
    await desk.remember("find pages", occurred_at=now - timedelta(days=60))
    await desk.remember("find pages on shelves", occurred_at=now)

    orders = [
        [one.content for one in (await desk.context("find pages", preferences=preferences)).memories]
        for preferences in (INDIFFERENT, {**INDIFFERENT, "recency": 10})
    ]

    assert orders == [["find pages", "find pages on shelves"], ["find pages on shelves", "find pages"]]


@pytest.mark.parametrize("later_is_private", [False, True])
async def test_a_private_lesson_is_not_told_to_others_as_one_that_contradicts(
    desk: Desk, *, later_is_private: bool
) -> None:
    private = await desk.learn("find pages", visibility="private")
    shared = await desk.learn("find pages twice")
    await desk.contradict(*((private, shared) if later_is_private else (shared, private)))

    [own] = [one for one in (await desk.context("find pages")).lessons if one.memory_id == shared]
    others = await desk.context("find pages", agent_id="bob")

    assert own.contradicts == [private]
    assert [(one.memory_id, one.contradicts) for one in others.lessons] == [(shared, [])]
    assert "otherwise" not in others.context
