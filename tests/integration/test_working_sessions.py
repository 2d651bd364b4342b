"""Sessions in Redis: how they begin, are kept and end, whose they are, and what they have room for."""

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from running import until
from sessions_kept import (
    DIGEST,
    KEY_BYTES,
    LIMITS,
    POLICY,
    SESSION,
    any_lasting,
    contents,
    expire_key,
    expire_session,
    lasting_keys,
    message,
    origin,
    put,
    say,
    session,
    values,
)

from memos.errors import NotFound, QuotaExceeded, TooLarge, Unavailable
from memos.ports import SessionChanges
from memos.records import SessionKey, ValueDraft
from memos.stores.working import RedisWorking

pytest_plugins = ["working_fixtures"]

ODD = ["a", "a:b", "a}", "{a}", "a%3Ab", "ä", "🦊", "a/b", "a b", "*"]


async def configure(working: RedisWorking, within: SessionKey = SESSION, **changes: object) -> None:
    await working.configure(origin(), DIGEST, within, SessionChanges(**changes))  # type: ignore[arg-type]


async def test_a_session_begins_with_its_first_write_as_the_settings_say(working: RedisWorking) -> None:
    with pytest.raises(NotFound, match="'one'"):
        await working.session(SESSION)
    await put(working, "a", b"12")
    kept = await working.session(SESSION)
    assert (kept.key, kept.policy, kept.keys, kept.bytes) == (SESSION, POLICY, 1, 3 + KEY_BYTES)
    assert (kept.messages, kept.newest, kept.summary) == (0, 0, None)
    assert kept.expires_at is not None
    assert (kept.expires_at - kept.updated_at).total_seconds() == POLICY.ttl


async def test_a_session_ends_its_ttl_after_the_last_write(working: RedisWorking, redis: Redis) -> None:
    await configure(working, ttl=1)
    await put(working, "a")
    assert (await working.session(SESSION)).keys == 1

    async def gone() -> bool:
        return await working.sessions("acme", "cortex", "", 10) == []

    await until(gone)
    assert await values(working, "a") == {}
    assert await working.page(SESSION, "", "", 10) == []
    with pytest.raises(NotFound):
        await working.session(SESSION)


async def test_a_write_moves_the_end_of_a_session_and_a_read_does_not(working: RedisWorking) -> None:
    await put(working, "a")
    first = (await working.session(SESSION)).expires_at

    async def moved() -> bool:
        await put(working, "a")
        return (await working.session(SESSION)).expires_at > first  # type: ignore[operator]

    await until(moved)
    before = await working.session(SESSION)
    await working.get(SESSION, ["a"])
    assert await working.session(SESSION) == before


async def test_a_session_that_expired_begins_anew_under_its_id(working: RedisWorking, redis: Redis) -> None:
    await put(working, "a")
    await say(working, "old")
    former = await working.session(SESSION)
    await expire_session(redis, working)
    assert await contents(working) == []
    assert await say(working, "new") == [1]
    kept = await working.session(SESSION)
    assert kept.epoch != former.epoch
    assert (kept.keys, await contents(working)) == (0, ["new"])
    (ended,) = await working.ended(10)
    assert (ended.session.epoch, ended.reason, ended.promote) == (former.epoch, "expired", False)


async def test_a_session_is_kept_as_it_is_configured(working: RedisWorking, redis: Redis) -> None:
    changes = SessionChanges(ttl=60, window_messages=3, window_tokens=9, promote="end")
    kept = await working.configure(origin(), DIGEST, SESSION, changes)
    assert kept.policy == (60, 3, 9, "end")
    await configure(working, window_tokens=10)
    assert (await working.session(SESSION)).policy == (60, 3, 10, "end")


