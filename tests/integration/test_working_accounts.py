"""Whatever is done to sessions, in whatever order, their accounts are of what is kept, and all keys have an end."""

from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis
from sessions_kept import (
    DIGEST,
    KEY_BYTES,
    LIMITS,
    MESSAGE_BYTES,
    POLICY,
    expire_key,
    expire_session,
    lasting_keys,
    message,
    origin,
    session,
)

from memos.errors import Conflict, NotFound, QuotaExceeded
from memos.ports import SessionChanges
from memos.records import KeptSummary, SessionKey, ValueDraft
from memos.stores.working import RedisWorking

pytest_plugins = ["working_fixtures"]

AGENT = "memos:working:{acme:cortex}"
STEPS = 150


class Deeds:
    """Things done at random to a few sessions of an agent."""

    def __init__(self, working: RedisWorking, redis: Redis, seed: int) -> None:
        self.working = working
        self.redis = redis
        self.random = Random(seed)  # noqa: S311

    async def one(self) -> None:
        deeds = [self.set, self.set, self.grow, self.say, self.say, self.delete, self.end, self.expire, self.clear]
        try:
            await self.random.choice([*deeds, self.configure, self.leave])(session(self.random.choice("abcde")))
        except (Conflict, NotFound, QuotaExceeded):
            return

    async def set(self, within: SessionKey) -> None:
        keys = self.random.sample("klmnopq", self.random.randint(1, 4))
        drafts = [ValueDraft(key, self.json(), self.random.choice([None, 60])) for key in keys]
        await self.working.set(origin(), DIGEST, within, drafts)

    async def grow(self, within: SessionKey) -> None:
        key = self.random.choice("klmn")
        if self.random.random() < 0.5:
            await self.working.append(origin(), DIGEST, within, key, items=[self.json()], ttl=None)
        else:
            await self.working.increment(origin(), DIGEST, within, key, by=10**9, ttl=60)

    async def say(self, within: SessionKey) -> None:
        sizes = [self.random.randint(1, 300) for _ in range(self.random.randint(1, 8))]
        await self.working.add_messages(origin(), DIGEST, within, [message("m" * each, each) for each in sizes])

    async def delete(self, within: SessionKey) -> None:
        await self.working.delete(origin(), DIGEST, within, ["k", "l"], None)

    async def end(self, within: SessionKey) -> None:
        await self.working.end(origin(), DIGEST, within, self.random.choice([None, True, False]))

    async def expire(self, within: SessionKey) -> None:
        page = await self.working.page(within, "", "", 10)
        brief = [each.key for each in page if each.expires_at]
        if brief:
            await expire_key(self.redis, self.working, brief[0], within)
        elif (await self.working.session(within)).expires_at:
            await expire_session(self.redis, self.working, within)

    async def clear(self, within: SessionKey) -> None:
        await self.working.sweep(self.random.randint(1, 5))
        await self.working.told(await self.working.expired(3))
        for ended in (await self.working.ended(10))[:2]:
            await self.working.forget(ended)

    async def configure(self, within: SessionKey) -> None:
        promote = self.random.choice(["never", "window", "end", None])
        lasting = self.random.choice([True, False, None])
        changes = SessionChanges(lasting=lasting, promote=promote, window_messages=self.random.randint(2, 9))  # type: ignore[arg-type]
        await self.working.configure(origin(), DIGEST, within, changes)

    async def leave(self, within: SessionKey) -> None:
        kept = await self.working.session(within)
        former, through = kept.summary.through if kept.summary else 0, self.random.randint(1, 9)
        text = "s" * self.random.randint(1, 99)
        summary = KeptSummary(text=text, through=through, message_ids=[], model="m", updated_at=kept.updated_at)
        await self.working.promoted(kept, kept.newest - 2)
        onto = self.random.choice([0, former])
        await self.working.leave(kept, kept.newest - 1, self.random.choice([summary, None]), onto=onto)

    def json(self) -> bytes:
        return self.random.choice([b"1", b"[]", b'"text"', b"[1,2]", b'{"a":"%s"}' % (b"x" * 300)])


async def account(redis: Redis, epoch: str) -> int:
    """The bytes that a session has, as they are kept, be it aside or not."""
    values: Any = await redis.hgetall(f"{AGENT}:{epoch}:values")
    log: Any = await redis.lrange(f"{AGENT}:{epoch}:log", 0, -1)
    summary: Any = await redis.hget(f"{AGENT}:{epoch}:meta", "summary") or b""
    size = sum(len(key) + len(text.split(b"|", 4)[4]) + KEY_BYTES for key, text in values.items())
    assert set(values) == set(await redis.zrange(f"{AGENT}:{epoch}:keys", 0, -1))
    brief = {key for key, text in values.items() if text.split(b"|", 4)[2]}
    assert brief == set(await redis.zrange(f"{AGENT}:{epoch}:expiries", 0, -1))
    return size + sum(len(each.split(b"|", 3)[3]) + MESSAGE_BYTES for each in log) + len(summary)


async def check(working: RedisWorking, redis: Redis) -> None:
    sessions: Any = await redis.hgetall(f"{AGENT}:sessions")
    sizes = {epoch: await account(redis, epoch.decode()) for epoch in sessions.values()}
    hashed: Any = await redis.hgetall(AGENT)
    assert {epoch: int(hashed.get(epoch, 0)) for epoch in sizes} == sizes
    assert int(hashed.get(b"bytes", 0)) == sum(sizes.values())
    aside: Any = await redis.zrange(f"{AGENT}:aside", 0, -1)
    left = {epoch: await account(redis, epoch.decode()) for epoch in aside}
    assert {epoch: int(hashed.get(epoch, 0)) for epoch in left} == left
    assert int(hashed.get(b"aside", 0)) == sum(left.values())
    assert set(await redis.hkeys(f"{AGENT}:lives")) == {*sizes, *left}
    kept = await working.sessions("acme", "cortex", "", 10)
    for each in kept:
        messages = await working.messages(each.key, after=0)
        assert (len(messages), sum(m.tokens for m in messages)) == (each.messages, each.tokens)
        assert [m.sequence for m in messages] == list(range(each.newest - each.messages + 1, each.newest + 1))
    if not int(hashed.get(b"lasting", 0)):
        assert await lasting_keys(redis) == set()


@pytest.mark.parametrize("seed", range(4))
async def test_accounts_are_right_after_each_of_many_deeds(working: RedisWorking, redis: Redis, seed: int) -> None:
    deeds = Deeds(RedisWorking(redis, POLICY, LIMITS), redis, seed)
    for _ in range(STEPS):
        await deeds.one()
        await check(working, redis)
    for each in await working.sessions("acme", "cortex", "", 10):
        await working.end(origin(), DIGEST, each.key, promote=False)
    assert await lasting_keys(redis) == set()
