"""Answers to questions that ask the same, over the bus, with the embedder that memOS comes with."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from answering import Answering
from builders import WordsEmbedder
from chats import Tenant, answer, request
from conftest import execute
from redis.asyncio import Redis
from running import Memos

from memos.completions import key_of
from memos.equivalence import SAME
from memos.errors import EmbeddingRefused, MemosError, Unavailable
from memos.events.answers import ForgetAnswers, ReadCache
from memos.events.memories import StoreMemory
from memos.events.usage import ReadUsage
from memos.records import Vector
from memos.stores.postgres import Pool

pytest_plugins = ["bus_fixtures", "chats_fixtures"]

ASKED = "How do I reset my password?"
AGAIN = "How can I reset my password?"
LESS_ALIKE = "What are the steps for resetting my password?"


async def test_an_answer_is_given_to_who_asks_the_same_in_other_words(ours: Tenant) -> None:
    stored = await ours.store(request(ASKED), answer("Click it."), semantic=True)

    found = await ours.look_up(request(AGAIN), semantic=True, lease_seconds=60)

    assert (found["status"], found["answer"], found["key"]) == ("semantic", answer("Click it."), stored["key"])
    assert (found["asked"], found["lease"], found["refused"]) == (ASKED, None, None)
    assert SAME <= found["likeness"] <= 1
    assert found["expires_at"] == stored["expires_at"]
    assert await ours.status(request(ASKED), semantic=True) == "hit"


async def test_no_answer_to_another_question_is_given_unless_it_is_asked_for(ours: Tenant) -> None:
    await ours.store(request(ASKED), semantic=True)
    await ours.store(request("What is the capital of France?"))

    assert await ours.status(request(AGAIN)) == "miss"
    assert await ours.status(request(AGAIN), semantic=True, refresh=True) == "miss"
    assert await ours.status(request("What's the capital of France?"), semantic=True) == "miss"


@pytest.mark.parametrize(
    ("kept", "asked", "why"),
    [
        ("How many days are in 2023?", "How many days are in 2024?", "numbers"),
        ("How do I convert euros to dollars?", "How do I convert dollars to euros?", "direction"),
        ("Is it safe to eat raw eggs?", "Is it not safe to eat raw eggs?", "negation"),
    ],
)
async def test_a_near_question_that_asks_something_else_is_refused_and_says_why(
    ours: Tenant, kept: str, asked: str, why: str
) -> None:
    await ours.store(request(kept), semantic=True)

    found = await ours.look_up(request(asked), semantic=True)

    assert (found["status"], found["answer"]) == ("miss", None)
    assert found["refused"].startswith(why)


async def test_who_asks_says_how_like_a_question_must_be(ours: Tenant) -> None:
    await ours.store(request(ASKED), semantic=True)

    found = await ours.look_up(request(AGAIN), semantic=True, threshold=0.99)

    assert found["status"] == "miss"
    assert found["refused"].endswith("is less than 0.990")
    assert await ours.status(request(AGAIN), semantic=True, threshold=0.8) == "semantic"


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "big"},
        {"temperature": 0},
        {"tools": [{"type": "function", "function": {"name": "a"}}]},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": AGAIN}]},
        {"messages": [{"role": "system", "content": "Be verbose."}, {"role": "user", "content": AGAIN}]},
    ],
)
async def test_the_same_question_in_other_surroundings_is_another(ours: Tenant, fields: dict[str, Any]) -> None:
    await ours.store(request(ASKED), semantic=True)

    assert await ours.status({**request(AGAIN), **fields}, semantic=True) == "miss"
    assert await ours.status(request(AGAIN), semantic=True, upstream="http://other.test/v1") == "miss"


async def test_a_tenant_is_never_given_the_answer_to_the_question_of_another(ours: Tenant, theirs: Tenant) -> None:
    await ours.store(request(ASKED), semantic=True)

    assert await theirs.status(request(AGAIN), semantic=True) == "miss"


async def test_an_answer_that_was_forgotten_or_is_too_old_is_not_given_to_a_like_question(ours: Tenant) -> None:
    stored = await ours.store(request(ASKED), semantic=True, ttl=1000)
    for fields in ({"max_age": 0}, {"min_fresh": 1001}):
        assert await ours.status(request(AGAIN), semantic=True, **fields) == "miss"
    assert await ours.status(request(AGAIN), semantic=True) == "semantic"

    await ours.send(ForgetAnswers(keys=[stored["key"]]))
    assert await ours.status(request(AGAIN), semantic=True) == "miss"

    await ours.store(request(ASKED), semantic=True)
    assert await ours.status(request(AGAIN), semantic=True) == "semantic"


async def test_an_answer_whose_source_changed_is_not_given_to_a_like_question_and_the_next_is(
    ours: Tenant, memos: Memos
) -> None:
    memory_id = (await ours.send(StoreMemory(content=f"Click on it: {uuid4()}")))["memory_id"]
    await ours.store(request(LESS_ALIKE), answer("Twice."), semantic=True)
    await ours.store(request(ASKED), answer("Once."), semantic=True, sources=[f"memory:{memory_id}"])
    found = await ours.look_up(request(AGAIN), semantic=True, threshold=0.5)
    assert (found["answer"], found["sources"]) == (answer("Once."), [f"memory:{memory_id}@1"])

    await execute(
        str(memos.settings.postgres_dsn),
        f"update agent_memories set version = version + 1 where memory_id = '{memory_id}'",  # noqa: S608
    )

    found = await ours.look_up(request(AGAIN), semantic=True, threshold=0.5)
    assert (found["status"], found["answer"], found["asked"]) == ("semantic", answer("Twice."), LESS_ALIKE)
    assert await ours.entries() == 1


async def test_a_lease_is_that_of_the_exact_question(ours: Tenant) -> None:
    await ours.store(request("Who wrote Faust?"), semantic=True)

    found = await ours.look_up(request(AGAIN), semantic=True, lease_seconds=60)
    assert (found["status"], found["key"], found["lease"] is not None) == ("miss", key_of(request(AGAIN)), True)
    assert await ours.statuses(request(ASKED), request(AGAIN), semantic=True, lease_seconds=60) == [
        "miss",
        "pending",
    ]

    await ours.store(request(AGAIN), semantic=True, lease=found["lease"])
    assert await ours.status(request("How do I reset my password"), semantic=True) == "semantic"


async def test_many_who_ask_the_same_at_once_are_all_given_the_answer_in_the_end(ours: Tenant) -> None:
    await ours.store(request(ASKED), semantic=True)

    found = await asyncio.gather(
        *(ours.look_up(request(AGAIN), semantic=True, lease_seconds=60) for _ in range(10))
    )

    assert {one["status"] for one in found} <= {"semantic", "pending"}
    assert await ours.status(request(AGAIN), semantic=True, lease_seconds=60) == "semantic"


async def test_questions_are_counted_and_so_are_the_calls_that_they_saved(ours: Tenant) -> None:
    await ours.store(request(ASKED), semantic=True)
    await ours.store(request(AGAIN))
    await ours.look_up(request("How do I reset my password"), semantic=True, agent_id="ann")

    assert (await ours.send(ReadCache()))["questions"] == 1
    totals = (await ours.send(ReadUsage(agent_id="ann")))["totals"]
    assert (totals["semantic_hits"], totals["saved_prompt_tokens"], totals["saved_completion_tokens"]) == (1, 20, 3)


@pytest.mark.parametrize(
    "content",
    ["a b " * 300, [{"type": "text", "text": ASKED}, {"type": "image_url", "image_url": {"url": "data:,"}}]],
)
async def test_what_cannot_be_compared_is_found_by_itself_alone(ours: Tenant, content: Any) -> None:
    asked = {**request(), "messages": [{"role": "user", "content": content}]}

    await ours.store(asked, semantic=True)

    assert (await ours.send(ReadCache()))["questions"] == 0
    assert await ours.statuses(asked, {**asked, "seed": 1}, semantic=True) == ["hit", "miss"]


class Failing(WordsEmbedder):
    """An embedder that fails."""

    def __init__(self, error: MemosError) -> None:
        super().__init__()
        self.error = error

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        raise self.error


@pytest.mark.parametrize("error", [Unavailable("The model is away."), EmbeddingRefused("The text is refused.")])
async def test_without_vectors_answers_are_kept_and_found_exactly(
    redis: Redis, pool: Pool, error: MemosError
) -> None:
    cache = Answering(redis, pool)
    assert await cache.store(ASKED, semantic=True) == "stored"
    assert await cache.look_up(ASKED + " ", semantic=True) == "semantic"

    cache.embedder = Failing(error)
    assert await cache.store(AGAIN, semantic=True) == "stored"
    assert [await cache.look_up(one, semantic=True) for one in (ASKED, AGAIN)] == ["hit", "hit"]
    assert await cache.look_up(ASKED + " ", semantic=True) == "miss"

    cache.embedder = WordsEmbedder()
    assert await cache.look_up(ASKED + " ", semantic=True) == "semantic"
    assert await cache.look_up(AGAIN + " ", semantic=True) == "miss"