async def test_only_a_lasting_session_is_without_an_end(working: RedisWorking, redis: Redis) -> None:
    await put(working, "a", within=session("brief"))
    await configure(working, lasting=True)
    await put(working, "a", ttl=60)
    await say(working, "m")
    kept = await working.session(SESSION)
    assert (kept.expires_at, kept.policy.ttl) == (None, None)
    ours = f"memos:working:{{acme:cortex}}:{kept.epoch}"
    brief = (await working.session(session("brief"))).epoch
    lasting = await lasting_keys(redis)
    assert {f"{ours}:{part}" for part in ("meta", "values", "keys", "expiries", "log")} <= lasting
    assert not {key for key in lasting if brief in key or "done" in key}
    assert "memos:working:due" not in lasting
    await configure(working, lasting=False)
    assert (await working.session(SESSION)).policy == POLICY
    assert await lasting_keys(redis) == set()
    assert not await any_lasting(redis)


async def test_ending_the_last_lasting_session_gives_all_keys_an_end(working: RedisWorking, redis: Redis) -> None:
    await configure(working, lasting=True, promote="end")
    await say(working, "m")
    assert await lasting_keys(redis) != set()
    await working.end(origin(), DIGEST, SESSION, promote=None)
    assert await lasting_keys(redis) == set()


async def test_keys_outlast_their_session_by_a_week_to_be_dealt_with(working: RedisWorking, redis: Redis) -> None:
    await put(working, "a", ttl=60)
    await say(working, "m")
    week = 7 * 86_400
    for key in [key async for key in redis.scan_iter("memos:working:*") if b"done" not in key]:
        if not key.endswith(b":registered"):
            assert week < await redis.ttl(key) <= week + 2 * 86_400, key
    done = [key async for key in redis.scan_iter("memos:working:*:done:*")]
    assert len(done) == 2
    assert all([590 < await redis.ttl(key) <= 600 for key in done])


async def test_sessions_are_listed_in_the_order_of_their_ids(working: RedisWorking, redis: Redis) -> None:
    roomy = RedisWorking(redis, POLICY, LIMITS._replace(agent_sessions=100))
    for each in ODD:
        await put(roomy, "a", within=session(each))
    await expire_session(redis, working, session("a:b"))
    found: list[str] = []
    while page := await working.sessions("acme", "cortex", found[-1] if found else "", 3):
        found += [each.key.session_id for each in page]
    assert found == sorted((each for each in ODD if each != "a:b"), key=str.encode)


async def test_tenants_and_agents_never_see_each_others_sessions(working: RedisWorking) -> None:
    for tenant in ODD:
        for agent in ODD:
            await put(working, "k", f'"{tenant} {agent}"'.encode(), within=session("one", agent, tenant))
    for tenant in ODD:
        for agent in ODD:
            one = session("one", agent, tenant)
            assert await values(working, "k", within=one) == {"k": f"{tenant} {agent}"}
            (kept,) = await working.sessions(tenant, agent, "", 10)
            assert (kept.key, kept.keys) == (one, 1)
    assert await working.end(origin(), DIGEST, session("one", "none"), promote=None) is None


async def test_what_is_larger_than_a_value_may_be_is_refused(working: RedisWorking) -> None:
    large = b'"%s"' % (b"x" * LIMITS.value_bytes)
    with pytest.raises(TooLarge, match=r"'a' has 1026 bytes.*at most 1024.*MEMOS_WORKING_VALUE_BYTES"):
        await working.set(origin(), DIGEST, SESSION, [ValueDraft("b", b"1"), ValueDraft("a", large)])
    with pytest.raises(TooLarge, match="A message"):
        await working.add_messages(origin(), DIGEST, SESSION, [message("x" * 1024)])
    await put(working, "l", b'["%s"]' % (b"x" * 1000))
    with pytest.raises(TooLarge, match="'l' of session 'one' with these items has 1026 bytes"):
        await working.append(origin(), DIGEST, SESSION, "l", items=[b'"0123456789012345678"'], ttl=None)
    assert (await working.session(SESSION)).keys == 1


