"""What is due in working memory: expired keys to be told, sessions kept aside, and agents to be looked at."""

import pytest
from redis.asyncio import Redis
from running import until
from sessions_kept import (
    DIGEST,
    KEY_BYTES,
    LIMITS,
    POLICY,
    SESSION,
    SESSION_STEPS,
    expire_key,
    expire_session,
    lasting_keys,
    origin,
    put,
    say,
    session,
    values,
)

from memos.ports import SessionChanges
from memos.records import EndedSession, ExpiredValue
from memos.stores.working import RedisWorking

pytest_plugins = ["working_fixtures"]

AGENT = "memos:working:{acme:cortex}"


async def texts(working: RedisWorking, ended: EndedSession, after: int = 0, limit: int = 100) -> list[str]:
    return [each.document["content"] for each in await working.ended_messages(ended, after, limit)]


async def untold(redis: Redis, count: int) -> None:
    """Have so many keys expired long ago of which nobody was told."""
    await redis.zadd(f"{AGENT}:expired", {f"{'0' * 32}:1:3:onek{number}": number for number in range(count)})
    await redis.expire(f"{AGENT}:expired", 60)


async def swept(working: RedisWorking) -> int:
    """How much is cleared away, in as many sweeps as it takes."""
    total = 0
    while cleared := await working.sweep(100):
        total += cleared
    return total


async def test_a_key_that_expired_is_told_until_it_was(working: RedisWorking, redis: Redis) -> None:
    odd = session("o:n}e", "cor:tex")
    for _ in range(2):
        await put(working, "k:ä", ttl=60, within=odd)
    await put(working, "other", within=odd)
    await expire_key(redis, working, "k:ä", odd)
    assert await working.expired(10) == []
    assert await swept(working) == 1
    (value,) = await working.expired(10)
    epoch = (await working.session(odd)).epoch
    assert value == ExpiredValue(odd, epoch, "k:ä", 2, value.expired_at)
    assert await RedisWorking(redis, POLICY, LIMITS).expired(10) == [value]
    await working.told([value])
    assert await working.expired(10) == []
    assert await swept(working) == 0
    assert await values(working, "k:ä", "other", within=odd) == {"other": 1}
    assert (await working.session(odd)).bytes == len("other1") + KEY_BYTES


async def test_a_key_that_a_write_found_expired_is_told_too(working: RedisWorking, redis: Redis) -> None:
    for key in ("set", "deleted"):
        await put(working, key, ttl=60)
        await expire_key(redis, working, key)
    await put(working, "set")
    await working.delete(origin(), DIGEST, SESSION, ["deleted"], None)
    assert sorted((each.key, each.version) for each in await working.expired(10)) == [("deleted", 1), ("set", 1)]


async def test_a_key_expires_by_itself_and_is_told(working: RedisWorking) -> None:
    await put(working, "brief", ttl=1)
    told: list[ExpiredValue] = []

    async def expired() -> bool:
        await working.sweep(10)
        told.extend(await working.expired(10))
        return bool(told)

    await until(expired)
    assert told[0].key == "brief"


async def test_a_session_that_expires_by_itself_is_kept_aside(working: RedisWorking) -> None:
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(ttl=1, promote="end"))
    await say(working, "a", "b")
    await put(working, "k")

    async def aside() -> bool:
        await working.sweep(10)
        return bool(await working.ended(10))

    await until(aside)
    (ended,) = await working.ended(10)
    assert (ended.reason, ended.promote) == ("expired", True)
    assert (ended.session.key, ended.session.messages, ended.session.keys) == (SESSION, 2, 1)
    assert await texts(working, ended) == ["a", "b"]


async def test_a_session_that_ended_is_given_until_it_is_forgotten(working: RedisWorking, redis: Redis) -> None:
    await say(working, *"abc")
    await put(working, "k")
    former = await working.session(SESSION)
    ended = await working.end(origin("end"), DIGEST, SESSION, promote=True)
    assert ended == EndedSession(former, "requested", promote=True)
    assert await working.end(origin("end"), DIGEST, SESSION, promote=True) == ended
    assert await working.end(origin(), DIGEST, SESSION, promote=True) is None
    await say(working, "new")
    assert await working.ended(10) == [ended]
    await working.promoted(former, 2)
    (again,) = await RedisWorking(redis, POLICY, LIMITS).ended(10)
    assert again.session.promoted_through == 2
    assert await texts(working, ended) == list("abc")
    assert await texts(working, ended, after=1, limit=1) == ["b"]
    await working.forget(ended)
    await working.forget(ended)
    assert await working.ended(10) == []
    assert await texts(working, ended) == []
    assert not [key async for key in redis.scan_iter(f"*{former.epoch}*")]
    assert (await working.session(SESSION)).messages == 1


