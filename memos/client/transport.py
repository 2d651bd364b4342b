"""How a client reaches memOS: what every way has in common."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from memos.events.commands import Command
from memos.records import Fact


class Transport(Protocol):
    """Carries a command to memOS and its reply back."""

    async def send(self, command: Command, command_id: str, timeout: float) -> Any:
        """The data of the reply, as parsed JSON.

        Raises the error that memOS answered with, `DeadlineExceeded` when no answer came within
        `timeout` seconds, `Unavailable` when memOS could not be reached.
        """
        ...

    async def post(self, command: Command, command_id: str) -> None:
        """Hand a command over without awaiting a reply. Raises `Unavailable`."""
        ...

    def follow(
        self, after: int | None, types: Sequence[str], *, group: str | None = None, consumer: str | None = None
    ) -> AsyncIterator[Fact]:
        """Facts without end, after a position or from now on, or as a consumer group is given them.

        Raises what fails before the first answer; later failures that can pass are waited out.
        """
        ...
