"""What speaks for a memory besides its likeness to the question."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from memos.cues import periods, speakers
from memos.ranking import QueryContext, bonuses, standing
from memos.ranking.factors import READ_OF_CONTENT, recency_of, statement_share
from memos.ranking.weights import LONGEST, SPEAKER, TIME
from memos.records import Candidate, Memory, Preferences

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)


def memory(**values: Any) -> Memory:
    fields: dict[str, Any] = {
        "memory_id": A, "agent_id": "a", "visibility": "private", "kind": "episodic", "content": "Tea is ready.",
        "metadata": {}, "tags": [], "importance": None, "source": None, "session_id": None, "sequence": None,
        "occurred_at": None, "created_at": NOW, "updated_at": NOW, "expires_at": None, "version": 1,
        "times_stored": 1,
    }  # fmt: skip
    return Memory(**{**fields, **values})


def candidate(memory_id: UUID, **payload: Any) -> Candidate:
    return Candidate(memory_id, (0.5,), 0.0, {}, {"kind": "episodic", **payload})


def score(of: Memory, preferences: Preferences | None = None) -> float:
    asked = QueryContext("?", NOW, preferences=preferences or Preferences())
    return sum(added for _, added in standing(of, len(of.content.split()), asked).values())


def test_who_is_named_in_the_question_speaks_louder() -> None:
    found = bonuses(
        QueryContext("What did Caroline's dog eat?", NOW),
        [candidate(A, speaker=["Caroline"]), candidate(B, speaker=["Melanie"])],
    )
    assert found == {A: {"speaker": (1.0, SPEAKER)}}


def test_a_memory_of_the_time_that_is_named_gains() -> None:
    asked = QueryContext("What happened in May 2023?", NOW, periods("What happened in May 2023?", NOW))
    inside, outside = (
        candidate(A, occurred_at="2023-05-08T10:00:00+00:00"),
        candidate(B, created_at=NOW.isoformat()),
    )
    found = bonuses(asked, [inside, outside])
    assert found[A]["time"] == (1.0, TIME)
    assert found[B]["time"][1] < TIME / 100


def test_of_several_periods_the_nearest_counts() -> None:
    asked = QueryContext("?", NOW, periods("Was it in May 2019 or in May 2023?", NOW))
    assert len(asked.periods) == 2
    assert bonuses(asked, [candidate(A, occurred_at="2023-05-08T10:00:00+00:00")])[A]["time"] == (1.0, TIME)


def test_a_memory_is_of_the_time_that_it_tells_of_rather_than_of_when_it_was_stored() -> None:
    asked = QueryContext("?", NOW, periods("in May 2023", NOW))
    told = candidate(A, occurred_at="2023-05-08T10:00:00+00:00", created_at=NOW.isoformat())
    stored = candidate(B, occurred_at=NOW.isoformat(), created_at="2023-05-08T10:00:00+00:00")
    found = bonuses(asked, [told, stored])
    assert found[A]["time"][0] == 1
    assert found[B]["time"][0] < 0.01


def test_a_question_without_names_or_times_favours_nobody() -> None:
    assert (
        bonuses(QueryContext("tea?", NOW), [candidate(A, speaker=["Caroline"], occurred_at=NOW.isoformat())]) == {}
    )


def test_recency_halves_with_each_half_life() -> None:
    assert recency_of(NOW, NOW, 30) == 1
    assert recency_of(NOW - timedelta(days=30), NOW, 30) == pytest.approx(0.5)
    assert recency_of(NOW - timedelta(days=60), NOW, 30) == pytest.approx(0.25)
    assert recency_of(NOW + timedelta(days=60), NOW, 30) == 1
    assert recency_of(NOW - timedelta(days=700_000), NOW, 0.001) == 0


def test_the_newer_of_two_equals_stands_higher() -> None:
    assert score(memory()) > score(memory(occurred_at=NOW - timedelta(days=90)))


def test_importance_and_usefulness_raise_and_lower() -> None:
    assert score(memory(importance=1.0)) > score(memory()) > score(memory(importance=0.0))
    assert score(memory(usefulness=0.5)) > score(memory()) > score(memory(usefulness=-0.5))


def test_preferences_decide_how_much_each_counts() -> None:
    indifferent = Preferences(recency=0, importance=0, usefulness=0)
    old = memory(importance=1.0, usefulness=1.0, occurred_at=NOW - timedelta(days=900))
    assert score(old, indifferent) == score(memory(), indifferent)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("I paint.", 1.0),
        ("Do you paint?", 0.0),
        ("", 1.0),
        ("I do! Do you?", 5 / 13),
        ("絵を描きますか\uff1f", 0.0),
        ("no end", 1.0),
    ],
)
def test_what_only_asks_tells_nothing(text: str, share: float) -> None:
    assert statement_share(text) == pytest.approx(share)


def test_a_statement_stands_higher_than_a_question() -> None:
    assert score(memory(content="Tea is ready.")) > score(memory(content="Tea is ready?"))


def test_a_content_is_judged_by_its_beginning() -> None:
    beginning = "Tea is ready. " * (READ_OF_CONTENT // 14 + 1)
    assert score(memory(content=beginning + "Is it? " * 9000)) == score(memory(content=beginning))


def test_a_longer_text_has_more_substance_up_to_a_length() -> None:
    of_terms = [
        standing(memory(), terms, QueryContext("?", NOW))["substance"][1] for terms in (1, 10, LONGEST, 2 * LONGEST)
    ]
    assert of_terms[0] < of_terms[1] < of_terms[2] == of_terms[3]


def test_definitions_of_code_are_not_held_to_how_people_talk() -> None:
    assert score(memory(kind="function", content="f(x)?")) == score(memory(kind="function", content="f(x)."))


@pytest.mark.parametrize(
    ("content", "metadata", "told"),
    [
        ("Caroline: Hi!", {}, ["Caroline"]),
        ("Hi!", {"speaker": "Caroline"}, ["Caroline"]),
        ("Caroline: Hi!", {"speaker": "Caroline", "role": "user"}, ["Caroline", "user"]),
        ("Dr. Mary-Ann O'Neil: Hi", {}, ["Dr. Mary-Ann O'Neil"]),
        ("http://example.com", {}, []),
        ("12: not a name", {}, []),
        ("", {"speaker": 7, "author": None}, []),
        ("A sentence that goes on for long before there is any colon: yes", {}, []),
    ],
)
def test_a_memory_is_told_by_whom_its_metadata_or_its_beginning_names(
    content: str, metadata: dict[str, Any], told: list[str]
) -> None:
    assert speakers(content, metadata) == told