async def test_a_session_has_room_for_so_many_bytes(working: RedisWorking) -> None:
    for number in range(13):
        await put(working, f"k{number:x}", b"1" * 1000)
    full = (await working.session(SESSION)).bytes
    with pytest.raises(QuotaExceeded, match=r"'one'.*16384 bytes.*MEMOS_WORKING_SESSION_BYTES"):
        await put(working, "kx", b"1" * 1000)
    await configure(working, promote="end", window_messages=100)
    with pytest.raises(QuotaExceeded):
        await say(working, "x" * 500)
    assert (await working.session(SESSION)).bytes == full
    await put(working, "k7", b"1" * 1001)
    assert await working.delete(origin(), DIGEST, SESSION, ["k0"], None) == ["k0"]
    assert await put(working, "kx", b"1" * 1000) == 2


async def test_a_session_has_room_for_so_many_keys(working: RedisWorking, redis: Redis) -> None:
    await working.set(origin(), DIGEST, SESSION, [ValueDraft(str(number), b"1", ttl=60) for number in range(50)])
    for refused in ([ValueDraft("x", b"1")], [ValueDraft("0", b"1"), ValueDraft("x", b"1")]):
        with pytest.raises(QuotaExceeded, match=r"50 keys.*MEMOS_WORKING_SESSION_KEYS"):
            await working.set(origin(), DIGEST, SESSION, refused)
    with pytest.raises(QuotaExceeded):
        await working.increment(origin(), DIGEST, SESSION, "x", by=1, ttl=None)
    await put(working, "0", b"2")
    await expire_key(redis, working, "1")
    await put(working, "x")
    assert (await working.session(SESSION)).keys == 50


async def test_an_agent_has_room_for_so_many_bytes(working: RedisWorking, redis: Redis) -> None:
    for number in range(19):
        await put(working, f"k{number}", b"1" * 1000, within=session(f"s{number % 2}"))
    with pytest.raises(QuotaExceeded, match=r"Agent 'cortex'.*24576 bytes.*MEMOS_WORKING_AGENT_BYTES"):
        await put(working, "x", b"1" * 1000)
    await put(working, "x", b"1" * 1000, within=session("one", "another"))
    await expire_session(redis, working, session("s0"))
    assert await put(working, "x", b"1" * 1000) == 1


async def test_an_agent_has_room_for_so_many_sessions(working: RedisWorking, redis: Redis) -> None:
    for number in range(4):
        await put(working, "a", within=session(str(number)))
    with pytest.raises(QuotaExceeded, match=r"4 sessions.*MEMOS_WORKING_AGENT_SESSIONS"):
        await say(working, "m")
    await expire_session(redis, working, session("2"))
    await say(working, "m")
    assert [each.key.session_id for each in await working.sessions("acme", "cortex", "", 10)] == [
        "0",
        "1",
        "3",
        "one",
    ]


async def test_sessions_that_nobody_deals_with_do_not_pile_up_without_end(working: RedisWorking) -> None:
    for number in range(10 * LIMITS.agent_sessions):
        await say(working, "m", within=session(str(number)))
        await working.end(origin(), DIGEST, session(str(number)), promote=True)
    with pytest.raises(QuotaExceeded, match="bulk lane"):
        await say(working, "m")
    for ended in await working.ended(3):
        await working.forget(ended)
    assert await say(working, "m") == [1]


async def test_what_is_written_when_redis_is_full_or_away_is_unavailable(
    working: RedisWorking, redis: Redis
) -> None:
    await put(working, "a")
    await redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Unavailable, match="Working memory"):
            await put(working, "b")
        assert await values(working, "a", "b") == {"a": 1}
        assert await working.delete(origin(), DIGEST, SESSION, ["a"], None) == ["a"]
    finally:
        await redis.config_set("maxmemory", "0")
    away = RedisWorking(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)), POLICY, LIMITS)
    with pytest.raises(Unavailable, match="See that Redis runs"):
        await away.get(SESSION, ["a"])


async def test_scripts_that_redis_forgot_are_sent_again(working: RedisWorking, redis: Redis) -> None:
    await put(working, "a")
    await redis.script_flush()
    assert await put(working, "a") == 2
    await redis.script_flush()
    assert await working.crowded(10) == []
