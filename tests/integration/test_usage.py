"""The account of calls of models: by day, model, agent and kind, and what of it is written when."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from running import until

from memos.client.redis import open_redis
from memos.errors import Unavailable
from memos.records import Call, CallUsage
from memos.stores.usage import RedisUsage, open_usage, today

DAY = date(2026, 5, 14)
ODD = 'a "model":{with}\n☃'


def call(agent_id: str = "ada", outcome: Any = "miss", model: str = "gpt", **fields: Any) -> Call:
    """A call of 10 and 20 tokens that took 1.5 seconds."""
    return Call(agent_id, fields.pop("kind", "chat"), outcome, CallUsage(model, 10, 20, 1.5), **fields)


def usage_on(redis: Redis, day: date = DAY, days: int = 400) -> RedisUsage:
    return RedisUsage(redis, days, today=lambda: day)


async def counts(usage: RedisUsage, tenant: str = "t", day: date = DAY) -> Mapping[tuple[str, str, str], Any]:
    """What a day has, by model, agent and kind."""
    return {(one.model, one.agent_id, one.kind): one.counts for one in await usage.read(tenant, day, day)}


async def test_calls_are_counted_by_model_agent_and_kind(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call(), call(), call("bob"), call(model=ODD), call(kind="embeddings")])

    found = await counts(usage)

    one = {"misses": 1, "calls": 1, "prompt_tokens": 10, "completion_tokens": 20, "upstream_seconds": 1.5}
    assert found == {
        ("gpt", "ada", "chat"): {name: 2 * count for name, count in one.items()},
        ("gpt", "bob", "chat"): one,
        (ODD, "ada", "chat"): one,
        ("gpt", "ada", "embeddings"): one,
    }


async def test_hits_save_what_they_would_have_cost_and_errors_save_nothing(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call(outcome="hit"), call(outcome="semantic"), call("eve", "error")])

    found = await counts(usage)

    assert found["gpt", "ada", "chat"] == {
        "hits": 1,
        "semantic_hits": 1,
        "saved_prompt_tokens": 20,
        "saved_completion_tokens": 40,
        "saved_seconds": 3.0,
    }
    assert found["gpt", "eve", "chat"]["errors"] == 1
    assert not any(name.startswith("saved") for name in found["gpt", "eve", "chat"])


async def test_those_who_shared_an_answer_had_hits_and_those_who_shared_an_error_had_errors(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call(shared={"ada": 1, "bob": 3}), call("eve", "error", shared={"eve": 2})])

    found = await counts(usage)

    assert (found["gpt", "ada", "chat"]["misses"], found["gpt", "ada", "chat"]["hits"]) == (1, 1)
    assert (found["gpt", "bob", "chat"]["hits"], found["gpt", "bob", "chat"]["saved_prompt_tokens"]) == (3, 30)
    assert found["gpt", "eve", "chat"]["errors"] == 3
    assert found["gpt", "eve", "chat"]["calls"] == 1


async def test_those_who_shared_what_was_cached_already_are_counted_without_a_call(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call(outcome="none", shared={"bob": 2})])

    found = await counts(usage)

    assert list(found) == [("gpt", "bob", "chat")]
    assert found["gpt", "bob", "chat"]["hits"] == 2


async def test_days_are_read_in_order_and_narrowed_down(redis: Redis) -> None:
    for day in range(3):
        usage = usage_on(redis, DAY + timedelta(days=day))
        await usage.count("t", [call("bob"), call("ada"), call("ada", model="other", kind="embeddings")])
        await usage.write()
    usage = usage_on(redis, DAY + timedelta(days=2))

    found = await usage.read("t", DAY + timedelta(days=1), date.max)
    assert [(one.day.day, one.model, one.agent_id) for one in found] == [
        (day, *row) for day in (15, 16) for row in (("gpt", "ada"), ("gpt", "bob"), ("other", "ada"))
    ]
    assert {one.agent_id for one in await usage.read("t", date.min, date.max, agent_id="bob")} == {"bob"}
    assert {one.model for one in await usage.read("t", DAY, DAY, model="other")} == {"other"}
    assert [one.day for one in await usage.read("t", date.min, DAY, kind="embeddings")] == [DAY]


async def test_tenants_have_accounts_of_their_own(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call()])

    assert await counts(usage, "other") == {}
    assert len(await counts(usage)) == 1


async def test_several_workers_add_to_one_account(redis: Redis) -> None:
    workers = [usage_on(redis) for _ in range(5)]
    for worker in workers:
        await worker.count("t", [call()] * 10)

    await asyncio.gather(*(worker.write() for worker in workers))

    assert (await counts(workers[0]))["gpt", "ada", "chat"]["misses"] == 50


async def test_a_call_is_counted_for_others_to_read_while_the_account_is_open(redis: Redis) -> None:
    reader = RedisUsage(redis, 400)
    async with open_usage(redis, 400) as usage:
        await usage.count("t", [call()])

        async def counted() -> bool:
            return bool(await reader.read("t", today(), today()))

        await until(counted)


async def test_what_was_counted_last_is_written_when_a_worker_ends(redis: Redis) -> None:
    async with open_usage(redis, 400) as usage:
        await usage.count("t", [call()])

    [found] = await RedisUsage(redis, 400).read("t", today(), today())
    assert found.counts["misses"] == 1


async def test_what_was_counted_while_redis_was_away_is_kept_and_written_once(redis: Redis) -> None:
    async with open_redis("unix:///nowhere.sock", retries=0) as nowhere:
        usage = usage_on(nowhere)
        await usage.count("t", [call()] * 3)
        with pytest.raises(Unavailable, match="account of calls"):
            await usage.write()
        with pytest.raises(Unavailable):
            await usage.read("t", DAY, DAY)
        usage._redis = redis

        assert (await counts(usage))["gpt", "ada", "chat"]["misses"] == 3
        assert (await counts(usage))["gpt", "ada", "chat"]["misses"] == 3


async def test_a_day_has_room_for_so_many_rows_and_counts_the_rest_as_others(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.usage.MOST_ROWS", 20)
    for start in (0, 15, 30):
        usage = usage_on(redis)
        await usage.count("t", [call(f"agent-{number}") for number in range(start, start + 15)])
        await usage.count("t", [call("agent-0"), call("embedder", kind="embeddings")])
        await usage.write()

    found = await counts(usage_on(redis))

    assert len(found) <= 22
    assert found["gpt", "agent-0", "chat"]["misses"] == 4
    assert sum(one["misses"] for one in found.values()) == 51
    assert found["(other)", "(other)", "chat"]["misses"] > 20


async def test_so_much_is_kept_in_memory_and_no_more(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.stores.tallies.MOST_ROWS", 20)
    usage = usage_on(redis)

    await usage.count("t", [call(f"agent-{number}") for number in range(100)])

    found = await counts(usage)
    assert (len(found), found["(other)", "(other)", "chat"]["misses"]) == (21, 80)


async def test_more_rows_than_are_written_together_are_all_written(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call(f"agent-{number}") for number in range(450)])

    assert len(await counts(usage)) == 450


async def test_an_account_ends_so_many_days_after_its_day(redis: Redis) -> None:
    now = datetime.now(UTC)
    usage = usage_on(redis, now.date(), days=30)
    await usage.count("t", [call()])
    await usage.write()

    [key] = [key async for key in redis.scan_iter("memos:usage:*")]
    assert key == f"memos:usage:{{t}}:{now.date()}".encode()
    assert timedelta(days=30) <= timedelta(seconds=await redis.ttl(key)) <= timedelta(days=31)


async def test_a_server_that_says_it_used_more_than_there_is_does_not_end_the_account(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [Call("ada", "chat", "miss", CallUsage("gpt", 10**400, -5, 1.0)), call()])

    assert (await counts(usage))["gpt", "ada", "chat"]["misses"] == 2


async def test_a_row_that_cannot_be_read_is_left_out_and_counted_on(redis: Redis) -> None:
    usage = usage_on(redis)
    await usage.count("t", [call()])
    await usage.write()
    await redis.hset(f"memos:usage:{{t}}:{DAY}", mapping={"no JSON": "1", '["gpt","ada","chat"]': "broken"})

    assert await usage.read("t", DAY, DAY) == []
    await usage.count("t", [call()])
    assert [one.counts["misses"] for one in await usage.read("t", DAY, DAY)] == [1]
