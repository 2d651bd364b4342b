"""The LLM cache keeps answers until they end, and has one of those who ask for a missing one make it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Engines
from kept_answers import BLUE, GREEN, PREFIX, TENANT, answer_draft, answers_on, asked, key_of, recounted, there
from redis.asyncio import Redis
from running import until

from memos.client.redis import open_redis
from memos.errors import Unavailable
from memos.records import AnswerSource, CallUsage
from memos.stores.answers import RedisAnswers

KEY = key_of("a")


async def test_an_answer_is_found_as_it_was_kept(redis: Redis) -> None:
    answers = answers_on(redis)
    sources = [GREEN, AnswerSource("tool", "{odd}:name@2", 3), AnswerSource("fact", "ünïcode")]
    draft = answer_draft("a", sources=sources, usage=CallUsage("a/model:7b {x}", 3, 4, 0.25))

    [until_] = await answers.keep(TENANT, [draft])
    found = (await answers.look_up(TENANT, KEY)).answer

    assert found is not None
    assert (found.key, found.document, found.usage, found.sources) == (KEY, draft.document, draft.usage, sources)
    assert found.expires_at == until_
    assert found.expires_at - found.created_at == timedelta(seconds=600)
    assert (await answers.look_up_many(TENANT, [key_of("b"), KEY])) == [None, found]


async def test_an_answer_ends_up_to_the_jitter_sooner_than_asked(redis: Redis) -> None:
    draws = iter([0.0, 0.5, 1.0, 1.0])
    answers = answers_on(redis, jitter=0.1, draw=lambda: next(draws))

    await answers.keep(TENANT, [answer_draft(name) for name in "abc"] + [answer_draft("d", ttl=100)])

    lives = [
        one.expires_at - one.created_at for one in await answers.look_up_many(TENANT, [*map(key_of, "abcd")]) if one
    ]
    assert lives == [timedelta(seconds=seconds) for seconds in (600, 570, 540, 90)]


async def test_jitter_is_drawn_for_each_answer_and_stays_within_its_bounds(redis: Redis) -> None:
    answers = RedisAnswers(redis, answers_on(redis)._policy._replace(jitter=0.5))
    names = range(50)

    await answers.keep(TENANT, [answer_draft(name) for name in names])

    found = await answers.look_up_many(TENANT, [key_of(name) for name in names])
    lives = {one.expires_at - one.created_at for one in found if one}
    assert len(lives) > 40
    assert timedelta(seconds=299) < min(lives) < max(lives) <= timedelta(seconds=600)


async def test_what_has_ended_is_no_answer_and_leaves_the_accounts(redis: Redis) -> None:
    answers = answers_on(redis, jitter=1.0, draw=lambda: 1.0)  # ends at once
    await answers.keep(TENANT, [asked(name, "why?", sources=[GREEN]) for name in range(30)])

    async def ended() -> bool:
        return (await answers.look_up(TENANT, key_of(29))).answer is None

    await until(ended)
    assert await there(answers, range(30)) == []
    assert (await answers.size(TENANT))[:3] == (0, 0, 0)
    assert (await recounted(redis)) == await answers.size(TENANT)


async def test_an_answer_takes_the_place_of_the_one_before(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked("a", "why?", sources=[GREEN], size=5000)])
    await answers.keep(TENANT, [answer_draft("a", usage=CallUsage("other", 1, 1, 1.0))])

    assert (await answers.size(TENANT)) == await recounted(redis)
    assert (await answers.size(TENANT)).entries == 1


async def test_an_answer_in_place_of_another_has_the_sources_of_both(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [answer_draft("a", sources=[GREEN, BLUE])])
    await answers.keep(TENANT, [answer_draft("a", sources=[GREEN._replace(version=2)])])
    await answers.keep(TENANT, [answer_draft("a")])

    [kept] = await answers.look_up_many(TENANT, [KEY])
    assert kept is not None
    assert set(kept.sources) == {GREEN._replace(version=2), BLUE}
    assert (await answers.size(TENANT)) == await recounted(redis)
    assert [await answers.count_made_from(TENANT, [one]) for one in (GREEN, BLUE)] == [1, 1]


async def test_one_that_would_have_too_many_sources_takes_the_former_with_it(redis: Redis) -> None:
    answers = answers_on(redis)
    facts = [AnswerSource("fact", str(number)) for number in range(1100)]
    await answers.keep(TENANT, [answer_draft("a", sources=facts[:600])])

    assert await answers.keep(TENANT, [answer_draft("a", sources=facts[500:])]) == ["sources"]
    assert (await answers.size(TENANT)).entries == 0
    assert (await answers.size(TENANT)) == await recounted(redis)


async def test_one_that_is_too_large_is_not_kept_and_its_lease_is_given_back(redis: Redis) -> None:
    answers = answers_on(redis, answer_bytes=1000)
    assert (await answers.look_up(TENANT, KEY, lease="one", lease_seconds=30)).leased

    kept = await answers.keep(TENANT, [answer_draft("a", size=1000), answer_draft("b", size=10)], lease="one")

    assert kept[0] == "no-room"
    assert isinstance(kept[1], datetime)
    assert (await answers.look_up(TENANT, KEY, lease="two", lease_seconds=30)).leased


async def test_one_that_is_larger_than_all_there_is_room_for_is_not_kept(redis: Redis) -> None:
    answers = answers_on(redis, most_bytes=3000)
    await answers.keep(TENANT, [answer_draft("small")])

    assert await answers.keep(TENANT, [answer_draft("a", size=3000)]) == ["no-room"]
    assert await there(answers, ["small", "a"]) == ["small"]


async def test_of_a_stampede_one_is_given_the_lease(redis: Redis) -> None:
    answers = answers_on(redis)

    found = await asyncio.gather(
        *(answers.look_up(TENANT, KEY, lease=f"asker-{number}", lease_seconds=30) for number in range(200))
    )

    assert sum(one.leased for one in found) == 1
    assert sum(one.pending for one in found) == 199
    winner = next(number for number, one in enumerate(found) if one.leased)
    assert (await answers.look_up(TENANT, KEY, lease=f"asker-{winner}", lease_seconds=30)).leased


async def test_two_workers_see_the_same_lease_until_it_is_given_back(redis: Redis, engines: Engines) -> None:
    async with open_redis(engines.redis_url) as other:
        here, elsewhere = answers_on(redis), answers_on(other)
        assert (await here.look_up(TENANT, KEY, lease="one", lease_seconds=30)).leased
        assert (await elsewhere.look_up(TENANT, KEY, lease="two", lease_seconds=30)).pending

        await elsewhere.release(TENANT, KEY, "two")
        assert (await elsewhere.look_up(TENANT, KEY, lease="two", lease_seconds=30)).pending
        assert not await elsewhere.renew(TENANT, KEY, "two", 30)
        assert await here.renew(TENANT, KEY, "one", 30)

        await here.keep(TENANT, [answer_draft("a")], lease="one")
        assert (await elsewhere.look_up(TENANT, KEY, lease="two", lease_seconds=30)).answer
        assert (await elsewhere.look_up(TENANT, KEY, lease="two", lease_seconds=30, fresh=True)).leased


async def test_a_lease_that_is_not_renewed_is_another_s_to_take(redis: Redis) -> None:
    answers = answers_on(redis)
    assert (await answers.look_up(TENANT, KEY, lease="one", lease_seconds=0.001)).leased

    async def taken() -> bool:
        return (await answers.look_up(TENANT, KEY, lease="two", lease_seconds=30)).leased

    await until(taken)
    assert not await answers.renew(TENANT, KEY, "one", 30)


async def test_without_a_lease_nobody_is_told_to_wait(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.look_up(TENANT, KEY, lease="one", lease_seconds=30)

    assert (await answers.look_up(TENANT, key_of("b")))[:3] == (None, False, False)


@pytest.mark.parametrize(
    "damage",
    [
        ("DEL", "answer:{}"),
        ("HDEL", "answer:{}", "document"),
        ("HSET", "answer:{}", "created", "never"),
        ("DEL", "about"),
        ("HSET", "about", "{}", "no JSON"),
        ("HSET", "about", "{}", '{"model": 1}'),
        ("HSET", "about", "{}", "[1]"),
        ("HSET", "answer:{}", "created", "1e300"),
        ("ZREM", "expiry", "{}"),
    ],
)
async def test_an_answer_that_is_broken_is_a_miss_and_can_be_kept_anew(redis: Any, damage: tuple[str, ...]) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked("a", "why?", sources=[GREEN])])
    command, place, *words = damage
    await redis.execute_command(command, PREFIX + place.format(KEY), *(word.replace("{}", KEY) for word in words))

    assert await there(answers, ["a"]) == []
    assert (await answers.look_up(TENANT, KEY, lease="one", lease_seconds=30))[:3] == (None, True, False)
    await answers.keep(TENANT, [answer_draft("a")], lease="one")
    assert await there(answers, ["a"]) == ["a"]


async def test_accounts_that_were_lost_are_begun_anew_and_end_by_themselves(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked(name, "why?", sources=[GREEN]) for name in "abc"])
    await redis.delete(f"{PREFIX}totals")

    assert await answers.forget(TENANT, [key_of("a")]) == 1
    assert await redis.exists(f"{PREFIX}totals") == 0
    await answers.keep(TENANT, [answer_draft("d")])

    assert await there(answers, "abcd") == ["b", "c", "d"]
    assert [key async for key in redis.scan_iter() if await redis.pttl(key) < 0] == []


async def test_something_else_in_the_place_of_an_answer_is_a_miss(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [answer_draft("a")])
    await redis.set(f"{PREFIX}answer:{KEY}", "something else", ex=60)

    assert (await answers.look_up(TENANT, KEY)).answer is None
    assert (await answers.size(TENANT)) == await recounted(redis)


async def test_tenants_have_caches_of_their_own(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked("a", "why?", sources=[GREEN])])
    await answers.look_up(TENANT, key_of("b"), lease="one", lease_seconds=30)

    assert await there(answers, ["a"], tenant="bob") == []
    assert (await answers.look_up("bob", key_of("b"), lease="two", lease_seconds=30)).leased
    assert await answers.forget_made_from("bob", [GREEN]) == 0
    assert await answers.forget_model("bob", None) == 0
    assert await answers.questions("bob", "c", "words", 0, 10) == []
    assert (await answers.size("bob")).entries == 0
    assert await there(answers, ["a"]) == ["a"]


async def test_every_key_ends_by_itself_and_hashes_to_the_slot_of_its_tenant(redis: Redis) -> None:
    for eviction in ("lru", "lfu"):
        answers = answers_on(redis, eviction=eviction, most_bytes=30_000)
        await answers.keep(TENANT, [asked(name, "why?", sources=[GREEN]) for name in range(40)])
        await answers.look_up(TENANT, key_of("none"), lease="one", lease_seconds=30)
        await answers.forget(TENANT, [key_of(39)])
        keys = [key async for key in redis.scan_iter()]
        assert len(keys) > 10
        assert [key for key in keys if not 0 < await redis.pttl(key) <= 600_000] == []
        assert all(key.startswith(PREFIX.encode()) for key in keys)


async def test_a_cache_that_is_away_says_so(redis: Redis) -> None:
    async with open_redis("unix:///nowhere.sock", retries=0) as nowhere:
        answers = answers_on(nowhere)
        with pytest.raises(Unavailable, match="cache of answers"):
            await answers.look_up(TENANT, KEY)
        with pytest.raises(Unavailable):
            await answers.keep(TENANT, [answer_draft("a")])
