"""How every part of the SDK makes its commands and sends them."""

from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from memos.events.commands import Command, Reply
from memos.events.problems import invalid

R = TypeVar("R", bound=Reply)


class Sender(Protocol):
    """What sends commands: a `Client`."""

    async def send(
        self, command: Command, reply: type[R], command_id: str | None = None, *, timeout: float | None = None
    ) -> R:
        """Send a command and await its reply, for `timeout` seconds or as long as the client waits."""
        ...

    async def post(self, command: Command, command_id: str | None = None) -> str:
        """Hand a command over without awaiting its reply; return its id."""
        ...


def build(kind: type[Any], /, **fields: Any) -> Any:
    """A command or part of one from arguments. Raises `InvalidCommand` naming each field that is wrong."""
    try:
        return kind(**fields)
    except ValidationError as error:
        raise invalid(kind.__name__, error) from error
