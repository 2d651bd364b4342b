"""Errors as OpenAI's API has them, so that its clients raise what they would raise there."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from memos.errors import InvalidCommand, MemosError, TooLarge

INVALID = 400
SERVER_ERROR = 500
RETRY = {"retry-after": "1"}
NO_RETRY = {"x-should-retry": "false"}
"""What tells OpenAI's clients that the same request would be answered in the same way."""


class OpenAIRoute(APIRoute):
    """A route whose errors are in OpenAI's shape instead of problem documents."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors answered."""
        handler = super().get_route_handler()

        async def answering(request: Request) -> Response:
            try:
                return await handler(request)
            except MemosError as error:
                return refusal_of(error)
            except HTTPException as error:
                return _unread(error)

        return answering


def refusal(
    status: int, message: str, *, code: str, param: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """An error response; `param` names the field or header that is wrong."""
    return Response(to_json(said(status, message, code, param)), status, headers, "application/json")


def refusal_of(error: MemosError) -> Response:
    """The response that an error becomes."""
    status = INVALID if isinstance(error, InvalidCommand) else error.status
    param = error.faults[0].field if error.faults else None
    headers = RETRY if error.transient else None
    return refusal(status, error.detail, code=error.code, param=param, headers=headers)


def said(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    """The error document, which stands in a stream too."""
    kind = "invalid_request_error" if status < SERVER_ERROR else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _unread(error: HTTPException) -> Response:
    """The answer to a request whose body was not read."""
    if error.status_code == TooLarge.status:
        return refusal_of(TooLarge("The body is larger than memOS reads. Send less."))
    return refusal(error.status_code, f"The request could not be read: {error.detail}.", code=InvalidCommand.code)
