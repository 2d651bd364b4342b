"""Commands on working memory as requests to the REST facade."""

from collections.abc import Callable, Mapping
from typing import Any

from memos.client.http_request import Request, body_of, segment
from memos.events.commands import Command
from memos.events.sessions import (
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    PromoteSession,
    ReadSession,
)
from memos.events.working import (
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    InSession,
    ListWorking,
    SetWorking,
)

PLACE = ("session_id", "agent_id")
"""The fields of a command that say which session is meant; they are not in the body."""


def _path(command: InSession, rest: str = "") -> str:
    return f"/v1/working/{segment(command.session_id)}{rest}"


def _agent(command: InSession) -> dict[str, Any]:
    return {"agent_id": command.agent_id}


def _posted(rest: str) -> Callable[[Any], Request]:
    """A request whose body has all fields of a command but those of its place."""
    return lambda command: Request("POST", _path(command, rest), body_of(command, *PLACE), _agent(command))


def _posted_to_key(rest: str) -> Callable[[Any], Request]:
    """The same for a command on one key, which is in the path."""

    def request(command: Any) -> Request:
        path = _path(command, f"/keys/{segment(command.key)}{rest}")
        return Request("POST", path, body_of(command, *PLACE, "key"), _agent(command))

    return request


def _asked(method: str, rest: str = "") -> Callable[[Any], Request]:
    """A request without a body: all fields of a command but its session are in the query."""

    def request(command: Any) -> Request:
        params = command.model_dump(mode="json", exclude_defaults=True, exclude=set(PLACE))
        return Request(method, _path(command, rest), params={**params, **_agent(command)})

    return request


def _message(command: AppendMessage) -> Request:
    return Request("POST", _path(command, "/messages"), body_of(command.message), _agent(command))


def _configure(command: ConfigureSession) -> Request:
    return Request("PATCH", _path(command), body_of(command.options), _agent(command))


WORKING: Mapping[type[Command], Callable[[Any], Request]] = {
    SetWorking: _posted("/keys"),
    GetWorking: _posted("/keys/get"),
    ListWorking: _asked("GET", "/keys"),
    DeleteWorking: _posted("/keys/delete"),
    IncrementWorking: _posted_to_key("/increment"),
    AppendWorking: _posted_to_key("/append"),
    AppendMessage: _message,
    AppendMessages: _posted("/messages/batch"),
    ReadSession: _asked("GET"),
    ListSessions: lambda command: Request("GET", "/v1/working", params=command.model_dump()),
    ConfigureSession: _configure,
    EndSession: _asked("DELETE"),
    PromoteSession: _posted("/promote"),
}
