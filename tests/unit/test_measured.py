"""Points that no engine holds are measured as an engine measures its own."""

from collections.abc import Mapping
from math import log
from uuid import UUID

import pytest

from memos.ranking import idf_of, measured, nominated
from memos.records import Candidate, Collection, Point, Question, VersionKey
from memos.testing import TwinVectors

TEA, MILK, RARE = 1, 2, 3
EVERYTHING: Mapping[str, object] = {}


def point(number: int, *vector: float, terms: Mapping[int, float] | None = None) -> Point:
    return Point(VersionKey("t", UUID(int=number), 1), vector, {"kind": "note"}, terms or {})


def numbers(candidates: list[Candidate]) -> set[int]:
    return {one.memory_id.int for one in candidates}


async def test_points_are_measured_as_an_engine_measures_them() -> None:
    engine = TwinVectors(Collection("c", "m", 2, {}))
    points = [point(1, 3.0, 4.0, terms={TEA: 1.5, MILK: 0.5, 9: 1.0}), point(2, -1.0, 0.0, terms={TEA: 1.0})]
    await engine.upsert([*points, point(3, 1.0, 1.0, terms={9: 1.0})])
    question = Question([[2.0, 0.0], [0.0, 1.0]], [TEA, MILK, RARE])
    keys = [one.key.record for one in points]
    theirs = await engine.measured(question, keys, matching={}, corpus={})

    ours = measured(question, points, idf_of(question.terms, points, known={}, total=3))

    assert [one.memory_id for one in ours] == [one.memory_id for one in theirs]
    for own, other in zip(ours, theirs, strict=True):
        assert own.similarities == pytest.approx(other.similarities, abs=1e-6)
        assert own.bm25 == pytest.approx(other.bm25)
        assert own.terms == other.terms
        assert own.payload["kind"] == "note"


def test_terms_that_the_engine_knows_count_as_it_says_and_others_by_how_few_have_them() -> None:
    points = [point(1, 1.0, terms={TEA: 1.0, MILK: 1.0}), point(2, 1.0, terms={TEA: 1.0})]
    found = idf_of([TEA, MILK, RARE], points, known={TEA: 0.25}, total=10)
    assert found == {TEA: 0.25, MILK: pytest.approx(log(1 + 9.5 / 1.5))}


def test_an_engine_that_lags_behind_makes_no_term_worse_than_common() -> None:
    points = [point(number, 1.0, terms={TEA: 1.0}) for number in range(3)]
    assert idf_of([TEA], points, known={}, total=0)[TEA] > 0


def test_a_vector_of_zeros_is_similar_to_nothing() -> None:
    [one] = measured(Question([[1.0, 0.0]], []), [point(1, 0.0, 0.0)], {})
    assert one.similarities == [0.0]


def test_of_nothing_nothing_is_measured() -> None:
    assert measured(Question([[1.0]], [TEA]), [], {}) == []
    assert nominated([], 5) == []


def test_the_best_by_each_vector_and_by_terms_are_nominated_once() -> None:
    some = [
        Candidate(UUID(int=number), similarities, lexical, {}, EVERYTHING)
        for number, (similarities, lexical) in enumerate(
            [((0.9, 0.1), 0.0), ((0.1, 0.9), 0.0), ((0.5, 0.5), 2.0), ((0.8, 0.8), 1.0), ((0.0, 0.0), 0.0)]
        )
    ]
    assert numbers(nominated(some, 1)) == {0, 1, 2}
    assert numbers(nominated(some, 2)) == {0, 1, 2, 3}
    assert len(nominated(some, 9)) == 5
