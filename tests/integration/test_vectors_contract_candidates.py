"""What every engine behind the port `Vectors` finds for a question, by meaning and by terms, and measures."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from vector_engines import INDEXES, Engine, W, X, Y, Z, cosine, equals, id_of, key_of, point

from memos.errors import ConfigurationError, InvalidCommand
from memos.ports import Filter, Vectors
from memos.records import Candidate, Collection, Point, Question, RecordKey, Terms
from memos.stores.points import CANDIDATE_FIELDS, MAX_MEASURED, MAX_NOMINATED, MAX_TERMS, MAX_VECTORS

pytest_plugins = ["vector_engines_fixtures"]

RED, GREEN, BLUE, LAST = 1, 500, 70_000, 2**32 - 1
ALL: Filter = {}


def by_id(found: Sequence[Candidate]) -> dict[UUID, Candidate]:
    """The candidates by their ids, each of which came once."""
    candidates = {one.memory_id: one for one in found}
    assert len(candidates) == len(found)
    return candidates


def ids_of(*names: str) -> set[UUID]:
    return {id_of(name) for name in names}


def bm25(terms: Sequence[int], text: Terms, corpus: Sequence[Terms]) -> float:
    """The score of a text; those of the corpus that have no terms do not count."""
    texts = [one for one in corpus if one]
    having = {term: sum(term in one for one in texts) for term in terms if term in text}
    return sum(text[t] * math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for t, n in having.items())


async def found(
    vectors: Vectors, question: Question, *, limit: int = 10, matching: Filter = ALL, corpus: Filter = ALL
) -> dict[UUID, Candidate]:
    return by_id(await vectors.candidates(question, matching=matching, corpus=corpus, limit=limit))


async def test_the_best_by_each_vector_and_by_the_terms_are_found_each_once(vectors: Vectors) -> None:
    await vectors.upsert(
        [
            point("both", [1, 0.1, 0, 0], {RED: 2.0}),
            point("meaning", X),
            point("clause", Y),
            point("words", W, {RED: 1.0}),
            point("neither", Z, {BLUE: 1.0}),
            point("fewer words", Z, {RED: 0.5}),
        ]
    )
    assert (await found(vectors, Question([X, Y], [RED]), limit=2)).keys() == ids_of(
        "both", "meaning", "clause", "words"
    )


async def test_a_candidate_tells_its_cosines_its_score_its_weights_and_its_payload(vectors: Vectors) -> None:
    looked_at: dict[str, Any] = {
        "agent_id": "ada",
        "kind": "episodic",
        "session_id": "0191d1a0-0000-7000-8000-000000000001",
        "source": "notes.md",
        "sequence": 7,
        "speaker": "Ada",
        "occurred_at": "2026-01-01T00:00:00+00:00",
        "created_at": "2026-02-01T00:00:00+00:00",
    }
    await vectors.upsert(
        [point("a", [3, 4, 0, 0], {RED: 1.5, GREEN: 0.5, BLUE: 1.0}, tags=["x"], importance=0.5, **looked_at)]
    )
    [one] = (await found(vectors, Question([[2, 0, 0, 0], Y, Z], [BLUE, LAST, RED]))).values()
    assert one.similarities == pytest.approx([0.6, 0.8, 0.0], abs=1e-6)
    assert one.bm25 == pytest.approx(2.5 * math.log(1 + 0.5 / 1.5), abs=1e-5)
    assert one.terms == {RED: 1.5, BLUE: 1.0}
    assert one.payload == {"memory_id": str(id_of("a")), **looked_at}
    assert one.payload.keys() == set(CANDIDATE_FIELDS)


async def test_what_a_payload_lacks_a_candidate_lacks(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, kind="x")])
    [one] = (await found(vectors, Question([X], []))).values()
    assert one.payload == {"memory_id": str(id_of("a")), "kind": "x"}


TEXTS: Mapping[str, tuple[Terms, str]] = {
    "one": ({RED: 1.0, GREEN: 2.0}, "ada"),
    "two": ({RED: 1.5, LAST: 0.25}, "ada"),
    "three": ({RED: 0.5}, "bob"),
    "four": ({BLUE: 1.0, GREEN: 1.0}, "bob"),
    "silent": ({}, "ada"),
}


@pytest.mark.parametrize("agents", [{"ada", "bob"}, {"ada"}, {"bob"}, {"nobody"}])
async def test_lexical_scores_are_bm25_over_the_corpus(vectors: Vectors, agents: set[str]) -> None:
    await vectors.upsert([point(name, X, terms, agent_id=agent) for name, (terms, agent) in TEXTS.items()])
    corpus = {"should": [equals("agent_id", agent) for agent in agents]} if len(agents) == 1 else {}
    among = [terms for terms, agent in TEXTS.values() if agent in agents]
    asked = [LAST, GREEN, RED, 99]

    candidates = await found(vectors, Question([X], asked), corpus=corpus)

    assert {key: one.bm25 for key, one in candidates.items()} == {
        id_of(name): pytest.approx(bm25(asked, terms, among), abs=1e-5) for name, (terms, _) in TEXTS.items()
    }
    assert {key: one.terms for key, one in candidates.items()} == {
        id_of(name): {term: weight for term, weight in terms.items() if term != BLUE}
        for name, (terms, _) in TEXTS.items()
    }


async def test_what_is_deleted_or_says_something_else_by_now_no_longer_counts(vectors: Vectors) -> None:
    await vectors.upsert([point(name, X, {RED: 1.0}) for name in ("kept", "gone", "changed", "silenced")])
    await vectors.delete([key_of("gone")])
    await vectors.upsert([point("changed", X, {GREEN: 1.0}, version=2), point("silenced", X, version=2)])

    candidates = await found(vectors, Question([X], [RED]))

    assert candidates.keys() == ids_of("kept", "changed", "silenced")
    assert candidates[id_of("kept")].bm25 == pytest.approx(math.log(1 + 1.5 / 1.5), abs=1e-5)
    for name in ("changed", "silenced"):
        assert (candidates[id_of(name)].bm25, candidates[id_of(name)].terms) == (0.0, {})


async def test_neither_meaning_nor_terms_find_what_does_not_match(vectors: Vectors) -> None:
    await vectors.upsert(
        [
            point("own", Y, {RED: 1.0}, agent_id="ada"),
            point("close", X, agent_id="bob"),
            point("worded", Z, {RED: 9.0}, agent_id="bob"),
            point("foreign", X, {RED: 9.0}, tenant="acme", agent_id="ada"),
        ]
    )
    matching = {"must": [equals("tenant", "default"), equals("agent_id", "ada")]}
    assert (await found(vectors, Question([X], [RED]), matching=matching)).keys() == ids_of("own")


async def test_without_terms_in_the_question_only_meaning_counts(vectors: Vectors) -> None:
    await vectors.upsert([point("near", X), point("worded", Y, {RED: 1.0})])
    [one] = (await found(vectors, Question([X], []), limit=1)).values()
    assert (one.memory_id, one.bm25, one.terms) == (id_of("near"), 0.0, {})
    assert one.similarities == pytest.approx([1.0], abs=1e-6)


async def test_terms_that_nobody_has_find_nothing(vectors: Vectors) -> None:
    await vectors.upsert([point("near", X, {RED: 1.0}), point("far", Y, {RED: 1.0})])
    candidates = await found(vectors, Question([X], [GREEN, BLUE]), limit=1)
    assert [(key, one.bm25, one.terms) for key, one in candidates.items()] == [(id_of("near"), 0.0, {})]


async def test_a_term_that_is_asked_twice_counts_once(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, {RED: 1.0}), point("b", X, {GREEN: 1.0})])
    once = await found(vectors, Question([X], [RED]))
    assert await found(vectors, Question([X], [RED, RED])) == once


async def test_an_empty_collection_has_no_candidates(vectors: Vectors) -> None:
    assert await found(vectors, Question([X], [RED])) == {}


async def test_two_tenants_with_one_memory_id_are_two_candidates(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, {RED: 1.0}, tenant="acme"), point("a", Y, {RED: 2.0})])
    candidates = await vectors.candidates(Question([X], [RED]), matching={}, corpus={}, limit=1)
    assert sorted(one.terms[RED] for one in candidates) == [1.0, 2.0]


@pytest.mark.parametrize("limit", [0, -1])
async def test_no_candidates_are_found_when_none_are_wanted(vectors: Vectors, limit: int) -> None:
    await vectors.upsert([point("a", X, {RED: 1.0})])
    assert await found(vectors, Question([X], [RED]), limit=limit) == {}


async def test_those_named_are_measured_if_they_are_there_and_match(vectors: Vectors) -> None:
    await vectors.upsert(
        [
            point("a", X, {RED: 1.0}, kind="x"),
            point("b", Y, {RED: 2.0, GREEN: 1.0}, kind="x"),
            point("c", Y, kind="x"),
            point("other kind", X, {RED: 1.0}, kind="y"),
            point("not asked for", X, {RED: 1.0}, kind="x"),
        ]
    )
    keys = [*map(key_of, ("b", "a", "a", "c", "other kind", "never there")), RecordKey("acme", id_of("a"))]
    question, matching = Question([X, Y], [RED]), {"must": [equals("kind", "x")]}

    measured = by_id(await vectors.measured(question, keys, matching=matching, corpus={}))

    everything = await found(vectors, question)
    assert measured.keys() == ids_of("a", "b", "c")
    assert measured == {key: everything[key] for key in measured}
    assert measured[id_of("b")].terms == {RED: 2.0}


async def test_measured_are_the_frequencies_of_the_corpus_not_of_those_named(vectors: Vectors) -> None:
    await vectors.upsert([point(name, X, terms, agent_id=agent) for name, (terms, agent) in TEXTS.items()])
    corpus = {"must": [equals("agent_id", "ada")]}
    [one] = await vectors.measured(Question([X], [RED]), [key_of("three")], matching={}, corpus=corpus)
    among = [terms for terms, agent in TEXTS.values() if agent == "ada"]
    assert one.bm25 == pytest.approx(bm25([RED], {RED: 0.5}, among), abs=1e-5)


async def test_nothing_named_is_nothing_measured(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X)])
    assert await vectors.measured(Question([X], [RED]), [], matching={}, corpus={}) == []


async def test_many_are_measured_whatever_the_size_of_a_call(vectors: Vectors) -> None:
    number = MAX_MEASURED + 100
    await vectors.upsert([point(f"p{i}", X, {RED: 1.0}) for i in range(number)])
    keys = [key_of(f"p{i}") for i in range(number)]
    measured = by_id(await vectors.measured(Question([X], [RED]), keys, matching={}, corpus={}))
    assert measured.keys() == {key.memory_id for key in keys}
    assert {one.terms[RED] for one in measured.values()} == {1.0}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question([], [RED]), "0 vectors"),
        (Question([X] * (MAX_VECTORS + 1), [RED]), "9 vectors"),
        (Question([X], range(MAX_TERMS + 1)), "1,025 different terms"),
        (Question([X], [-1]), "Terms are numbers"),
        (Question([X], [2**32]), "Terms are numbers"),
        (Question([X, [1.0]], []), "1 dimensions"),
        (Question([X, [math.nan] * 4], []), "not a number"),
    ],
)
async def test_a_question_that_does_not_fit_is_refused(vectors: Vectors, question: Question, said: str) -> None:
    for call in (
        vectors.candidates(question, matching={}, corpus={}, limit=5),
        vectors.measured(question, [key_of("a")], matching={}, corpus={}),
    ):
        with pytest.raises(InvalidCommand, match=said):
            await call


async def test_a_question_of_the_greatest_size_is_answered(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, {MAX_TERMS - 1: 1.0})])
    question = Question([X] * MAX_VECTORS, [*range(MAX_TERMS), RED])
    [one] = (await found(vectors, question, limit=MAX_NOMINATED)).values()
    assert len(one.similarities) == MAX_VECTORS
    assert one.terms == {MAX_TERMS - 1: 1.0}
    with pytest.raises(InvalidCommand, match="2,049 best"):
        await found(vectors, question, limit=MAX_NOMINATED + 1)


@pytest.mark.parametrize(
    "filters", [{"matching": {"mast": []}, "corpus": {}}, {"matching": {}, "corpus": {"mast": []}}]
)
async def test_a_filter_or_corpus_that_is_not_valid_is_refused(vectors: Vectors, filters: dict[str, Any]) -> None:
    await vectors.upsert([point("a", X)])
    for call in (
        vectors.candidates(Question([X], [RED]), limit=5, **filters),
        vectors.measured(Question([X], [RED]), [key_of("a")], **filters),
    ):
        with pytest.raises(InvalidCommand) as refusal:
            await call
        assert "filter.mast" in [fault.field for fault in refusal.value.faults]


@pytest.mark.parametrize("terms", [{-1: 1.0}, {2**32: 1.0}, {RED: math.inf}, {RED: math.nan}, {RED: 1e39}])
async def test_a_point_whose_terms_cannot_be_kept_is_refused_and_nothing_is_written(
    vectors: Vectors, terms: Terms
) -> None:
    with pytest.raises(InvalidCommand, match=r"[Tt]erm"):
        await vectors.upsert([point("a", X, terms)])
    assert await vectors.count({}) == 0


async def test_a_collection_without_terms_is_asked_by_meaning_alone(engine: Engine, collection: Collection) -> None:
    async with engine.open(replace(collection, has_terms=False)) as opened:
        await opened.upsert([point("near", X), point("worded", Y, {RED: 1.0})])
        [one] = (await found(opened, Question([X], [RED]), limit=1)).values()
        [other] = await opened.measured(Question([X], [RED]), [key_of("worded")], matching={}, corpus={})
        assert (one.memory_id, one.bm25, one.terms) == (id_of("near"), 0.0, {})
        assert (other.memory_id, other.bm25, other.terms) == (id_of("worded"), 0.0, {})


async def test_a_collection_that_was_made_without_terms_is_refused_when_asked_for_them(
    engine: Engine, collection: Collection
) -> None:
    async with engine.open(replace(collection, has_terms=False)) as opened:
        await opened.upsert([point("a", X)])
    with pytest.raises(ConfigurationError, match=r"was made without terms.* `memos rebuild`"):
        async with engine.open(collection):
            pass


async def test_a_collection_with_terms_may_be_used_without_them(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as opened:
        await opened.upsert([point("a", X, {RED: 1.0})])
    async with engine.open(replace(collection, has_terms=False)) as opened:
        await opened.upsert([point("b", X, {RED: 1.0})])
        assert {one.bm25 for one in (await found(opened, Question([X], [RED]))).values()} == {0.0}
    async with engine.open(collection) as opened:
        candidates = await found(opened, Question([X], [RED]))
        assert {key: one.terms for key, one in candidates.items()} == {id_of("a"): {RED: 1.0}, id_of("b"): {}}


async def test_a_filter_that_few_pass_finds_what_comparing_with_each_finds(engine: Engine) -> None:
    rng = random.Random(11)  # noqa: S311 - vectors, not secrets
    written = {f"p{i}": random_point(rng, f"p{i}", rare=i % 100 == 0) for i in range(2000)}
    question = Question([[rng.gauss(0, 1) for _ in range(16)] for _ in range(2)], [1, 2, 3, 11])
    few = {name: one for name, one in written.items() if one.payload["kind"] == "rare"}
    expected = {
        name: (
            [cosine(vector, one.vector) for vector in question.vectors],
            bm25(question.terms, one.terms, [other.terms for other in written.values()]),
        )
        for name, one in few.items()
    }
    async with engine.open(Collection(f"t{uuid4().hex}", "model-a", 16, INDEXES)) as opened:
        await opened.upsert(list(written.values()))
        candidates = await found(opened, question, limit=5, matching={"must": [equals("kind", "rare")]})

    assert candidates.keys() == ids_of(*best(expected, 5))
    for name in best(expected, 5):
        similarities, lexical = expected[name]
        assert candidates[id_of(name)].similarities == pytest.approx(similarities, abs=1e-5)
        assert candidates[id_of(name)].bm25 == pytest.approx(lexical, abs=1e-4)


def random_point(rng: random.Random, name: str, *, rare: bool) -> Point:
    terms = {rng.randrange(12): rng.random() + 0.1 for _ in range(rng.randrange(8))}
    vector = [rng.gauss(0, 1) for _ in range(16)]
    return point(name, vector, terms, kind="rare" if rare else "frequent")


def best(measured: Mapping[str, tuple[list[float], float]], number: int) -> set[str]:
    """The names of the best by each cosine, and by the lexical score."""
    scores = [{name: one[0][i] for name, one in measured.items()} for i in range(2)]
    scores.append({name: one[1] for name, one in measured.items() if one[1] > 0})
    return {name for each in scores for name in sorted(each, key=each.__getitem__)[-number:]}
