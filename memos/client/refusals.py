"""Answers of the facade that say no, and what is raised where there is no answer."""

import json
from collections.abc import Mapping

import httpx
from pydantic import ValidationError

from memos.errors import Closed, DeadlineExceeded, InternalError, MemosError, Overloaded, Unavailable
from memos.events.problems import Problem, error_of
from memos.waiting import seconds_asked_for

OF_A_PROXY: Mapping[int, type[MemosError]] = {
    429: Overloaded,
    502: Unavailable,
    503: Unavailable,
    504: DeadlineExceeded,
}
"""What the answers mean of whatever stands before a facade that is away: they have no problem document."""


def error_in(response: httpx.Response) -> MemosError:
    """The error that an answer stands for, with the time for which it says to stay away."""
    try:
        error = error_of(Problem.model_validate(response.json()))
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError):
        error = OF_A_PROXY.get(response.status_code, InternalError)(
            f"{response.request.url} answered {response.status_code} without a problem document: "
            f"{response.text[:200]!r}. See whether this is the address of memOS, and whether it runs."
        )
    error.retry_after = seconds_asked_for(response.headers.get("retry-after", ""))
    return error


def json_in(response: httpx.Response) -> object:
    """The document of an answer. Raises the error that it stands for, and `InternalError` when it is none."""
    if response.is_error:
        raise error_in(response)
    try:
        return response.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InternalError(
            f"{response.request.url} answered {response.status_code} without JSON: {response.text[:200]!r}. "
            "See whether this is the address of memOS."
        ) from error


def unreachable(http: httpx.AsyncClient, error: httpx.HTTPError) -> MemosError:
    """The error of a request that came to no answer."""
    if http.is_closed:
        return closed(http)
    what = f"{type(error).__name__} {error}".strip()
    return Unavailable(f"The facade at {http.base_url} could not be reached: {what}. See that it runs.")


def closed(http: httpx.AsyncClient) -> Closed:
    """The error of whoever asks, or waits for an answer, when the client is closed."""
    return Closed(
        f"The client of {http.base_url} was closed. Open another, and send the command again with the same id to "
        "learn the outcome."
    )
