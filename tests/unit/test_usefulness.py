"""How useful a memory is: what its agents report, bounded for each and fading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.records.usefulness import (
    HALF_LIFE_DAYS,
    MOST_REPORTS,
    Usefulness,
    UseReports,
    fading,
    usefulness_of,
)

shares = st.floats(0, 1)
reports = st.tuples(shares, shares).map(
    lambda both: UseReports(MOST_REPORTS * both[0] * both[1], MOST_REPORTS * both[0] * (1 - both[1]))
)
weights = st.floats(-1, 1)
days = st.floats(0, 2000)


def told(*said: float) -> UseReports:
    """The reports of one agent, one after the other."""
    kept = UseReports()
    for weight in said:
        kept = kept.plus(weight)
    return kept


def value(*agents: UseReports) -> float:
    return usefulness_of(agents).value


def test_a_memory_of_which_nobody_reports_is_neither_useful_nor_useless() -> None:
    assert usefulness_of([]) == usefulness_of([told(0.0)]) == Usefulness(0.0, 0.0)


def test_one_report_moves_it_a_third_and_a_second_of_the_same_agent_to_a_half() -> None:
    assert value(told(1)) == pytest.approx(1 / 3)
    assert value(told(-1)) == pytest.approx(-1 / 3)
    assert value(told(1, 1)) == pytest.approx(1 / 2)


def test_a_report_that_is_implied_counts_for_less_than_one_that_is_said() -> None:
    assert 0 < value(told(0.25)) < value(told(1))


def test_a_thousand_reports_of_one_agent_count_as_two() -> None:
    assert value(told(*[1.0] * 1000)) == pytest.approx(value(told(1, 1)))


def test_an_agent_that_has_changed_its_mind_is_believed_what_it_says_now() -> None:
    assert value(told(*[1.0] * 1000, -1, -1, -1)) < 0


def test_more_agents_that_agree_make_it_surer() -> None:
    alone, several, many = value(told(1)), value(*[told(1)] * 3), value(*[told(1)] * 20)
    assert alone < several < many < 1


@pytest.mark.parametrize(("honest", "most"), [(2, 0.4), (5, 0.1), (20, 0.01)])
def test_one_that_lies_moves_little_among_honest_ones_and_less_the_more_they_are(honest: int, most: float) -> None:
    liar = told(*[-1.0] * 1000)
    agreed = [told(1)] * honest
    assert 0 < value(*agreed) - value(*agreed, liar) < most


def test_two_that_say_the_opposite_are_both_not_believed() -> None:
    assert value(told(1, 1), told(-1, -1)) == pytest.approx(0)


def test_a_report_counts_for_half_after_a_half_life_and_a_clock_that_is_behind_adds_nothing() -> None:
    assert told(1).faded(HALF_LIFE_DAYS) == UseReports(0.5, 0.0)
    assert fading(-1) == fading(0) == 1


def test_old_reports_make_room_for_new_ones() -> None:
    old = told(-1, -1).faded(4 * HALF_LIFE_DAYS)
    assert value(old.plus(1)) > 0


@given(st.lists(reports, max_size=8))
def test_it_stays_between_minus_one_and_one(agents: list[UseReports]) -> None:
    assert -1 <= value(*agents) <= 1


@given(st.lists(weights, max_size=30))
def test_what_one_agent_reports_is_bounded_whatever_it_says(said: list[float]) -> None:
    kept = told(*said)
    assert kept.helped >= 0
    assert kept.hindered >= 0
    assert kept.amount <= MOST_REPORTS + 1e-9
    assert abs(value(kept)) <= 0.5 + 1e-9


@given(st.lists(reports, min_size=1, max_size=6), st.floats(0, 1))
def test_a_further_helpful_report_never_makes_it_less_useful(agents: list[UseReports], weight: float) -> None:
    assert value(agents[0].plus(weight), *agents[1:]) >= value(*agents) - 1e-9


@given(st.lists(reports, min_size=1, max_size=6))
def test_it_does_not_matter_who_says_what(agents: list[UseReports]) -> None:
    opposite = [UseReports(one.hindered, one.helped) for one in agents]
    assert value(*reversed(agents)) == pytest.approx(value(*agents))
    assert value(*opposite) == pytest.approx(-value(*agents))


@given(st.lists(reports, max_size=6), days)
def test_what_is_read_later_is_what_would_be_put_together_then(agents: list[UseReports], later: float) -> None:
    then = usefulness_of([one.faded(later) for one in agents])
    assert usefulness_of(agents).faded(later) == pytest.approx(then.value, abs=1e-9)


@given(st.lists(reports, max_size=6), days, days)
def test_it_fades_and_never_comes_back_by_itself(agents: list[UseReports], sooner: float, later: float) -> None:
    first, last = sorted((sooner, later))
    whole = usefulness_of(agents)
    assert abs(whole.faded(last)) <= abs(whole.faded(first)) + 1e-12
