"""What looking answers up and storing them counts, of whom and of which model."""

from typing import Any

import pytest
from chats import Tenant, answer, request

from memos.events.usage import ReadUsage

pytest_plugins = ["bus_fixtures", "chats_fixtures"]

COUNTED = ("hits", "semantic_hits", "misses", "errors", "prompt_tokens", "completion_tokens")
SAVED = ("saved_prompt_tokens", "saved_completion_tokens", "saved_seconds")


async def counted(tenant: Tenant, *names: str, **fields: Any) -> list[float]:
    """What was counted today."""
    totals = (await tenant.send(ReadUsage(**fields)))["totals"]
    return [totals[name] for name in names or COUNTED]


async def test_a_miss_is_counted_when_its_answer_comes_and_a_hit_at_once_as_that_of_who_asked(ours: Tenant) -> None:
    await ours.look_up(request(), agent_id="ann")
    assert await counted(ours) == [0, 0, 0, 0, 0, 0]

    await ours.store(request(), agent_id="ann", seconds=1.5)
    await ours.look_up(request(), agent_id="bob")
    await ours.look_up(request(), agent_id="bob")

    assert await counted(ours, agent_id="ann") == [0, 0, 1, 0, 20, 3]
    assert await counted(ours, agent_id="bob") == [2, 0, 0, 0, 0, 0]
    assert await counted(ours, *SAVED, agent_id="bob") == [40, 6, 3.0]
    assert await counted(ours, "upstream_seconds", model="small", kind="chat") == [1.5]


async def test_those_who_got_an_answer_without_a_call_of_their_own_had_a_hit(ours: Tenant) -> None:
    await ours.store(request(), agent_id="ann", shared={"ann": 2, "bob": 1})

    assert await counted(ours, "hits", "misses", agent_id="ann") == [2, 1]
    assert await counted(ours, "hits", "misses", agent_id="bob") == [1, 0]


async def test_a_call_whose_answer_is_not_kept_was_made_all_the_same(ours: Tenant) -> None:
    await ours.store(request(), answer(None))
    await ours.store(request(), answer("a" * 1_100_000))

    assert await counted(ours) == [0, 0, 2, 0, 40, 6]


async def test_a_call_that_failed_is_counted_as_one_and_one_that_was_not_made_is_not(ours: Tenant) -> None:
    await ours.release(request(), seconds=2.0)
    await ours.release(request(), outcome="miss", prompt_tokens=5, completion_tokens=6)
    await ours.release(request(), outcome="none", prompt_tokens=100)

    assert await counted(ours) == [0, 0, 1, 1, 5, 6]
    assert await counted(ours, "upstream_seconds") == [2.0]


@pytest.mark.parametrize("usage", [None, {}, "many", {"prompt_tokens": -5}])
async def test_tokens_that_the_server_does_not_count_are_estimated(ours: Tenant, usage: Any) -> None:
    await ours.store(request("a" * 391), answer("b" * 40, usage=usage))

    assert await counted(ours, "prompt_tokens", "completion_tokens") == [100, 10]


async def test_an_answer_that_is_too_old_is_no_hit(ours: Tenant) -> None:
    await ours.store(request())
    await ours.look_up(request(), max_age=0)
    await ours.look_up(request(), refresh=True)

    assert await counted(ours, "hits", "misses") == [0, 1]
