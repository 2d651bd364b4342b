"""Relevance: one number out of meaning, terms and neighbours."""

from typing import Any
from uuid import UUID

import pytest

from memos.ranking import Relevance, fused, own_relevance
from memos.ranking.fusion import MOST_EQUATIONS, Factor, Factors, determining, recovered_idf
from memos.records import Candidate

A, B, C, D, E = (UUID(int=number) for number in range(1, 6))
TEA, MILK, RARE = 1, 2, 3
PLACED: dict[str, Any] = {"session_id": "s", "sequence": 0}


def candidate(
    memory_id: UUID,
    *similarities: float,
    terms: dict[int, float] | None = None,
    idf: dict[int, float] | None = None,
    **payload: Any,
) -> Candidate:
    held = terms or {}
    lexical = sum((idf or {}).get(term, 1.0) * weight for term, weight in held.items())
    return Candidate(memory_id, similarities or (0.0,), lexical, held, {"kind": "episodic", **payload})


def order(candidates: list[Candidate], *windows: list[UUID], terms: tuple[int, ...] = (TEA, MILK)) -> list[UUID]:
    ranked = fused(candidates, Relevance(terms, candidates), windows, {})
    return [one.candidate.memory_id for one in ranked]


def test_the_frequencies_of_terms_are_recovered_from_the_scores() -> None:
    idf = {TEA: 0.5, MILK: 3.0, RARE: 7.25}
    held: list[dict[int, float]] = [{TEA: 1.0}, {TEA: 0.8, MILK: 1.3}, {RARE: 1.1, TEA: 0.4}, {}]
    found = recovered_idf([candidate(A, terms=terms, idf=idf) for terms in held])
    assert found == pytest.approx(idf, abs=1e-6)


def test_terms_that_always_come_together_share_what_they_tell() -> None:
    found = recovered_idf([candidate(A, terms={TEA: 1.0, MILK: 1.0}, idf={TEA: 3.0, MILK: 1.0})])
    assert found == pytest.approx({TEA: 2.0, MILK: 2.0})


def test_a_term_tells_never_less_than_nothing() -> None:
    scored = [
        Candidate(A, (0.0,), 1.0, {TEA: 1.0}, {"kind": "note"}),
        Candidate(B, (0.0,), 0.2, {TEA: 1.0, MILK: 1.0}, {"kind": "note"}),
    ]
    assert recovered_idf(scored)[MILK] == 0


def many(idf: dict[int, float]) -> list[Candidate]:
    """Three times as many candidates as are needed, all but the last few with two terms at least."""
    pairs = [
        candidate(UUID(int=n), terms={TEA: 0.5 + n % 7 / 10, MILK: 0.5 + n % 11 / 10}, idf=idf)
        for n in range(3 * MOST_EQUATIONS)
    ]
    return [*pairs, *(candidate(UUID(int=10**6 + n), terms={RARE: 0.9}, idf=idf) for n in range(5))]


def test_of_very_many_candidates_those_of_the_most_terms_and_one_of_each_other_term_are_looked_at() -> None:
    chosen = determining(many({}))
    assert [len(one.terms) for one in chosen] == [2] * MOST_EQUATIONS + [1]
    assert determining(chosen[:MOST_EQUATIONS]) == chosen[:MOST_EQUATIONS]


def test_the_frequencies_of_terms_are_recovered_from_very_many_candidates() -> None:
    idf = {TEA: 0.5, MILK: 3.0, RARE: 7.25}
    assert recovered_idf(many(idf)) == pytest.approx(idf, abs=1e-6)


def test_without_terms_there_is_nothing_to_recover() -> None:
    assert recovered_idf([candidate(A, 0.5)]) == {}
    assert Relevance((), [candidate(A, 0.5)]).share(1.0) == 0.0


def test_a_question_whose_every_term_is_repeated_is_answered_in_full() -> None:
    one = candidate(A, terms={TEA: 1.9, MILK: 1.9})
    assert Relevance((TEA, MILK), [one]).share(one.bm25) == pytest.approx(1.0)


def test_terms_that_no_candidate_has_lower_the_share_of_all() -> None:
    one = candidate(A, terms={TEA: 1.0})
    assert Relevance((TEA, RARE), [one]).share(one.bm25) < Relevance((TEA,), [one]).share(one.bm25)


def test_meaning_and_terms_add_up() -> None:
    both = candidate(A, 0.5, terms={TEA: 1.0})
    assert order([candidate(C, 0.5), both, candidate(B, 0.3, terms={TEA: 1.0})]) == [A, B, C]


def test_the_best_clause_of_a_question_counts_beside_the_whole() -> None:
    one_clause, the_whole = candidate(A, 0.2, 0.0, 0.8), candidate(B, 0.45, 0.3, 0.3)
    assert order([the_whole, one_clause]) == [A, B]


def test_a_strong_neighbour_lifts_a_weak_memory() -> None:
    strong, weak, far = candidate(A, 0.9), candidate(B, 0.1), candidate(C, 0.2)
    assert order([strong, weak, far]) == [A, C, B]
    assert order([strong, weak, far], [A, B]) == [A, B, C]


def test_the_nearer_neighbour_lifts_more() -> None:
    further, near, strong = candidate(A, 0.1), candidate(B, 0.1), candidate(C, 0.9)
    assert order([near, further, strong], [C, B, A]) == [C, B, A]


