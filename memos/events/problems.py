"""Errors as data: RFC 9457 problem details, the same on the bus and over HTTP."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from memos.errors import ERRORS, Fault, InternalError, InvalidCommand, MemosError

PROBLEM_TYPE = "memos.problem.v1"

WHOLE = "body"
"""The field of what is wrong with all of the input together."""


class FieldFault(BaseModel):
    """One field of the input and what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong, to what, and what to do (RFC 9457); `code` names the kind of error."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    code: str
    faults: list[FieldFault] = []
    command_id: str | None = None


def problem_of(error: MemosError, command_id: str | None = None) -> Problem:
    """The problem document of an error."""
    return Problem(
        type=f"urn:memos:problem:{error.code}",
        title=error.code.replace("-", " ").capitalize(),
        status=error.status,
        detail=error.detail,
        code=error.code,
        faults=[FieldFault(field=fault.field, message=fault.message) for fault in error.faults],
        command_id=command_id,
    )


def error_of(problem: Problem) -> MemosError:
    """The error that a problem document stands for."""
    kind = ERRORS.get(problem.code, InternalError)
    return kind(problem.detail, faults=[Fault(fault.field, fault.message) for fault in problem.faults])


def faults_of(error: ValidationError) -> list[Fault]:
    """Which fields failed validation, dotted (`memories.3.content`), and why."""
    return faults_in(error.errors(include_url=False, include_context=False, include_input=False))


def faults_in(errors: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """The same from the error list of pydantic or FastAPI."""
    return [Fault(".".join(map(str, error["loc"])) or WHOLE, error["msg"]) for error in errors]


def summary_of(faults: Sequence[Fault], most: int = 5) -> str:
    """The first faults in one line."""
    told = (message if field == WHOLE else f"{field}: {message}" for field, message in faults[:most])
    shown = "; ".join(told)
    return f"{shown}; and {len(faults) - most} more" if len(faults) > most else shown


def invalid(name: str, error: ValidationError) -> InvalidCommand:
    """The error of a command whose data does not fit its contract."""
    faults = faults_of(error)
    return InvalidCommand(f"{name} is not valid: {summary_of(faults)}.", faults=faults)
