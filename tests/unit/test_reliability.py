"""How far a tool can be relied on, by what agents report of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from memos.records import Report, ToolStatistics, statistics_of


def report(agent_id: str = "ada", **fields: Any) -> Report:
    complete: dict[str, Any] = {
        "successes": 0,
        "failures": 0,
        "judged": 0,
        "plausible": 0,
        "latencies": 0,
        "latency_ms": 0.0,
        "last_error": None,
        "last_error_at": None,
        "last_outcome_at": day(1),
        **fields,
    }
    return Report("a tool", agent_id, **complete)


def day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


def test_a_tool_that_nobody_has_reported_of_is_believed_to_succeed_four_times_in_five() -> None:
    assert statistics_of([]) == ToolStatistics()
    assert statistics_of([]).success_rate == 0.8


def test_one_failure_does_not_sink_a_tool() -> None:
    assert statistics_of([report(failures=1)]).success_rate == pytest.approx(4 / 6, abs=1e-3)


def test_many_calls_of_one_agent_count_as_ten_in_their_ratio() -> None:
    assert statistics_of([report(successes=300, failures=700)]).success_rate == pytest.approx(7 / 15, abs=1e-3)
    assert (
        statistics_of([report(failures=10)]).success_rate == statistics_of([report(failures=10_000)]).success_rate
    )


def test_many_agents_outweigh_one() -> None:
    honest = [report(f"agent{number}", successes=10) for number in range(9)]

    assert statistics_of([*honest, report("liar", failures=1000)]).success_rate == pytest.approx(94 / 105, abs=1e-3)


def test_all_calls_are_counted_however_many_an_agent_reports() -> None:
    made = statistics_of([report(successes=300, failures=700), report("bob", successes=1)])

    assert (made.outcomes, made.successes) == (1001, 301)


def test_the_latency_is_the_mean_of_the_means_of_agents() -> None:
    reports = [report(latencies=100, latency_ms=1000.0), report("bob", latencies=1, latency_ms=30.0), report("eve")]

    assert statistics_of(reports).latency_ms == 20
    assert statistics_of([report(successes=1)]).latency_ms is None


def test_the_last_error_and_the_last_outcome_are_those_of_the_agent_who_came_last() -> None:
    reports = [
        report(last_error="older", last_error_at=day(2), last_outcome_at=day(9)),
        report("bob", last_error="newer", last_error_at=day(3), last_outcome_at=day(3)),
        report("eve", successes=1, last_outcome_at=day(5)),
    ]

    assert statistics_of(reports).last_error == "newer"
    assert statistics_of(reports).last_outcome_at == day(9)
