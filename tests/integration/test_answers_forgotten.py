"""The LLM cache forgets answers by what they were made from and by model, and gives the questions of others."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from kept_answers import (
    BLUE,
    EMBEDDING_MODEL,
    GREEN,
    TENANT,
    answer_draft,
    answers_on,
    asked,
    key_of,
    recounted,
    there,
)
from redis.asyncio import Redis

from memos.projection.answers import DerivedAnswers
from memos.records import AnswerSource, CallUsage, RecordKey

TOOL = AnswerSource("tool", "clock", 4)
FACT = AnswerSource("fact", "the sky is blue")


async def test_an_answer_goes_with_any_of_what_it_was_made_from_at_whatever_version(redis: Redis) -> None:
    answers = answers_on(redis)
    made_from = {"a": [GREEN], "b": [GREEN, TOOL], "c": [BLUE, FACT], "d": [TOOL], "e": []}
    await answers.keep(TENANT, [answer_draft(name, sources=sources) for name, sources in made_from.items()])
    meant = [GREEN._replace(version=None), FACT]

    assert await answers.count_made_from(TENANT, meant) == 3
    assert await there(answers, "abcde") == ["a", "b", "c", "d", "e"]
    assert await answers.forget_made_from(TENANT, meant) == 3
    assert await there(answers, "abcde") == ["d", "e"]
    assert await answers.forget_made_from(TENANT, meant) == 0
    assert await answers.size(TENANT) == await recounted(redis)


async def test_the_id_of_a_memory_means_the_same_however_it_is_written(redis: Redis) -> None:
    answers = answers_on(redis)
    name = "ABCDEF00-0000-0000-0000-000000000001"
    await answers.keep(TENANT, [answer_draft("a", sources=[AnswerSource("memory", name, 1)])])

    assert await answers.forget_made_from(TENANT, [AnswerSource("memory", name.lower())]) == 1


async def test_more_answers_than_one_script_drops_are_forgotten(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.answers.MOST_FORGOTTEN", 7)
    answers = answers_on(redis)
    await answers.keep(TENANT, [answer_draft(name, sources=[GREEN, BLUE]) for name in range(40)])

    assert await answers.forget(TENANT, [key_of(name) for name in range(10)]) == 10
    assert await answers.forget_made_from(TENANT, [GREEN]) == 30
    await answers.keep(TENANT, [answer_draft(name) for name in range(40)])
    assert await answers.forget_model(TENANT, None) == 40
    assert await answers.size(TENANT) == await recounted(redis)


async def test_the_answers_of_one_model_are_forgotten(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [answer_draft(name, usage=CallUsage(name, 1, 1, 1.0)) for name in ("gpt", "gpt-2")])

    assert await answers.forget_model(TENANT, "gpt") == 1
    assert await there(answers, ["gpt", "gpt-2"]) == ["gpt-2"]


async def test_a_deletion_counts_and_forgets_what_was_made_from_the_memories_of_each_tenant(redis: Redis) -> None:
    answers = answers_on(redis)
    derived = DerivedAnswers(answers)
    await answers.keep(TENANT, [answer_draft(name, sources=[GREEN]) for name in "ab"])
    await answers.keep("bob", [answer_draft("a", sources=[GREEN, BLUE])])
    green = [RecordKey(tenant, UUID(GREEN.id)) for tenant in (TENANT, "bob", "eve")]

    assert await derived.count([green[0]]) == 2
    assert await derived.count(green) == 3
    assert await derived.forget(green[1:]) == 1
    assert (await there(answers, "ab"), await there(answers, "a", "bob")) == (["a", "b"], [])
    assert await derived.count([]) == await derived.forget([]) == 0


async def test_questions_of_a_context_come_in_the_order_in_which_they_were_kept(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked(number, f"question {number}") for number in range(5)])
    await answers.keep(TENANT, [asked("x", "elsewhere", context="other"), answer_draft("y")])

    first = await answers.questions(TENANT, "c", EMBEDDING_MODEL, 0, 3)
    rest = await answers.questions(TENANT, "c", EMBEDDING_MODEL, first[-1].revision, 3)

    assert [one.question for one in first + rest] == [f"question {number}" for number in range(5)]
    assert [one.key for one in first] == [key_of(number) for number in range(3)]
    assert first[0].vector == bytes(range(8))
    assert await answers.questions(TENANT, "c", EMBEDDING_MODEL, rest[-1].revision, 3) == []
    assert await answers.questions(TENANT, "c", "another model", 0, 3) == []
    assert (await answers.size(TENANT)).questions == 6


async def test_a_question_that_is_asked_anew_has_a_new_revision_and_one_that_went_is_not_given(
    redis: Redis,
) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked(number, f"question {number}") for number in range(4)])
    before = await answers.questions(TENANT, "c", EMBEDDING_MODEL, 0, 10)

    await answers.keep(TENANT, [asked(0, "question 0")])
    await answers.forget(TENANT, [key_of(1)])
    await redis.delete(f"memos:cache:{{{TENANT}}}:answer:{key_of(2)}")

    after = await answers.questions(TENANT, "c", EMBEDDING_MODEL, 0, 1)
    assert [one.key for one in after] == [key_of(3)]
    [anew] = await answers.questions(TENANT, "c", EMBEDDING_MODEL, before[-1].revision, 10)
    assert anew.key == key_of(0)


async def test_a_revision_is_never_used_again_even_when_all_has_ended(redis: Redis) -> None:
    answers = answers_on(redis)
    await answers.keep(TENANT, [asked("a", "why?")])
    [before] = await answers.questions(TENANT, "c", EMBEDDING_MODEL, 0, 10)
    await redis.flushdb()

    await answers.keep(TENANT, [asked("b", "why?")])

    [after] = await answers.questions(TENANT, "c", EMBEDDING_MODEL, before.revision, 10)
    assert before.revision < after.revision
    assert abs(after.revision / 1e6 - datetime.now(UTC).timestamp()) < 60