@pytest.mark.parametrize(
    ("policy", "asked", "promoted"),
    [
        ("never", None, ""),
        ("never", True, "defgh"),
        ("window", None, "abc"),
        ("window", False, ""),
        ("window", True, "abcdefgh"),
        ("end", None, "abcdefgh"),
        ("end", False, ""),
    ],
)
async def test_what_of_an_ended_session_is_to_be_promoted(
    redis: Redis, working: RedisWorking, policy: str, asked: bool | None, promoted: str
) -> None:
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(promote=policy))  # type: ignore[arg-type]
    await say(working, *"abcdefgh")
    await working.end(origin(), DIGEST, SESSION, promote=asked)
    (ended,) = await working.ended(10)
    assert ended.promote == bool(promoted)
    assert "".join(await texts(working, ended)) == promoted
    assert ended.session.messages == (5 if policy == "never" else 8)


async def test_of_a_session_whose_messages_are_all_memories_nothing_is_to_be_promoted(
    working: RedisWorking,
) -> None:
    await put(working, "k")
    empty = await working.end(origin(), DIGEST, SESSION, promote=True)
    await say(working, "a", "b")
    await working.promoted(await working.session(SESSION), 2)
    done = await working.end(origin(), DIGEST, SESSION, promote=True)
    assert empty is not None
    assert done is not None
    assert [each.promote for each in (empty, done)] == [False, False]


def lost_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as lost; processes of other tests log beside it."""
    logged = [each for each in caplog.records if each.name.startswith("memos.stores.working")]
    return [each.getMessage().split(":")[0] for each in logged]


async def test_no_more_expired_keys_are_cleared_away_than_are_told(
    working: RedisWorking, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await put(working, "new", ttl=60)
    await untold(redis, 99_999)
    await expire_key(redis, working, "new")
    assert await working.sweep(10) == 1
    await put(working, "newer", ttl=60)
    await expire_key(redis, working, "newer")
    assert await swept(working) == 0
    await working.told(await working.expired(5000))
    assert await swept(working) == 1
    assert await redis.zcard(f"{AGENT}:expired") == 95_001
    assert lost_of(caplog) == []


async def test_of_expired_keys_that_nobody_asks_for_the_oldest_are_lost_which_is_logged(
    working: RedisWorking, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await untold(redis, 100_000)
    for key in "ab":
        await put(working, key, ttl=60)
        await expire_key(redis, working, key)
    await put(working, "a")
    await working.delete(origin(), DIGEST, SESSION, ["b"], None)
    assert [each.key for each in await working.expired(1)] == ["k2"]
    await swept(working)
    await swept(working)
    assert lost_of(caplog) == ["2 keys of agent acme"]


async def test_an_ended_session_that_is_put_off_is_left_out_for_a_while(working: RedisWorking) -> None:
    for each in ("one", "two"):
        await say(working, "m", within=session(each))
        await working.end(origin(), DIGEST, session(each), promote=True)
    first, second = await working.ended(10)
    assert await working.ended(1) == [first]
    await working.put_off(first.session, 60)
    assert await working.ended(10) == [second]
    await working.sweep(10)
    assert await working.ended(10) == [second]
    await working.put_off(first.session, 0)
    assert await working.ended(10) == [second, first]


async def test_keys_that_expired_before_their_session_are_told_and_those_that_went_with_it_are_not(
    working: RedisWorking, redis: Redis
) -> None:
    for key in ("before", "with"):
        await put(working, key, ttl=60)
    await put(working, "without")
    await expire_key(redis, working, "before")
    await expire_session(redis, working)
    assert await swept(working) == SESSION_STEPS + 1
    assert [each.key for each in await working.expired(10)] == ["before"]
    (ended,) = await working.ended(10)
    assert ended.session.keys == 2


async def test_room_is_given_back_once_it_is_swept(working: RedisWorking, redis: Redis) -> None:
    await put(working, "k", b"1" * 1000)
    await say(working, "m" * 100)
    await expire_session(redis, working)
    await swept(working)
    assert await redis.hget("memos:working:{acme:cortex}", "bytes") == b"0"
    assert await working.sessions("acme", "cortex", "", 10) == []


async def test_a_session_of_which_redis_dropped_the_keys_gives_back_its_room(
    working: RedisWorking, redis: Redis
) -> None:
    await put(working, "k", b"1" * 1000)
    epoch = (await working.session(SESSION)).epoch
    await redis.delete(*[key async for key in redis.scan_iter(f"*{epoch}*")])
    assert await working.sessions("acme", "cortex", "", 10) == []
    assert await put(working, "k", b"22") == 1
    assert await redis.hget("memos:working:{acme:cortex}", "bytes") == b"%d" % (3 + KEY_BYTES)
    assert await lasting_keys(redis) == set()
