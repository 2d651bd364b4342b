"""Paths in which a name may hold anything, a slash too."""

from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from memos.errors import Fault, InvalidCommand
from memos.events.problems import summary_of


class EncodedPath(APIRoute):
    """A route that is matched before what is percent-encoded is decoded, so that `a%2Fb` is one segment."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for this route, and if it is, what its path names.

        Raises `InvalidCommand` for a name that is not UTF-8, which would be read as another one otherwise.
        """
        raw = scope.get("raw_path", b"")
        if b"%" not in raw:
            return super().matches(scope)
        match, child = super().matches({**scope, "path": raw.decode("latin-1")})
        if "path_params" in child:
            child["path_params"] = {name: _decoded(name, value) for name, value in child["path_params"].items()}
        return match, child


def _decoded(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        fault = Fault(name, "must be UTF-8, percent-encoded")
        raise InvalidCommand(f"The request is not valid: {summary_of([fault])}.", faults=[fault]) from error