def test_a_neighbour_of_negative_score_pulls_nothing_down() -> None:
    alone, beside = candidate(A, 0.3), candidate(B, 0.3)
    ranked = fused([alone, beside, candidate(C, -0.5)], Relevance((), []), [[B, C]], {})
    assert {one.candidate.memory_id for one in ranked[:2]} == {A, B}
    assert "neighbours" not in ranked[0].factors


def test_terms_spread_over_neighbours_count_as_their_context() -> None:
    spread = [candidate(one, 0.2, terms={term: 1.0}, **PLACED) for one, term in ((A, TEA), (B, MILK))]
    ranked = fused(spread, Relevance((TEA, MILK), spread), [[A, B]], {})
    value, _ = ranked[0].factors["context"]
    assert value == pytest.approx(1.0 / 1.9)


def test_of_a_term_the_context_counts_where_it_weighs_most() -> None:
    for first, second in ((1.9, 0.3), (0.3, 1.9)):
        both = [candidate(one, 0.2, terms={TEA: weight}, **PLACED) for one, weight in ((A, first), (B, second))]
        for one in fused(both, Relevance((TEA,), both), [[A, B]], {}):
            assert one.factors["context"][0] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["episodic", "function"])
@pytest.mark.parametrize("windows", [[], [[A, B]]], ids=["alone", "beside another"])
def test_a_perfect_answer_has_a_relevance_of_one_before_it_is_lifted(kind: str, windows: list[list[UUID]]) -> None:
    pair = [candidate(A, 1.0, terms={TEA: 1.9}, kind=kind), candidate(B, 0.0, kind=kind)]
    best = fused(pair, Relevance((TEA,), pair), windows, {})[0]
    of_its_own = [added for name, (_, added) in best.factors.items() if name != "neighbours"]
    assert sum(of_its_own) == pytest.approx(1.0)


def test_a_bonus_counts_for_its_memory_and_lifts_those_beside() -> None:
    candidates = [candidate(A, 0.5), candidate(B, 0.4), candidate(C, 0.3)]
    bonus: dict[UUID, Factors] = {B: {"speaker": Factor(1.0, 0.25)}}
    plain, gained = (
        {one.candidate.memory_id: one for one in fused(candidates, Relevance((), []), [[A, B]], given)}
        for given in ({}, bonus)
    )
    assert gained[B].factors["speaker"].contribution == 0.25
    assert gained[B].score > plain[B].score
    assert gained[B].factors["speaker"] == (1.0, 0.25)
    assert gained[A].score > plain[A].score
    assert gained[C].score == plain[C].score


def test_definitions_of_code_go_by_meaning_and_without_neighbours() -> None:
    function = candidate(A, 0.5, terms={TEA: 1.0}, kind="function")
    note = candidate(B, 0.5, terms={TEA: 1.0})
    ranked = {
        one.candidate.memory_id: one for one in fused([function, note], Relevance((TEA,), [note]), [[A, B]], {})
    }
    assert set(ranked[A].factors) == {"meaning", "terms"}
    assert ranked[A].factors["terms"][1] < ranked[B].factors["terms"][1]


def test_a_score_is_the_sum_of_its_contributions() -> None:
    candidates = [candidate(A, 0.5, terms={TEA: 1.0}), candidate(B, 0.2), candidate(C, 0.1)]
    for one in fused(candidates, Relevance((TEA,), candidates), [[A, B, C]], {B: {"speaker": Factor(1.0, 0.05)}}):
        assert one.score == pytest.approx(sum(added for _, added in one.factors.values()))


def test_equal_scores_keep_one_order() -> None:
    assert order([candidate(C, 0.5), candidate(A, 0.5), candidate(B, 0.5)]) == [A, B, C]


def test_a_candidate_is_judged_alone_before_its_neighbours_are_known() -> None:
    one = candidate(A, 0.6, terms={TEA: 1.9})
    assert own_relevance(one, Relevance((TEA,), [one])) == pytest.approx((0.6 + 1.5) / 2.5)


def test_a_placed_memory_is_held_to_its_context_also_when_its_neighbours_are_unknown() -> None:
    placed, apart = candidate(A, 0.5, terms={TEA: 1.0}, **PLACED), candidate(B, 0.5, terms={TEA: 1.0})
    ranked = {one.candidate.memory_id: one for one in fused([placed, apart], Relevance((TEA,), [placed]), [], {})}
    assert ranked[A].factors["context"].value == ranked[A].factors["terms"].value
    assert "context" not in ranked[B].factors


def test_what_is_lifted_does_not_overtake_what_lifts_it() -> None:
    """A memory at the end of a session has neighbours at two distances on one side; the best one amid has not."""
    first, best, last = candidate(A, 0.5, **PLACED), candidate(B, 0.52, **PLACED), candidate(C, 0.5, **PLACED)
    assert order([first, best, last], [A, B, C])[0] == B


def test_a_memory_gains_nothing_by_weaker_neighbours() -> None:
    alone, ranked = candidate(A, 0.9), [candidate(A, 0.9), candidate(B, 0.3)]
    [apart] = fused([alone], Relevance((), []), [], {})
    assert fused(ranked, Relevance((), []), [[A, B]], {})[0].score == apart.score
