"""Whatever sessions hold, no script does more than a little: others wait for it. And what they hold is counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from sessions_kept import (
    DIGEST,
    KEY_BYTES,
    MESSAGE_BYTES,
    POLICY,
    SESSION,
    expire_session,
    message,
    now_ms,
    origin,
    put,
    say,
    session,
)

from memos.errors import QuotaExceeded
from memos.ports import SessionChanges
from memos.records import KeptSummary, SessionKey, ValueDraft, WorkingLimits
from memos.stores.working import RedisWorking
from memos.stores.working_keys import Agent

pytest_plugins = ["working_fixtures"]

ROOMY = WorkingLimits(1024, 10_000_000, 5000, 20_000_000, 100)
MANY = 3000
A_FEW = 500
"""Commands to Redis that whatever is done to a session of `MANY` keys and messages takes at most.

It takes less than 100; the rest leaves room for what workers of other tests ask Redis meanwhile."""


@pytest.fixture
def roomy(working: RedisWorking, redis: Redis) -> RedisWorking:
    return RedisWorking(redis, POLICY._replace(promote="window"), ROOMY)


@asynccontextmanager
async def few_commands(redis: Redis, most: int = A_FEW) -> AsyncIterator[None]:
    """Fail when more commands are done meanwhile, those of scripts too."""
    await redis.config_resetstat()
    yield
    stats: Any = await redis.info("commandstats")
    assert sum(each["calls"] for each in stats.values()) <= most


async def fill(working: RedisWorking, within: SessionKey = SESSION) -> None:
    """Have a session hold `MANY` keys that expire, and as many messages."""
    for number in range(0, MANY, 1000):
        drafts = [ValueDraft(f"k{number + each}", b"1", ttl=60) for each in range(1000)]
        await working.set(origin(), DIGEST, within, drafts)
        await working.add_messages(origin(), DIGEST, within, [message("m")] * 1000)


async def expire_keys(redis: Redis, working: RedisWorking, within: SessionKey = SESSION) -> None:
    """Have all keys of a session expired a second ago."""
    part = f"{Agent.of(within).key}:{(await working.session(within)).epoch}"
    texts: Any = await redis.hgetall(f"{part}:values")
    moment = await now_ms(redis) - 1000
    changed = {}
    for key, text in texts.items():
        version, updated, _, length, json = text.split(b"|", 4)
        changed[key] = b"|".join((version, updated, b"%d" % moment, length, json))
    await redis.hset(f"{part}:values", mapping=changed)
    await redis.zadd(f"{part}:expiries", dict.fromkeys(texts, moment))
    await redis.zadd(f"{Agent.of(within).key}:due", {part.rsplit(":", 1)[1]: moment})
    await redis.zadd("memos:working:due", {Agent.of(within).name: moment})


async def test_a_session_with_many_expired_keys_is_ended_in_a_few_steps_and_all_are_told(
    roomy: RedisWorking, redis: Redis
) -> None:
    await fill(roomy)
    await expire_keys(redis, roomy)
    async with few_commands(redis):
        await roomy.end(origin(), DIGEST, SESSION, promote=True)
    assert await roomy.expired(1) == []
    assert await roomy.ended(1) == []
    told: list[str] = []
    while cleared := await roomy.sweep(500):
        assert cleared <= 500
        found = await roomy.expired(500)
        assert len(found) <= 500
        told += [each.key for each in found]
        await roomy.told(found)
    assert sorted(told) == sorted(f"k{number}" for number in range(MANY))
    (ended,) = await roomy.ended(1)
    assert (ended.session.keys, ended.session.messages) == (0, MANY)
    messages = MANY * (MESSAGE_BYTES + len('{"role":"user","content":"m"}'))
    assert int(await redis.hget(Agent.of(SESSION).key, "aside") or 0) == messages
    await roomy.forget(ended)
    await roomy.sweep(10)
    assert [key async for key in redis.scan_iter("memos:working:{*") if b":done:" not in key] == []


async def test_sessions_that_expire_together_with_many_keys_are_put_aside_in_small_steps(
    roomy: RedisWorking, redis: Redis
) -> None:
    for each in "ab":
        await fill(roomy, session(each))
        await expire_keys(redis, roomy, session(each))
        await expire_session(redis, roomy, session(each))
    async with few_commands(redis, most=800):
        assert await roomy.sweep(256) == 256


async def test_a_write_that_finds_no_room_clears_away_a_little_and_finds_room_later(
    redis: Redis, working: RedisWorking
) -> None:
    full = MANY * (len("k000") + 2 + KEY_BYTES + MESSAGE_BYTES + 30)
    tight = RedisWorking(redis, POLICY._replace(promote="window"), ROOMY._replace(session_bytes=full))
    await fill(tight)
    await expire_keys(redis, tight)
    async with few_commands(redis):
        with pytest.raises(QuotaExceeded):
            await tight.add_messages(origin(), DIGEST, SESSION, [message("x" * 900)] * 300)
    assert len(await tight.expired(MANY)) == 400
    while await tight.sweep(1000):
        pass
    assert await tight.add_messages(origin(), DIGEST, SESSION, [message("x" * 900)] * 300)


async def test_keys_that_expired_take_no_place_of_others(redis: Redis, working: RedisWorking) -> None:
    tight = RedisWorking(redis, POLICY._replace(promote="window"), ROOMY._replace(session_keys=MANY))
    await fill(tight)
    with pytest.raises(QuotaExceeded):
        await put(tight, "new")
    await expire_keys(redis, tight)
    drafts = [ValueDraft(f"n{each}", b"1") for each in range(1000)]
    assert len(await tight.set(origin(), DIGEST, SESSION, drafts)) == 1000


async def test_many_messages_leave_a_log_in_a_few_steps(roomy: RedisWorking, redis: Redis) -> None:
    await fill(roomy)
    async with few_commands(redis):
        (crowded,) = await roomy.crowded(1)
    assert crowded.through == MANY - POLICY.window_messages
    await roomy.promoted(crowded.session, MANY)
    summary = KeptSummary(
        text="s", through=MANY - 9, message_ids=[], model="m", updated_at=crowded.session.created_at
    )
    async with few_commands(redis):
        assert await roomy.leave(crowded.session, MANY - 9, summary)
    async with few_commands(redis):
        await roomy.configure(origin(), DIGEST, SESSION, SessionChanges(promote="never"))
    assert [each.sequence for each in await roomy.messages(SESSION, after=0)] == list(range(MANY - 4, MANY + 1))


async def test_at_most_a_thousand_messages_are_read_together(roomy: RedisWorking) -> None:
    await fill(roomy)
    found = await roomy.messages(SESSION, after=0)
    assert [each.sequence for each in found] == list(range(1, 1001))


async def test_a_page_is_complete_though_many_keys_before_it_expired(roomy: RedisWorking, redis: Redis) -> None:
    await fill(roomy)
    await expire_keys(redis, roomy)
    await put(roomy, "k9999")
    assert [each.key for each in await roomy.page(SESSION, "k", "", 10)] == ["k9999"]


async def test_what_is_counted_is_about_what_redis_takes(roomy: RedisWorking, redis: Redis) -> None:
    await fill(roomy)
    kept = await roomy.session(SESSION)
    part = f"{Agent.of(SESSION).key}:{kept.epoch}"
    names = [f"{part}:{name}" for name in ("values", "keys", "expiries", "log")]
    taken = sum([await redis.memory_usage(name, samples=0) or 0 for name in names])
    assert kept.bytes / 1.5 < taken < kept.bytes * 1.5


async def test_what_is_remembered_of_a_command_is_small(roomy: RedisWorking, redis: Redis) -> None:
    await say(roomy, *"abcdef")
    kept = await roomy.session(SESSION)
    await roomy.promoted(kept, 6)
    text = "s" * 50_000
    summary = KeptSummary(text=text, through=3, message_ids=[], model="m", updated_at=kept.created_at)
    await roomy.leave(kept, 3, summary)
    drafts = [ValueDraft("k" * 200 + str(each), b"1", ttl=60) for each in range(1000)]
    once = origin("once")
    first = await roomy.set(once, DIGEST, SESSION, drafts)
    assert await roomy.set(once, DIGEST, SESSION, drafts) == first
    configured = await roomy.configure(origin(), DIGEST, SESSION, SessionChanges(ttl=60))
    assert configured.summary is None
    assert (await roomy.sessions("acme", "cortex", "", 1))[0].summary is None
    assert await roomy.delete(origin(), DIGEST, SESSION, [draft.key for draft in drafts], None)
    await roomy.end(origin(), DIGEST, SESSION, promote=True)
    sizes = [await redis.memory_usage(key) async for key in redis.scan_iter("*:done:*")]
    assert len(sizes) == 5
    assert all(size is not None and size < 6000 for size in sizes)
    (ended,) = await roomy.ended(1)
    assert ended.session.summary == summary
