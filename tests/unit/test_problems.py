"""Errors as problem documents, and back."""

import pytest
from pydantic import ValidationError

from memos.errors import ERRORS, Fault, InternalError, InvalidCommand, MemosError
from memos.events.memories import StoreMemories
from memos.events.problems import Problem, error_of, faults_of, invalid, problem_of, summary_of


def subclasses(kind: type[MemosError]) -> set[type[MemosError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


@pytest.mark.parametrize("kind", ERRORS.values())
def test_an_error_comes_back_as_what_it_was(kind: type[MemosError]) -> None:
    problem = problem_of(kind("It broke.", faults=[Fault("a.0.b", "is odd")]), "7")
    error = error_of(Problem.model_validate_json(problem.model_dump_json()))

    assert type(error) is kind
    assert (error.detail, error.faults) == ("It broke.", (Fault("a.0.b", "is odd"),))
    assert (problem.status, problem.code, problem.command_id) == (kind.status, kind.code, "7")
    assert problem.type == f"urn:memos:problem:{kind.code}"


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    kinds = subclasses(MemosError) - {MemosError}
    assert {kind.code: kind for kind in kinds} == dict(ERRORS)
    assert len(kinds) == len(ERRORS)


@pytest.mark.parametrize("kind", ERRORS.values())
def test_every_kind_of_error_has_a_status_of_a_failure(kind: type[MemosError]) -> None:
    assert 400 <= kind.status < 600
    assert not kind.transient or kind.status in {429, 503, 504}


def test_a_code_that_is_not_known_yet_is_an_internal_error() -> None:
    problem = problem_of(InvalidCommand("It broke.")).model_copy(update={"code": "of-the-future"})
    assert type(error_of(problem)) is InternalError


def test_faults_name_the_field_within_lists_and_say_nothing_of_the_input() -> None:
    with pytest.raises(ValidationError) as refused:
        StoreMemories.model_validate({"memories": [{"content": "x"}, {"content": "", "secret": "hunter2"}]})
    faults = faults_of(refused.value)
    assert [fault.field for fault in faults] == ["memories.1.content", "memories.1.secret"]
    assert "hunter2" not in str(faults)


def test_a_fault_of_the_whole_is_named_as_such() -> None:
    with pytest.raises(ValidationError) as refused:
        StoreMemories.model_validate(5)
    error = invalid("StoreMemories", refused.value)
    assert [fault.field for fault in error.faults] == ["body"]
    assert error.detail.startswith("StoreMemories is not valid: ")
    assert "body" not in error.detail


def test_a_summary_is_one_line_however_many_faults_there_are() -> None:
    faults = [Fault(f"f{number}", "is odd") for number in range(7)]
    assert summary_of(faults[:2]) == "f0: is odd; f1: is odd"
    assert summary_of(faults).endswith("f4: is odd; and 2 more")
