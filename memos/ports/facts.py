"""The log of what has happened, and the stream that it is copied to."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from memos.records import EndedSession, ExpiredValue, Fact


class FactPage(NamedTuple):
    """Some of a tenant's facts in order, the position after which the next page begins, and the newest of all."""

    facts: list[Fact]
    position: int
    newest: int


class Placing(Protocol):
    """The right to give facts their positions, which one relay has at a time."""

    async def granted(self) -> bool:
        """Whether the right is this relay's, taken now if nobody has it. Raises `Unavailable`."""
        ...

    async def place(self, limit: int) -> int:
        """Give positions to at most `limit` committed facts; return the newest position. Raises `Unavailable`."""
        ...

    async def newest(self) -> int:
        """The newest position, while the right is still this relay's. Raises `Unavailable` once it is lost."""
        ...


class Facts(Protocol):
    """The log of what has happened: facts by their positions, which run from 1 without a gap.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def page(self, tenant: str, after: int, limit: int, types: Sequence[str]) -> FactPage:
        """At most `limit` of a tenant's facts after a position; those of some types, or with none given of all."""
        ...

    async def copies(self, after: int, limit: int) -> list[Fact]:
        """The next `limit` facts after a position, of all tenants."""
        ...

    async def newest(self) -> int:
        """The newest position; 0 when there is none."""
        ...

    async def unplaced(self) -> int:
        """How many facts are committed and have no position, so that nobody is told of them yet."""
        ...

    async def add_expired(self, values: Sequence[ExpiredValue]) -> None:
        """Add a fact for each key that expired, unless it was added before: one however often it is told."""
        ...

    async def add_ended(self, ended: EndedSession) -> None:
        """Add the fact that a session ended, unless it was added before."""
        ...

    def placing(self) -> AbstractAsyncContextManager[Placing]:
        """The right to place facts, for as long as this lasts and the connection that it is held on."""
        ...


class FactStream(Protocol):
    """The newest facts of all tenants where they can be waited for. Every method raises `Unavailable`."""

    @property
    def kept(self) -> int:
        """About how many facts are kept."""
        ...

    async def last(self) -> int:
        """The position of the last fact that was added; 0 when the stream is new or lost."""
        ...

    async def add(self, facts: Sequence[Fact], *, after: int) -> int:
        """Add facts if `after` is the last position, and else nothing; return the last position now."""
        ...

    async def rewind(self, newest: int, *, seen: int) -> int:
        """Empty the stream, for a log that ends at `newest`, if `seen` is its last position; return the last now.

        Consumer groups stay where they are; one past `newest` is set back to it, so that it misses nothing.
        """
        ...
