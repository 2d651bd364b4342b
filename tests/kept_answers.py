"""Answers of models to be kept, and what a Redis has of them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from memos.records import AnswerDraft, AnswerSource, CachePolicy, CacheSize, CallUsage
from memos.stores.answers import RedisAnswers

TENANT = "ada"
PREFIX = f"memos:cache:{{{TENANT}}}:"
MODEL = "gpt"
EMBEDDING_MODEL = "words"
POLICY = CachePolicy(ttl=600, jitter=0.0, most_bytes=1_000_000, answer_bytes=100_000, eviction="lru")
GREEN = AnswerSource("memory", "00000000-0000-0000-0000-000000000001", 1)
BLUE = AnswerSource("memory", "00000000-0000-0000-0000-000000000002", 1)


def key_of(name: object) -> str:
    """The key of an answer."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def answer_draft(name: object, *, size: int = 100, **fields: Any) -> AnswerDraft:
    """An answer of about some bytes; its key follows from its name."""
    complete: dict[str, Any] = {
        "kind": "chat",
        "document": to_json({"said": "x" * size}),
        "usage": CallUsage(MODEL, 10, 20, 1.5),
        "ttl": None,
        "sources": [],
        **fields,
    }
    return AnswerDraft(key_of(name), **complete)


def asked(name: object, question: str, *, context: str = "c", **fields: Any) -> AnswerDraft:
    """An answer that questions find."""
    vector = bytes(range(8))
    about: dict[str, Any] = {
        "context": context,
        "question": question,
        "vector": vector,
        "embedding_model": EMBEDDING_MODEL,
    }
    return answer_draft(name, **about, **fields)


def answers_on(redis: Redis, *, draw: Callable[[], float] = lambda: 0.0, **policy: Any) -> RedisAnswers:
    """A cache with the policy of these tests, but for what is said."""
    return RedisAnswers(redis, POLICY._replace(**policy), draw=draw)


async def there(answers: RedisAnswers, names: Sequence[object], tenant: str = TENANT) -> list[object]:
    """Those of the names under which there is an answer; all of them count as used then."""
    found = await answers.look_up_many(tenant, [key_of(name) for name in names])
    return [name for name, answer in zip(names, found, strict=True) if answer]


async def recounted(redis: Any) -> CacheSize:
    """What the tenant's cache holds, counted anew from its entries; every index must agree with these."""
    about = {key: from_json(text) for key, text in (await redis.hgetall(f"{PREFIX}about")).items()}
    for order in ("expiry", "used"):
        assert set(await redis.zrange(f"{PREFIX}{order}", 0, -1)) == set(about)
    sets: defaultdict[bytes, set[bytes]] = defaultdict(set)
    groups: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for key, known in about.items():
        for name in (f"model:{known['model']}", *(f"source:{source}" for source, _ in known["sources"])):
            sets[f"{PREFIX}{name}".encode()].add(key)
        if known["group"]:
            groups[f"{PREFIX}questions:{known['group']}".encode()].add(key)
    kept = [key async for key in redis.scan_iter(f"{PREFIX}*") if not key.startswith(f"{PREFIX}barred:".encode())]
    assert {key for key in kept if b":source:" in key or b":model:" in key} == set(sets)
    assert {key for key in kept if b":questions:" in key} == set(groups)
    for place, members in sets.items():
        assert await redis.smembers(place) == members
    for place, members in groups.items():
        assert set(await redis.zrange(place, 0, -1)) == members
    bytes_ = sum(known["size"] for known in about.values())
    evicted = int(await redis.hget(f"{PREFIX}totals", "evicted") or 0)
    return CacheSize(len(about), bytes_, sum(map(len, groups.values())), evicted)
