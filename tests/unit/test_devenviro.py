"""The parts of the examples that decide something: which agent, what a model has said, whether memory helped."""

import time
from uuid import UUID

import pytest
from devenviro.calls import Called, uses
from devenviro.demo_report import Shown, verdict
from devenviro.messages import AgentCard, Result, Task, check_name
from devenviro.reflection import NOTHING, read_reflection
from devenviro.roster import best
from devenviro.trace import SENTENCES, Event, line_of
from pydantic import ValidationError

from memos.errors import ConfigurationError

FEW = AgentCard(name="few", instance="few:1", capabilities=("search",))
MANY = AgentCard(name="many", instance="many:1", capabilities=("search", "todo"))
LESSON = UUID(int=1)


def test_the_agent_for_a_task_has_all_that_is_needed_and_as_little_else_as_may_be() -> None:
    assert best([FEW, MANY], {"todo"}, {}) == MANY
    assert best([MANY, FEW], {"search"}, {}) == FEW
    assert best([FEW, MANY], {"search", "paint"}, {}) is None


def test_the_agent_for_a_task_has_fewer_tasks_than_others() -> None:
    assert best([FEW, MANY], {"search"}, {"few": 2, "many": 1}) == MANY


def test_an_agent_that_died_on_a_task_is_chosen_again_only_if_there_is_no_other() -> None:
    assert best([FEW, MANY], {"search"}, {"many": 9}, avoided=["few"]) == MANY
    assert best([FEW], {"search"}, {}, avoided=["few"]) == FEW


def test_what_a_model_learned_is_read_from_whatever_stands_around_it() -> None:
    said = (
        'Well: {this}\n```json\n{"outcome": "partial", "lessons": [" Look first. "], "helped": [2]}\n``` {"a": 1}'
    )
    found = read_reflection(said)
    assert (found.outcome, found.lessons, found.helped) == ("partial", ["Look first."], frozenset({2}))


@pytest.mark.parametrize("said", ["", "Nothing.", "[1, 2]", '{"outcome": ', "{" * 100_000])
def test_a_model_that_says_no_object_has_learned_nothing(said: str) -> None:
    assert read_reflection(said) == NOTHING


def test_of_what_a_model_says_only_what_can_be_used_is_taken() -> None:
    found = read_reflection(
        '{"outcome": "great", "lessons": ["a", "a", "", 7, null], "helped": [true, "1", 3], "misled": [3, 4], '
        '"memories": "all"}'
    )
    assert (found.outcome, found.lessons) == (None, ["a"])
    assert (found.helped, found.misled, found.memories) == (frozenset({3}), frozenset({4}), frozenset())


def test_what_cannot_be_kept_of_a_lesson_is_left_out_and_what_is_the_same_then_is_said_once() -> None:
    found = read_reflection('{"lessons": ["a\\u0000b", "ab", "\\u0000", "x \\ud800"]}')
    assert found.lessons == ["ab", "x ?"]


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "x" * 101])
def test_what_an_orchestrator_cannot_be_called_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="An orchestrator cannot be called"):
        check_name(name)


def test_a_tool_that_never_worked_did_not_help_and_wrong_arguments_are_not_its_fault() -> None:
    worked, failed = (Called(tool_id="t", ok=ok, content="", latency_ms=8.0) for ok in (True, False))
    [mended] = uses([failed, worked])
    [broken] = uses([failed])
    assert (mended.helped, mended.latency_ms) == (None, 8.0)
    assert (broken.helped, broken.error) == (False, "none of its calls for the task succeeded")
    assert uses([Called(tool_id=None, ok=False, content="There is no tool.")]) == []


def test_a_task_has_an_id() -> None:
    with pytest.raises(ValidationError):
        Task(task_id="", text="Do it.")


def shown(*, lesson: bool, given: bool) -> Shown:
    """What was seen of a first task, and of a second one."""
    found = Shown(time.time(), quiet=True)
    if lesson:
        found.show(event("one", "learned", memory_id=str(LESSON), lesson="Look first."))
    found.show(event("two", "delegated", lessons=[str(LESSON)] if given else []))
    return found


def event(task_id: str, what: str, **details: object) -> Event:
    return Event(at=time.time(), who="somebody", what=what, task_id=task_id, details=details)


def result(task_id: str, tool_calls: int, state: str = "success") -> Result:
    return Result.model_validate(
        {"task_id": task_id, "attempt": 1, "agent": "a", "state": state, "tool_calls": tool_calls, "reason": "why"}
    )


def test_memory_helped_if_the_second_task_had_the_lesson_and_took_fewer_calls() -> None:
    found = verdict(shown(lesson=True, given=True), result("one", 4), result("two", 3))
    assert (found.passed, found.shared, found.lessons) == (True, [str(LESSON)], ["Look first."])


@pytest.mark.parametrize(
    ("seen", "first", "second", "fault"),
    [
        (shown(lesson=True, given=True), result("one", 4), result("two", 4), "The second task took 4 tool calls"),
        (shown(lesson=True, given=False), result("one", 4), result("two", 3), "had no lesson of the first one"),
        (shown(lesson=False, given=False), result("one", 4), result("two", 3), "Nothing was learned"),
        (shown(lesson=True, given=True), result("one", 4, "failure"), result("two", 3), "The first task ended as"),
    ],
)
def test_memory_did_not_help_otherwise(seen: Shown, first: Result, second: Result, fault: str) -> None:
    [told] = verdict(seen, first, second).faults
    assert fault in told


@pytest.mark.parametrize("what", [*SENTENCES, "unheard of"])
def test_every_event_is_told_in_one_line(what: str) -> None:
    line = line_of(event("one", what, task="Do\nthis.", lesson="x" * 1000))
    assert "\n" not in line
    assert len(line) < 400
