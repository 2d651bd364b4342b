"""Every error of the facade as problem details (RFC 9457)."""

import asyncio
import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memos.errors import Fault, InternalError, InvalidCommand, MemosError, TooLarge, Unavailable, UnknownRoute
from memos.events.problems import Problem, faults_in, problem_of, summary_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "1"
IN_REQUEST = ("body", "query", "path", "header")


def answer_with_problems(app: FastAPI) -> None:
    """Have the application answer every error with a problem document."""
    app.add_exception_handler(MemosError, _memos_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


class Unforeseen:
    """Answers with a problem document what no handler of errors knows, and a request that is cut short.

    A handler of `Exception` would have Starlette raise the error again after the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 500, or 503 when the facade stops, unless an answer has begun, which can only be broken off."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except (Exception, asyncio.CancelledError) as error:
            if begun or scope["type"] != "http":
                raise
            command_id = scope.get("state", {}).get("command_id")
            await problem_response(_problem_of(error, scope), command_id)(scope, receive, send)
            if isinstance(error, asyncio.CancelledError):
                raise


def _problem_of(error: BaseException, scope: Scope) -> MemosError:
    if isinstance(error, asyncio.CancelledError):  # uvicorn cancels what is not done when its patience ends
        return Unavailable(
            "The facade stops and waits no longer for an answer. Send the command again with the same id to learn "
            "the outcome."
        )
    log.error("%s %s failed in a way that was not foreseen", scope["method"], scope["path"], exc_info=error)
    return InternalError(f"The facade failed with {type(error).__name__}. Its log has the traceback.")


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
    if isinstance(error.__cause__, RecursionError):
        return problem_response(InvalidCommand("The body is nested too deeply to be read. Nest it less."))
    detail = f"The request could not be read: {error.detail}. Send JSON in UTF-8."
    return respond(_with_status(InvalidCommand(detail), error.status_code))


def _with_status(error: MemosError, status: int) -> Problem:
    return problem_of(error).model_copy(update={"status": status})


def _within(field: str) -> str:
    """A field's name without the part of the request that it stands in."""
    part, _, rest = field.partition(".")
    return rest if rest and part in IN_REQUEST else field
