"""The ledger's account of which memories say nearly the same."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from memos.records import RecordKey


class Uncompared(NamedTuple):
    """A memory that has still to be compared with others, and when it was stored."""

    record: RecordKey
    created_at: datetime


class Said(NamedTuple):
    """What a memory said when it was looked at: the hash of its content, and who could see it."""

    content_hash: bytes
    visibility: str


class Comparison(NamedTuple):
    """A memory that has been compared, and those that say nearly the same, each with its similarity."""

    record: RecordKey
    said: Said
    alike: Mapping[RecordKey, tuple[Said, float]]


class Links(Protocol):
    """Links between memories that say nearly the same, and the memories that are to be looked at for them.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Whether it is this process's turn to compare: one at a time, for a page of at most some seconds."""
        ...

    async def some_to_compare(self, limit: int, after: Uncompared | None) -> list[Uncompared]:
        """At most `limit` live memories that have not been compared, oldest first, from the one after `after`."""
        ...

    async def add(self, comparisons: Sequence[Comparison]) -> int:
        """Note comparisons, and link what is alike; return how many pairs those were.

        What has been changed or deleted since it was looked at is left out, and compared again when it is live.
        """
        ...

    async def to_compare(self) -> int:
        """How many live memories have still to be compared."""
        ...
