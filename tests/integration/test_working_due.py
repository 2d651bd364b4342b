"""Who looks at an agent of working memory, and when: what is due is due to somebody, whoever dies on the way."""

from typing import cast

from redis.asyncio import Redis
from sessions_kept import (
    DIGEST,
    SESSION,
    SESSION_STEPS,
    expire_key,
    expire_session,
    now_ms,
    origin,
    put,
    say,
    session,
)

from memos.ports import SessionChanges
from memos.records import ValueDraft
from memos.stores.lua import Run, run
from memos.stores.working import RedisWorking
from memos.stores.working_keys import DUE, Agent

pytest_plugins = ["working_fixtures"]

AGENT = "memos:working:{acme:cortex}"


async def swept(working: RedisWorking) -> int:
    """How much is cleared away, in as many sweeps as it takes."""
    total = 0
    while cleared := await working.sweep(100):
        total += cleared
    return total


async def claim(working: RedisWorking, redis: Redis) -> tuple[bytes, list[bytes]]:
    """Claim agents as a sweep does, and go no further; return the lease, and who they are."""
    _, lease, names = await run(redis, Run(working._scripts["claim"], DUE, ("", 10)))
    return lease, names


async def test_a_sweep_clears_so_much_and_the_next_goes_on(working: RedisWorking, redis: Redis) -> None:
    agents = [f"agent {number}" for number in range(120)]
    for agent in agents:
        await put(working, "k", within=session("one", agent))
        await expire_session(redis, working, session("one", agent))
    first = await working.sweep(10)
    assert 10 <= first <= 100 * SESSION_STEPS
    assert first + await swept(working) == 120 * SESSION_STEPS
    assert {each.session.key.agent_id for each in await working.ended(1000)} == set(agents)
    assert len(await working.ended(105)) == 105


async def test_a_sweep_that_died_is_made_up_for(working: RedisWorking, redis: Redis) -> None:
    await put(working, "k")
    await expire_session(redis, working)
    await claim(working, redis)
    assert await working.sweep(10) == 0
    due = await redis.zscore(DUE, "acme:cortex")
    assert due is not None
    assert 50_000 < due - await now_ms(redis) <= 60_001
    await redis.zadd(DUE, {"acme:cortex": 0})
    assert await working.sweep(10) == SESSION_STEPS


async def test_a_write_while_its_agent_is_swept_is_looked_at_when_it_is_due(
    working: RedisWorking, redis: Redis
) -> None:
    await put(working, "k")
    await redis.zadd(DUE, {"acme:cortex": 0})
    lease, names = await claim(working, redis)
    await redis.delete("memos:working:{acme:cortex}:registered")
    await put(working, "brief", ttl=30)
    sooner = await redis.zscore(DUE, names[0])
    assert sooner is not None
    assert sooner < float(lease)
    await working._sweep_claimed(lease, names, 10)
    assert await redis.zscore(DUE, names[0]) == sooner


async def test_a_write_between_a_sweep_and_its_end_stays_registered(working: RedisWorking, redis: Redis) -> None:
    await put(working, "k")
    await working.end(origin(), DIGEST, SESSION, promote=False)
    await redis.zadd(DUE, {"acme:cortex": 0})
    for ended in await working.ended(10):
        await working.forget(ended)
    lease, names = await claim(working, redis)
    call = working._call("sweep", Agent.named(names[0]), 10)
    assert (await run(redis, call))[1] == []
    await put(working, "later", ttl=600, within=session("two"))
    settling = Run(working._scripts["register"], DUE, (lease, names[0], b"", b""))
    await run(redis, settling)
    due = await redis.zscore(DUE, names[0])
    assert due is not None
    assert due <= await now_ms(redis) + 600_000


async def test_a_write_that_died_before_its_agent_was_registered_is_made_up_for_by_its_repetition(
    working: RedisWorking, redis: Redis
) -> None:
    await say(working, "m")
    once = origin("once")
    await working.end(once, DIGEST, SESSION, promote=True)
    await redis.delete(DUE, "memos:working:{acme:cortex}:registered")
    assert await working.ended(10) == []
    await working.end(once, DIGEST, SESSION, promote=True)
    assert len(await working.ended(10)) == 1


async def test_the_repetition_of_a_write_registers_it_though_something_later_is_known(
    working: RedisWorking, redis: Redis
) -> None:
    await put(working, "k")
    once, drafts = origin("once"), [ValueDraft("brief", b"1", ttl=60)]
    known = await redis.zscore(DUE, "acme:cortex")
    assert known is not None
    await working.set(once, DIGEST, SESSION, drafts)
    await redis.zadd(DUE, {"acme:cortex": known})
    await redis.set(f"{AGENT}:registered", int(known), px=60_000)
    await working.set(once, DIGEST, SESSION, drafts)
    due = await redis.zscore(DUE, "acme:cortex")
    assert due is not None
    assert due <= await now_ms(redis) + 60_000


async def test_nothing_is_left_of_an_agent_when_all_is_dealt_with(working: RedisWorking, redis: Redis) -> None:
    await put(working, "brief", ttl=60)
    await expire_key(redis, working, "brief")
    await say(working, "m")
    await working.sweep(10)
    await working.end(origin(), DIGEST, SESSION, promote=True)
    await working.told(await working.expired(10))
    for ended in await working.ended(10):
        await working.forget(ended)
    await working.sweep(10)
    left = [key async for key in redis.scan_iter("memos:working:*") if b":done:" not in key]
    assert left == []


async def test_lives_of_one_millisecond_are_dealt_with_in_their_order(working: RedisWorking, redis: Redis) -> None:
    contents = list("abcdef")
    for content in contents:
        await say(working, content)
        await working.end(origin(), DIGEST, SESSION, promote=True)
    [aside] = [key async for key in redis.scan_iter("memos:working:*:aside")]
    ended = cast("list[bytes]", await redis.zrange(aside, 0, -1))
    await redis.zadd(aside, dict.fromkeys(ended, 1.0))
    lives = await working.ended(10)
    assert [(await working.ended_messages(each, 0, 9))[0].document["content"] for each in lives] == contents
    assert await working.ended(3) == lives[:3]


async def test_the_lives_of_an_id_are_dealt_with_in_their_order(working: RedisWorking) -> None:
    for content in "abc":
        await say(working, content)
        await working.end(origin(), DIGEST, SESSION, promote=True)
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(window_messages=1, promote="window"))
    await say(working, "d", "e")
    live = await working.session(SESSION)
    lives = await working.ended(10)
    assert [[m.document["content"] for m in await working.ended_messages(each, 0, 9)] for each in lives] == [
        ["a"],
        ["b"],
        ["c"],
    ]
    assert [await working.waits(each.session) for each in lives] == [False, True, True]
    assert await working.waits(live)
    assert await working.crowded(10) == []
    await working.put_off(lives[0].session, 60)
    assert await working.ended(10) == []
    await working.put_off(lives[0].session, 0)
    assert await working.ended(1) == lives[:1]
    for each in lives:
        assert not await working.waits(each.session)
        await working.forget(each)
    assert not await working.waits(live)
    assert [each.session.key for each in await working.crowded(10)] == [SESSION]
