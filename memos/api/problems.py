"""Every error of the facade as problem details (RFC 9457)."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from memos.errors import Fault, InvalidCommand, MemosError, TooLarge, UnknownRoute
from memos.events.problems import Problem, faults_in, problem_of, summary_of

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "1"
IN_REQUEST = ("body", "query", "path", "header")


def answer_with_problems(app: FastAPI) -> None:
    """Have the application answer every error with a problem document."""
    app.add_exception_handler(MemosError, _memos_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def problem_response(error: MemosError, command_id: str | None = None) -> Response:
    """The response that an error becomes."""
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if error.transient else None
    return respond(problem_of(error, command_id), headers=headers)


def respond(problem: Problem, *, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as a response."""
    return Response(to_json(problem, exclude_none=True), problem.status, media_type=MEDIA_TYPE, headers=headers)


async def _memos_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MemosError)  # noqa: S101
    return problem_response(error, getattr(request.state, "command_id", None))


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = [Fault(_within(fault.field), fault.message) for fault in faults_in(error.errors())]
    return problem_response(InvalidCommand(f"The request is not valid: {summary_of(faults)}.", faults=faults))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code in {404, 405}:
        missing = UnknownRoute(f"There is no {request.method} {request.url.path}. See /docs for what there is.")
        return respond(_with_status(missing, error.status_code), headers=error.headers)
    if error.status_code == TooLarge.status:
        return problem_response(TooLarge("The body is larger than memOS reads. Send it in several requests."))
    detail = f"The request could not be read: {error.detail}. Send JSON in UTF-8."
    return respond(_with_status(InvalidCommand(detail), error.status_code))


def _with_status(error: MemosError, status: int) -> Problem:
    return problem_of(error).model_copy(update={"status": status})


def _within(field: str) -> str:
    """A field's name without the part of the request that it stands in."""
    part, _, rest = field.partition(".")
    return rest if rest and part in IN_REQUEST else field
