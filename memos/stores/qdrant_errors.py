"""What the client of a Qdrant server raises, as kinds of `MemosError`."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from memos.errors import InvalidCommand, MemosError, Unavailable

REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
"""Answers that the same request will always get."""


@contextmanager
def engine_errors(doing: str, where: str) -> Iterator[None]:
    """Turn what the client raises into `InvalidCommand` (the server refuses the request) or `Unavailable`."""
    try:
        yield
    except UnexpectedResponse as error:
        raise _refusal(doing, where, error) from error
    except (ResponseHandlingException, QdrantException, OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "source", error)
        raise Unavailable(
            f"{where} failed to {doing}: {str(reason) or type(reason).__name__}. See that it runs and that "
            f"MEMOS_QDRANT_URL is right."
        ) from error


def _refusal(doing: str, where: str, error: UnexpectedResponse) -> MemosError:
    said = f"{where} failed to {doing}: {error.status_code} {error.content.decode(errors='replace')[:500]}."
    if error.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Unavailable(f"{said} Set MEMOS_QDRANT_API_KEY to a key that may write.")
    if error.status_code in REFUSALS:
        return InvalidCommand(said)
    return Unavailable(f"{said} See the server's log.")
