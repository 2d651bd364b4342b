"""Answers of the facade that say no."""

import json

import httpx
from pydantic import ValidationError

from memos.errors import InternalError, MemosError
from memos.events.problems import Problem, error_of


def error_in(response: httpx.Response) -> MemosError:
    """The error that an answer stands for."""
    try:
        return error_of(Problem.model_validate(response.json()))
    except (json.JSONDecodeError, ValidationError):
        return InternalError(
            f"{response.request.url} answered {response.status_code} without a problem document: "
            f"{response.text[:200]!r}. See whether this is the address of memOS."
        )
