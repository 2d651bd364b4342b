"""What is forgotten while it is being made is not kept when it comes."""

from typing import Any

import pytest
from chats import Tenant, request
from kept_answers import GREEN, MODEL, TENANT, answer_draft, answers_on, key_of, there
from redis.asyncio import Redis

from memos.completions import key_of as key_of_request
from memos.events.answers import ForgetAnswers
from memos.events.embeddings import StoreEmbeddings
from memos.stores.answers import BARRED_SECONDS

pytest_plugins = ["bus_fixtures", "chats_fixtures"]

FACT = "fact:hours"
WAYS: dict[str, dict[str, Any]] = {
    "source": {"sources": [FACT]},
    "model": {"model": "small"},
    "key": {"keys": [key_of_request(request())]},
    "everything": {"everything": True},
}
"""How the answer of these tests is forgotten."""

OTHERS: dict[str, dict[str, Any]] = {
    "source": {"sources": ["fact:prices"]},
    "model": {"model": "smaller"},
    "key": {"keys": ["0" * 64]},
}
"""How others are."""


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_that_is_forgotten_while_it_is_made_is_not_kept(ours: Tenant, way: str) -> None:
    begun = await ours.look_up(request(), sources=[FACT], lease_seconds=30)
    await ours.send(ForgetAnswers(**WAYS[way]))
    told = {name: begun[name] for name in ("sources", "moment", "lease")}
    stored = await ours.store(request(), **told)

    anew = await ours.look_up(request(), sources=[FACT], lease_seconds=30)

    assert (stored["status"], "forgotten while it was made" in stored["message"]) == ("not-stored", True)
    assert (anew["status"], anew["lease"] is None) == ("miss", False)
    assert (await ours.store(request(), sources=anew["sources"], moment=anew["moment"]))["status"] == "stored"
    assert await ours.status(request(), sources=[FACT]) == "hit"


@pytest.mark.parametrize("way", OTHERS)
async def test_forgetting_others_does_not_hinder_an_answer(ours: Tenant, way: str) -> None:
    begun = await ours.look_up(request(), sources=[FACT])
    await ours.send(ForgetAnswers(**OTHERS[way]))

    assert (await ours.store(request(), sources=[FACT], moment=begun["moment"]))["status"] == "stored"


async def test_without_a_moment_an_answer_was_begun_as_long_ago_as_it_took(ours: Tenant) -> None:
    await ours.send(ForgetAnswers(model="small"))

    assert (await ours.store(request(), seconds=60.0))["status"] == "not-stored"
    assert (await ours.store(request()))["status"] == "stored"


async def test_embeddings_that_are_forgotten_while_they_are_made_are_not_kept(ours: Tenant) -> None:
    await ours.send(ForgetAnswers(everything=True))
    told = {"model": "small", "inputs": ["a", "b"], "embeddings": [[1.0], [2.0]]}

    assert (await ours.send(StoreEmbeddings(**told, seconds=60.0)))["stored"] == 0
    assert (await ours.send(StoreEmbeddings(**told)))["stored"] == 2


async def test_what_is_kept_in_place_of_the_forgotten_stays_when_an_older_answer_comes(redis: Redis) -> None:
    answers = answers_on(redis)
    before = await answers.look_up(TENANT, key_of("a"), lease="one", lease_seconds=30)
    await answers.bar(TENANT, keys=[key_of("a")])
    await answers.keep(TENANT, [answer_draft("a")])

    assert await answers.keep(TENANT, [answer_draft("a")], lease="one", moment=before.moment) == ["forgotten"]
    assert await there(answers, "a") == ["a"]
    assert (await answers.look_up(TENANT, key_of("a"), lease="two", lease_seconds=30, fresh=True)).leased


async def test_what_was_begun_before_bars_are_remembered_is_not_kept(redis: Redis) -> None:
    answers = answers_on(redis)

    assert await answers.keep(TENANT, [answer_draft("a")], seconds=BARRED_SECONDS) == ["forgotten"]
    assert await answers.keep(TENANT, [answer_draft("a")], seconds=BARRED_SECONDS - 60) != ["forgotten"]


async def test_bars_of_a_tenant_are_its_own_and_end_by_themselves(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.bar("bob", keys=[key_of("a")], sources=[GREEN], models=[MODEL], everything=True)

    kept = [key async for key in redis.scan_iter("memos:cache:{bob}:*")]
    assert len(kept) == 4
    assert all([0 < await redis.ttl(key) <= BARRED_SECONDS for key in kept])
    assert await answers.keep(TENANT, [answer_draft("a", sources=[GREEN])], seconds=60) != ["forgotten"]
