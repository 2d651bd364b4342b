"""The ledger's memories."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from memos.errors import MemosError
from memos.records import Change, CommandKey, Deleted, Draft, Memory, MemoryVersion, Origin, Stored, Vector


class Memories(Protocol):
    """The ledger's memories: what is committed here is, and what is not here is not.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def handled(self, keys: Sequence[CommandKey]) -> set[CommandKey]:
        """Those of the commands that were handled before."""
        ...

    async def known_vectors(
        self, model: str, texts: Sequence[tuple[str, bytes]]
    ) -> Mapping[tuple[str, bytes], Vector]:
        """Vectors computed before, by tenant and content hash."""
        ...

    async def store(self, drafts: Sequence[Draft]) -> list[Stored | MemosError]:
        """Store drafts with their vectors, commands and facts in one transaction.

        One result each, in order: a `Conflict` or `Gone` refuses its own draft alone, and leaves no
        trace of it.
        """
        ...

    async def get(self, tenant: str, agent_id: str, memory_id: UUID) -> Memory:
        """The memory, if the agent sees it. Raises `NotFound`."""
        ...

    async def visible(self, tenant: str, agent_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Memory]:
        """Those of the memories that are live, unexpired and seen by the agent."""
        ...

    async def history(self, tenant: str, agent_id: str, memory_id: UUID) -> list[MemoryVersion]:
        """Every version of a memory that the agent sees, oldest first. Raises `NotFound`."""
        ...

    async def update(self, change: Change) -> Memory:
        """Change a memory and keep its former version. Raises `NotFound`, `Conflict`."""
        ...

    async def delete(self, origin: Origin, digest: bytes, agent_id: str, memory_id: UUID) -> Deleted:
        """Leave a tombstone, also for a memory that is yet to come. Raises `NotFound`, `Conflict`."""
        ...

    async def note_reach(self, origin: Origin, deleted: Deleted) -> None:
        """Keep how far a deletion reached, for the answer when it is asked again."""
        ...

    async def bury_expired(self, limit: int) -> int:
        """Leave tombstones for at most `limit` memories whose time is over; return how many those were."""
        ...

    async def claim(self, digests: Mapping[CommandKey, bytes]) -> Mapping[CommandKey, bytes]:
        """Take the ids of batches with what they say; return what each id was taken with first.

        Where a purge has removed that, any batch counts as the same.
        """
        ...

    async def ping(self) -> None:
        """Return when the ledger answers."""
        ...
