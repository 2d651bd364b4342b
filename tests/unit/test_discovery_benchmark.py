"""The parts of the discovery benchmarks that are pure: who reports what, how it is scored, and what is made up."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datasets import Question
    from discovery_scores import Asked

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])


def _solved(count: int, tools: int = 4) -> "list[Question]":
    from datasets import Question

    return [Question(f"task {number}", frozenset({f"T{number % tools}"})) for number in range(count)]


def _asked(wanted: set[str], ranked: str, *, needs: str = "", best: str = "") -> "Asked":
    from datasets import Question
    from discovery_scores import Asked, Found

    found = Found(tuple(ranked.split()), tuple(need or None for need in needs.split(",")), 1.0, 1.0)
    return Asked(Question("?", frozenset(wanted)), found, tuple(best.split()))


def test_outcomes_are_spread_evenly_over_agents_in_an_order_of_their_own() -> None:
    from discovery_plans import AGENTS, spread

    solved = _solved(100)
    first, again, other = (spread(solved, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert sorted(one.task for one in first) == sorted(one.text for one in solved)
    assert set(Counter(one.agent for one in first).values()) == {100 // len(AGENTS)}
    assert all(one.success and one.tool == f"T{int(one.task.split()[1]) % 4}" for one in first)


def test_discovery_is_measured_after_all_outcomes_and_before() -> None:
    from discovery_plans import sizes

    assert sizes(2612) == [20, 50, 100, 250, 1000, 2612]
    assert sizes(100) == [20, 50, 100]


def test_agents_that_are_no_liars_say_what_happened_whatever_the_lie() -> None:
    from discovery_plans import LIARS, lies, lying, spread

    outcomes = spread(_solved(200), 0)
    tools = ["T0", "T1", "T2", "T3"]
    for lie in lies(tools, {}, seed=1).values():
        told = lying(outcomes, lie.tell)
        for truth, said in zip(outcomes, told, strict=True):
            assert truth.agent in LIARS or truth == said
            assert (truth.task, truth.agent) == (said.task, said.agent)


def test_every_lie_is_told_as_it_is_called() -> None:
    from discovery_plans import LIARS, lies, lying, spread

    told = lies(["T0", "T1", "T2", "T3"], {f"task {number}": "T9" for number in range(200)}, seed=1)
    outcomes = [one for one in spread(_solved(200), 0) if one.agent in LIARS]
    said = {name: lying(outcomes, lie.tell) for name, lie in told.items()}
    pairs = zip(outcomes, said["a random tool"], strict=True)
    assert all(truth.tool != one.tool for truth, one in pairs)
    assert {one.tool for one in said["always one tool"]} == set(told["always one tool"].lifts)
    assert {one.tool for one in said["a few tools"]} == set(told["a few tools"].lifts)
    assert {one.tool for one in said["the most confusable tool"]} == {"T9"}
    assert not any(one.success for one in said["the right tool failed"])


def test_a_liar_who_lies_every_other_time_tells_the_truth_in_between() -> None:
    from discovery_plans import Outcome, lies, lying

    outcomes = [Outcome(f"task {number}", "right", "a") for number in range(4)]
    lie = lies(["T0", "T1", "T2", "T3"], {}, seed=1)["one tool, every other time"]
    [lifted] = lie.lifts
    assert [one.tool for one in lying(outcomes, lie.tell, {"a"})] == [lifted, "right", lifted, "right"]


def test_a_flood_claims_the_tasks_of_other_tools() -> None:
    from discovery_plans import ATTACKER, flood

    solved = _solved(100)
    claimed = flood(solved, "T1", 50, seed=1)
    assert len(claimed) == len({one.task for one in claimed}) == 50
    assert {(one.tool, one.agent, one.success) for one in claimed} == {("T1", ATTACKER, True)}
    own = {one.text for one in solved if "T1" in one.wanted}
    assert own.isdisjoint(one.task for one in claimed)
    assert len(flood(solved, "T1", 500, seed=1)) == 75


def test_slander_repeats_that_a_tool_failed_at_its_own_tasks() -> None:
    from discovery_plans import slander

    said = slander(_solved(8), "T1", 5)
    assert [one.task for one in said] == ["task 1", "task 5", "task 1", "task 5", "task 1"]
    assert not any(one.success for one in said)


def test_figures_are_means_over_the_questions() -> None:
    from discovery_scores import figures_of

    figures = figures_of([_asked({"a", "b"}, "a x b"), _asked({"a", "b"}, "x y z w v a b")])
    assert figures["R@1"] == 0.25
    assert figures["R@5"] == 0.5
    assert figures["R@10"] == 1
    assert figures["all in 5"] == 0.5


def test_a_text_is_cut_into_clauses_at_full_stops_and_conjunctions() -> None:
    from discovery_scores import clauses

    text = '"Book me a flight to Rome, and also tell me the weather there. Do you know salt and pepper?"'
    assert clauses(text) == ["Book me a flight to Rome", "tell me the weather there", "Do you know salt"]
    assert clauses("What is the weather?") == ["What is the weather"]


def test_coverage_counts_the_best_of_every_clause() -> None:
    from discovery_scores import coverage_of

    covered = coverage_of(
        [
            _asked({"a", "b"}, "a b", needs="fly,rain", best="a b"),
            _asked({"a", "b"}, "x y z v w a", needs="fly,fly,", best="a x"),
            _asked({"a"}, "a", needs="", best="a"),
        ]
    )
    assert covered["all in 5"] == pytest.approx(2 / 3)
    assert covered["several needs named"] == pytest.approx(1 / 3)
    assert covered["of several clauses"] == pytest.approx(2 / 3)
    assert covered["every clause's best in 5"] == 0.5
    assert covered["every clause's best in 10"] == 1


def test_a_tool_intrudes_only_where_it_is_not_wanted() -> None:
    from discovery_scores import intruding, standing

    asked = [_asked({"a"}, "a b"), _asked({"b"}, "a b"), _asked({"c"}, "c b a")]
    assert intruding(asked, ["a"], 1) == 0.5
    assert intruding(asked, ["a"], 5) == 1
    assert intruding(asked, ["a", "b"], 1) == 0
    assert standing(asked, "b", 1) == 0
    assert standing(asked, "b", 5) == 1


def test_the_most_confusable_tool_is_the_best_wrong_one() -> None:
    from discovery_scores import best_wrong, intruders, most_wanted

    asked = [_asked({"a"}, "a b"), _asked({"c"}, "b c"), _asked({"a"}, "c a")]
    assert [best_wrong(one.found, "a") for one in asked] == ["b", "b", "c"]
    assert best_wrong(_asked({"a"}, "a").found, "a") is None
    assert intruders(asked, ["a", "b", "c"]) == ["b", "c", "a"]
    assert most_wanted([one.question for one in asked]) == "a"


def test_the_name_of_a_tool_becomes_an_id_that_can_be_registered() -> None:
    from discovery_api import definitions, outcome_body
    from discovery_plans import Outcome

    from memos.events.tools import RegisterTool, ToolOutcome

    [body] = definitions({"PDF&URLTool": "Reads PDF."})
    assert RegisterTool.model_validate(body).tool_id == "PDF_URLTool"
    outcome = outcome_body(Outcome("Read this.", "PDF&URLTool", "a"))
    assert ToolOutcome.model_validate(outcome).tool_id == "PDF_URLTool"


def test_made_up_tools_are_different_valid_and_the_same_in_every_run() -> None:
    from synthetic import Texts
    from synthetic_tools import purposes, tools

    from memos.events.tools import RegisterTool

    words = [f"word{number}" for number in range(100)]
    first, again = (list(tools(purposes(50, 1), Texts(words, 1), 1)) for _ in range(2))
    assert first == again
    assert len({RegisterTool.model_validate(one).tool_id for one in first}) == 50


def test_made_up_outcomes_are_of_tools_that_there_are() -> None:
    from synthetic import Texts
    from synthetic_tools import outcomes, purposes

    some = purposes(10, 1)
    reported = list(outcomes(some, Texts(["word"], 1), 200, 1))
    assert {one.tool for one in reported} == {one.name for one in some}
    assert {one.success for one in reported} == {True, False}
    assert len({one.agent for one in reported}) > 40


def test_without_its_data_the_benchmark_says_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import discovery

    monkeypatch.setattr(sys, "argv", ["discovery.py", "--data", str(tmp_path)])
    discovery.main()
    said = capsys.readouterr().err
    assert "HowieHwong/MetaTool" in said
    assert "outcomes_*.jsonl" in said
