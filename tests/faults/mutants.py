"""Workers with a fault built in, to see that the harness finds it: `python -m faults.mutants NAME worker …`.

Each changes one thing from outside; nothing of it is in the package.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from memos.cli import main
from memos.events.streams import GROUP
from memos.records import CommandKey
from memos.stores import claims
from memos.stores.memories import PostgresMemories


def ack_before_commit() -> None:
    """Acknowledge and delete entries as soon as they are read, before they are handled."""
    read = Redis.xreadgroup

    async def read_and_acknowledge(self: Any, *args: Any, **named: Any) -> Any:
        found: Any = await read(self, *args, **named)
        for stream, entries in found or ():
            if ids := [entry for entry, _ in entries]:
                await self.xack(stream, GROUP, *ids)
                await self.xdel(stream, *ids)
        return found

    _replace(Redis, "xreadgroup", read_and_acknowledge)


def no_idempotency() -> None:
    """Take every delivery for a command that was never handled before."""

    async def claim(
        _connection: Any, _sql: Any, commands: Sequence[tuple[CommandKey, Any, Any]]
    ) -> set[CommandKey]:
        return {key for key, *_ in commands}

    async def handled(_self: PostgresMemories, _keys: Sequence[CommandKey]) -> set[CommandKey]:
        return set()

    _replace(claims, "claim", claim)
    _replace(PostgresMemories, "handled", handled)


MUTATIONS: Mapping[str, Callable[[], None]] = {
    "ack-before-commit": ack_before_commit,
    "no-idempotency": no_idempotency,
}
"""What can be broken, by its name."""


def _replace(owner: Any, name: str, with_what: Any) -> None:
    """Put something in the place of a member, which must be there."""
    getattr(owner, name)
    setattr(owner, name, with_what)


if __name__ == "__main__":
    MUTATIONS[sys.argv.pop(1)]()
    main()
