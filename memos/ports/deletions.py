"""What a deletion of many memories means, how far it has come, and the port to the ledger's account of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from memos.ports.engines import Filter
from memos.records import Origin, Record, RecordKey

FIRST_ID = UUID(int=0)
MOST_EXAMPLES = 100
LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Selection:
    """Memories of one tenant that meet every condition; one that is `None` asks for nothing.

    `matching` is a filter as queries have it, and means here what it means there. With `foreseen_for`, those of
    the `memory_ids` that are no memory yet are meant as well: their tombstones are that agent's.
    """

    tenant: str
    memory_ids: Sequence[UUID] | None = None
    agent_id: str | None = None
    matching: Filter | None = None
    foreseen_for: str | None = None


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Tombstones of one tenant that still hold their content: those of the ids, and of before a moment."""

    tenant: str
    memory_ids: Sequence[UUID] | None
    deleted_before: datetime | None


class Tombstone(NamedTuple):
    """A memory that was deleted, and when."""

    record: RecordKey
    deleted_at: datetime


class Reach(NamedTuple):
    """How much a store got rid of, and how many records it could not be asked to forget."""

    store: str
    removed: int
    pending: int


class Part(NamedTuple):
    """A slice of what a selection means, in the order of ids.

    `records` are those that every store is to forget; `next` is the id with which the slice after this one
    begins, `None` after the last.
    """

    start: UUID
    records: Sequence[RecordKey]
    absent: int
    next: UUID | None


class Progress(Record):
    """What was done so far, by store and by table; the next slice begins with the id `start`."""

    start: UUID = FIRST_ID
    absent: int = 0
    examples: list[UUID] = []
    removed: dict[str, int] = {}
    pending: dict[str, int] = {}
    rows: dict[str, int] = {}

    def with_part(self, ids: Sequence[UUID], absent: int) -> "Progress":
        """With memories that the ledger has buried, and ids for which it has refused the store to come."""
        examples = [*self.examples, *ids][:MOST_EXAMPLES]
        removed = _sum(self.removed, {LEDGER: len(ids)})
        return self.model_copy(update={"absent": self.absent + absent, "examples": examples, "removed": removed})

    def with_reached(self, reached: Sequence[Reach]) -> "Progress":
        """With what the other stores got rid of, or could not be asked to."""
        removed = _sum(self.removed, *({reach.store: reach.removed} for reach in reached))
        pending = _sum(self.pending, *({reach.store: reach.pending} for reach in reached))
        return self.model_copy(update={"removed": removed, "pending": pending})

    def with_rows(self, rows: Mapping[str, int]) -> "Progress":
        """With rows of the ledger that are gone or emptied, by table."""
        return self.model_copy(update={"rows": _sum(self.rows, rows)})


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion or a purge of many memories, as it stands in the ledger."""

    deletion_id: UUID
    begun: datetime
    finished: bool
    progress: Progress


class Deletions(Protocol):
    """The ledger's account of deletions of many memories and of purges, which go on where they were left.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def begin(self, origin: Origin, digest: bytes) -> Deletion:
        """The deletion that a command began, or begins now. Raises `Conflict` for an id with another body."""
        ...

    async def look(self, selection: Selection, start: UUID, *, buried_since: datetime | None = None) -> Part:
        """A slice of the live memories that are meant, or of those buried since a moment; changes nothing."""
        ...

    async def bury(self, deletion: Deletion, selection: Selection) -> Part:
        """Leave tombstones in the next slice and count them; return what is to be forgotten elsewhere.

        Memories stored after the deletion began are left alone, unless their ids are given.
        """
        ...

    async def advance(self, deletion: Deletion, part: Part, reached: Sequence[Reach]) -> Deletion:
        """Note that the stores were told of a slice; after the last the deletion is finished."""
        ...

    async def correct(self, deletion: Deletion, reached: Sequence[Reach]) -> Deletion:
        """Note what the stores got rid of that was pending when the deletion finished, and what is still."""
        ...

    async def tombstones(self, wanted: Tombstones, after: Tombstone | None) -> list[Tombstone]:
        """A slice of the tombstones that still hold their content, in the order of their time."""
        ...

    async def count_rows(self, tombstones: Sequence[Tombstone]) -> Mapping[str, int]:
        """How many rows of each table a purge would empty or delete."""
        ...

    async def purge(
        self, deletion: Deletion, tombstones: Sequence[Tombstone], reached: Sequence[Reach]
    ) -> Deletion:
        """Empty tombstones for good, with all that says what they held; without any the purge is finished."""
        ...


def _sum(*counts: Mapping[str, int]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)
