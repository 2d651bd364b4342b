"""How far agents are believed, and by how much each can move what is believed of a tool."""

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.discovery.reports import Reports
from memos.discovery.trust import Judged, belief, belief_of_tool, bounded, headstart, plausible_rank
from memos.records import Evidence, Report

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def report(agent_id: str, tool_id: str = "tool", *, judged: int = 0, plausible: int = 0) -> Report:
    return Report(tool_id, agent_id, judged, 0, judged, plausible, 0, 0.0, None, None, NOW)


def evidence(agent_id: str, tasks: int, *, successes: int = 1, failures: int = 0) -> list[Evidence]:
    return [Evidence("tool", agent_id, bytes([task]), successes, failures) for task in range(tasks)]


def test_an_agent_whose_reports_are_mostly_plausible_is_fully_believed() -> None:
    assert belief(Judged(0, 0)) == belief(Judged(1, 1)) == belief(Judged(100, 60)) == 1.0


def test_an_agent_is_believed_less_the_fewer_of_its_reports_are_plausible() -> None:
    assert 1.0 > belief(Judged(100, 40)) > belief(Judged(100, 20)) > belief(Judged(100, 5))
    assert belief(Judged(500, 25)) < 0.02


def test_of_one_tool_an_agent_is_believed_by_how_plausible_others_are_of_it() -> None:
    assert belief_of_tool(Judged(20, 18), Judged(50, 45)) == 1.0
    assert belief_of_tool(Judged(20, 1), Judged(50, 45)) < 0.1
    assert belief_of_tool(Judged(20, 1), Judged(50, 4)) == 1.0


def test_an_agent_that_lies_of_one_tool_only_is_not_believed_of_that_one() -> None:
    reports = Reports()
    reports.hear([report("ann", judged=30, plausible=27), report("liar", judged=30, plausible=1)])
    reports.hear([report("liar", "other", judged=100, plausible=90)])
    reports.learn([Evidence(tool_id, "liar", b"task", 1, 0) for tool_id in ("tool", "other")])
    assert reports.believed("tool").solved[b"task"].believed < 0.1
    assert reports.believed("other").solved[b"task"].believed == 1.0


def test_a_plausible_tool_is_among_the_best_five_percent_and_three_in_any_case() -> None:
    assert [plausible_rank(tools) for tools in (1, 20, 199, 5000)] == [3, 3, 9, 250]


def test_the_reports_of_one_agent_are_bounded_by_those_of_the_others() -> None:
    factors = bounded({"liar": 500.0, "ann": 10.0}, headstart(19))
    assert 500 * factors["liar"] == pytest.approx(14)
    assert factors["ann"] == 1.0
    assert bounded({"ann": 500.0}, headstart(0)) == {"ann": 1.0}


def test_an_agent_is_bounded_the_more_the_more_others_there_are_and_not_at_once() -> None:
    assert [headstart(others) for others in (0, 1, 2, 3, 4, 19, 1000)] == [inf, 34, 18, 18, 10, 4, 2.0625]


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 1000), max_size=6), st.floats(0, 50))
def test_what_counts_of_an_agent_is_never_more_than_it_reports_nor_than_its_bound(
    reported: dict[str, float], most: float
) -> None:
    factors = bounded(reported, most)
    for agent, amount in reported.items():
        others = sum(reported.values()) - amount
        assert 0 <= factors[agent] <= 1
        assert amount * factors[agent] <= most + others + 1e-6


def test_one_agent_among_many_cannot_report_a_tool_to_have_failed_at_more_than_a_few_tasks() -> None:
    reports = Reports()
    reports.hear([report(f"agent{number}", "other") for number in range(40)])
    reports.hear([report("liar", judged=50, plausible=50)])
    reports.learn(evidence("liar", 50, successes=0, failures=1))
    assert sum(one.amount for one in reports.believed("tool").failed.values()) == pytest.approx(3)


def test_a_flood_of_implausible_successes_is_worth_next_to_nothing() -> None:
    reports = Reports()
    reports.hear([report("ann", judged=5, plausible=5), report("liar", judged=200, plausible=10)])
    reports.learn(evidence("liar", 200))
    assert sum(one.believed for one in reports.believed("tool").solved.values()) < 1


def test_a_task_that_a_tool_solved_at_times_counts_by_how_often() -> None:
    reports = Reports()
    reports.learn(evidence("ann", 1, successes=3, failures=1))
    assert reports.believed("tool").solved == {b"\x00": (0.75, 0.75)}
    assert reports.believed("tool").failed == {b"\x00": (0.25, 0.25)}


def test_a_change_of_belief_concerns_every_tool_that_the_agent_reported_of() -> None:
    reports = Reports()
    reports.hear(
        [report("ann", "elsewhere", judged=9, plausible=9), report("liar", "first", judged=1, plausible=1)]
    )
    assert reports.hear([report("liar", "second", judged=60, plausible=0)]) == {"first", "second"}
    assert reports.hear([report("ann", "elsewhere", judged=10, plausible=10)]) == {"elsewhere"}


def test_forgetting_a_tool_takes_its_reports_out_of_what_is_believed_of_agents() -> None:
    reports = Reports()
    reports.hear([report("ann", "kept"), report("liar", "kept", judged=2, plausible=2)])
    reports.hear([report("liar", judged=60, plausible=0)])
    reports.learn([Evidence("kept", "liar", b"task", 1, 0)])
    assert reports.believed("kept").solved[b"task"].believed < 0.2
    assert reports.forget("tool") == {"kept"}
    assert reports.believed("kept").solved == {b"task": (1.0, 1.0)}
