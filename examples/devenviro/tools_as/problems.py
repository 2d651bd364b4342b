"""Every error of tools.as as problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """A value that does not fit, by its path in the request."""

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong."""

    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    faults: list[Fault] = []


class ToolProblem(Exception):
    """An answer that is an error; the message says what happened, to what, and what to do."""

    status = 500
    title = "Failed"
    headers: Mapping[str, str] = {}


class NotFound(ToolProblem):
    """There is no such thing."""

    status, title = 404, "Not found"


class Conflict(ToolProblem):
    """The key of a request is that of another one."""

    status, title = 409, "Conflict"


class NotValid(ToolProblem):
    """A value does not fit."""

    status, title = 422, "Not valid"


class TooMany(ToolProblem):
    """A search engine wants to be asked less often."""

    status, title = 429, "Too many requests"

    def __init__(self, detail: str, retry_after: str) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": retry_after}


class SearchAway(ToolProblem):
    """A search engine is out of reach, or answers what is none."""

    status, title = 502, "Search is away"


class SearchLate(ToolProblem):
    """A search engine does not answer in time."""

    status, title = 504, "Search is late"


def responses(*kinds: type[ToolProblem]) -> dict[int | str, dict[str, Any]]:
    """How an operation says which of the errors it answers."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        kind.status: {"description": kind.__doc__, "content": {MEDIA_TYPE: {"schema": schema}}} for kind in kinds
    }


def answer_with_problems(app: FastAPI) -> None:
    """Have the application answer every error with a problem document."""
    app.add_exception_handler(ToolProblem, _tool_problem)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http_error)


def _problem(
    kind: type[ToolProblem], detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> JSONResponse:
    problem = Problem(title=kind.title, status=kind.status, detail=detail, faults=list(faults))
    return JSONResponse(problem.model_dump(), kind.status, headers, MEDIA_TYPE)


async def _tool_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ToolProblem)  # noqa: S101
    return _problem(type(error), str(error), headers=error.headers)


async def _not_valid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = [
        Fault(field=".".join(map(str, one["loc"][1:])) or str(one["loc"][0]), message=one["msg"])
        for one in error.errors()
    ]
    told = "; ".join(f"{fault.field}: {fault.message}" for fault in faults)
    return _problem(NotValid, f"The request is not valid: {told}.", faults)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    problem = Problem(
        title=error.detail,
        status=error.status_code,
        detail=f"{request.method} {request.url.path}: {error.detail}. See /docs for what there is.",
    )
    return JSONResponse(problem.model_dump(), error.status_code, error.headers, MEDIA_TYPE)
