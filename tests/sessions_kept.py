"""What tests of working memory in Redis write and read, with small limits, and time that can be let pass."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from memos.records import MessageDraft, Origin, SessionKey, SessionPolicy, ValueDraft, WorkingLimits
from memos.stores.working import RedisWorking
from memos.stores.working_keys import Agent

POLICY = SessionPolicy(ttl=3600, window_messages=5, window_tokens=100, promote="never")
LIMITS = WorkingLimits(
    value_bytes=1024, session_bytes=16_384, session_keys=50, agent_bytes=24_576, agent_sessions=4
)
KEY_BYTES = 256
MESSAGE_BYTES = 32
SESSION_STEPS = 8
"""What a session that expired counts when it is cleared away."""
SESSION = SessionKey("acme", "cortex", "one")
DIGEST = b"1" * 32
OTHER_DIGEST = b"2" * 32


def origin(command_id: str | None = None) -> Origin:
    return Origin("acme", "tests", command_id or uuid4().hex)


def session(session_id: str, agent_id: str = "cortex", tenant: str = "acme") -> SessionKey:
    return SessionKey(tenant, agent_id, session_id)


def message(content: str, tokens: int = 1) -> MessageDraft:
    return MessageDraft({"role": "user", "content": content}, tokens)


async def put(
    working: RedisWorking, key: str, json: bytes = b"1", *, within: SessionKey = SESSION, **more: Any
) -> int:
    """Set a key; return its version."""
    (kept,) = await working.set(origin(), DIGEST, within, [ValueDraft(key, json, **more)])
    return kept.version


async def say(
    working: RedisWorking, *contents: str, within: SessionKey = SESSION, tokens: int = 1
) -> Sequence[int]:
    """Append messages; return their numbers."""
    drafts = [message(content, tokens) for content in contents]
    return (await working.add_messages(origin(), DIGEST, within, drafts)).sequences


async def contents(working: RedisWorking, within: SessionKey = SESSION) -> list[str]:
    return [each.document["content"] for each in await working.messages(within, after=0)]


async def values(working: RedisWorking, *keys: str, within: SessionKey = SESSION) -> dict[str, Any]:
    return {each.key: each.value for each in await working.get(within, keys)}


async def lasting_keys(redis: Redis) -> set[str]:
    """Keys of working memory without a TTL."""
    keys = [key async for key in redis.scan_iter("memos:working:*")]
    return {key.decode() for key in keys if await redis.ttl(key) == -1}


async def any_lasting(redis: Redis) -> bool:
    """Whether an agent has sessions that are lasting."""
    agents = [key async for key in redis.scan_iter("memos:working:*}")]
    return any([int(await redis.hget(key, "lasting") or 0) for key in agents])


async def expire_session(redis: Redis, working: RedisWorking, key: SessionKey = SESSION) -> datetime:
    """Have a session expired a second ago, as if time had passed; return the moment."""
    agent = Agent.of(key)
    kept = await working.session(key)
    moment = await now_ms(redis) - 1000
    await redis.hset(f"{agent.key}:{kept.epoch}:meta", "expires", moment)
    await due(redis, agent, kept.epoch, moment)
    return datetime.fromtimestamp(moment / 1000, tz=kept.created_at.tzinfo)


async def expire_key(redis: Redis, working: RedisWorking, name: str, key: SessionKey = SESSION) -> None:
    """Have a key that has a TTL expired a second ago."""
    agent = Agent.of(key)
    epoch = (await working.session(key)).epoch
    part, moment = f"{agent.key}:{epoch}", await now_ms(redis) - 1000
    text: Any = await redis.hget(f"{part}:values", name)
    version, updated, _, length, json = text.split(b"|", 4)
    await redis.hset(f"{part}:values", name, b"|".join((version, updated, b"%d" % moment, length, json)))
    await redis.zadd(f"{part}:expiries", {name: moment})
    await due(redis, agent, epoch, moment)


async def due(redis: Redis, agent: Agent, epoch: str, moment: int) -> None:
    """Have an agent be looked at since a moment."""
    await redis.zadd(f"{agent.key}:due", {epoch: moment})
    await redis.zadd("memos:working:due", {agent.name: moment})


async def now_ms(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return int(seconds) * 1000 + int(micros) // 1000
