"""The LLM cache takes no more bytes than it may, whatever comes and goes."""

import random
from typing import Any

import pytest
from kept_answers import BLUE, GREEN, MODEL, TENANT, answer_draft, answers_on, asked, key_of, recounted, there
from redis.asyncio import Redis
from running import until

from memos.records import AnswerSource, CallUsage, Eviction
from memos.stores.answers import RedisAnswers

EVICTIONS: tuple[Eviction, ...] = ("lru", "lfu")


async def filled(answers: RedisAnswers, *names: object) -> None:
    for name in names:
        assert (await answers.keep(TENANT, [answer_draft(name)]))[0]


def room_for(number: int) -> int:
    """Bytes that so many answers of these tests take."""
    return number * 1520


async def test_the_least_recently_used_goes_first(redis: Redis) -> None:
    answers = answers_on(redis, most_bytes=room_for(3))
    await filled(answers, "a", "b", "c")
    assert await there(answers, ["a"]) == ["a"]

    await filled(answers, "d")
    assert await redis.hget("memos:cache:{ada}:totals", "evicted") == b"1"
    await filled(answers, "e")

    assert await there(answers, "abcde") == ["a", "d", "e"]


async def test_the_least_frequently_used_goes_first(redis: Redis) -> None:
    answers = answers_on(redis, most_bytes=room_for(3), eviction="lfu")
    await filled(answers, "a", "b", "c")
    for name in "aaabbc":
        assert await there(answers, [name]) == [name]

    await filled(answers, "d")

    assert await there(answers, "abcd") == ["a", "b", "d"]


async def test_what_was_used_often_long_ago_goes_in_the_end(redis: Redis) -> None:
    answers = answers_on(redis, most_bytes=room_for(2), eviction="lfu")
    await filled(answers, "old")
    for _ in range(5):
        assert await there(answers, ["old"]) == ["old"]

    for number in range(20):
        await filled(answers, number)

    assert await there(answers, ["old"]) == []


@pytest.mark.parametrize("former", EVICTIONS)
async def test_answers_that_another_policy_kept_can_go(redis: Redis, former: Eviction) -> None:
    [latter] = set(EVICTIONS) - {former}
    before = answers_on(redis, most_bytes=room_for(3), eviction=former)
    await filled(before, "a", "b", "c")
    after = answers_on(redis, most_bytes=room_for(3), eviction=latter)

    await filled(after, "d", "e")

    assert len(await there(after, "abc")) == 1
    assert await there(after, "de") == ["d", "e"]
    assert [key async for key in redis.scan_iter() if await redis.pttl(key) < 0] == []


async def test_a_smaller_cache_than_before_shrinks_with_the_next_answer(redis: Redis) -> None:
    await filled(answers_on(redis), *range(20))
    answers = answers_on(redis, most_bytes=room_for(4))

    await filled(answers, "new")

    size = await answers.size(TENANT)
    assert (size.entries, size.evicted) == (4, 17)
    assert size.bytes <= room_for(4)


async def test_what_is_counted_is_at_least_what_redis_says_it_takes(redis: Redis) -> None:
    answers = answers_on(redis)
    sources = [
        [AnswerSource("memory", f"{name:08d}-0000-0000-0000-{place:012d}", 1) for place in range(3)]
        for name in range(100)
    ]
    drafts = [asked(name, "what is it?" * 3, sources=sources[name], size=50 * name) for name in range(100)]
    await answers.keep(TENANT, drafts)

    taken = sum([await redis.memory_usage(key, samples=0) or 0 async for key in redis.scan_iter()])

    counted = (await answers.size(TENANT)).bytes
    assert 0.5 * counted < taken <= counted


class Traffic:
    """Keeps, hits, forgets and expiries as they come, drawn from a seed."""

    def __init__(self, redis: Redis, eviction: Eviction, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - the same traffic in every run
        self._most = 40_000
        policy: dict[str, Any] = {"most_bytes": self._most, "eviction": eviction, "jitter": 1.0}
        # one answer of four ends at once
        self.answers = answers_on(redis, draw=lambda: self._draw.choice((0.0, 0.0, 0.0, 1.0)), **policy)

    async def go_on(self) -> None:
        """One thing or another; the bound holds after each."""
        await self._draw.choice(
            (self._keep, self._keep, self._keep, self._hit, self._forget, self._forget_made_from)
        )()
        assert (await self.answers.size(TENANT)).bytes <= self._most

    def _name(self) -> int:
        return self._draw.randrange(60)

    async def _keep(self) -> None:
        fields: dict[str, Any] = {
            "size": self._draw.choice((10, 500, 5000)),
            "sources": self._draw.sample([GREEN, BLUE, AnswerSource("tool", "t", 2)], self._draw.randrange(3)),
            "usage": CallUsage(self._draw.choice((MODEL, "other")), 1, 1, 0.1),
        }
        one = asked(self._name(), "why?", context=self._draw.choice("xy"), **fields)
        await self.answers.keep(TENANT, [one, answer_draft(self._name(), **fields)])

    async def _hit(self) -> None:
        await self.answers.look_up(TENANT, key_of(self._name()), lease="one", lease_seconds=30)
        await there(self.answers, [self._name(), self._name()])

    async def _forget(self) -> None:
        await self.answers.forget(TENANT, [key_of(self._name())])

    async def _forget_made_from(self) -> None:
        if self._draw.random() < 0.1:
            await self.answers.forget_model(TENANT, self._draw.choice((MODEL, None)))
        elif self._draw.random() < 0.3:
            await self.answers.forget_made_from(TENANT, [self._draw.choice((GREEN, BLUE))])


@pytest.mark.parametrize("eviction", EVICTIONS)
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_bytes_stay_below_the_bound_and_every_count_is_right(
    redis: Redis, eviction: Eviction, seed: int
) -> None:
    traffic = Traffic(redis, eviction, seed)
    for _ in range(400):
        await traffic.go_on()

    async def all_that_ends_at_once_has_ended() -> bool:
        await traffic.answers.size(TENANT)
        seconds, _ = await redis.time()
        return await redis.zcount("memos:cache:{ada}:expiry", "-inf", (seconds + 60) * 1000) == 0

    await until(all_that_ends_at_once_has_ended)
    size = await traffic.answers.size(TENANT)
    assert size == await recounted(redis)
    assert size.evicted > 10
    assert await there(traffic.answers, range(60))
    assert await traffic.answers.forget_model(TENANT, None) <= size.entries
    assert (await traffic.answers.size(TENANT))[:3] == (0, 0, 0)
