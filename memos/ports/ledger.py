"""The ledger's memories."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from memos.errors import MemosError
from memos.ports.engines import Filter
from memos.records import (
    Change,
    CommandKey,
    Deleted,
    Draft,
    Former,
    Link,
    Memory,
    MemoryVersion,
    Neighbours,
    Origin,
    RecordKey,
    SessionKey,
    Stored,
    TextKey,
    Vector,
)


class Memories(Protocol):
    """The ledger's memories: what is committed here is, and what is not here is not.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def handled(self, keys: Sequence[CommandKey]) -> set[CommandKey]:
        """Those of the commands that were handled before."""
        ...

    async def known_vectors(self, model: str, texts: Sequence[TextKey]) -> Mapping[TextKey, Vector]:
        """Vectors computed before, by tenant and content hash."""
        ...

    async def store(self, drafts: Sequence[Draft]) -> list[Stored | MemosError]:
        """Store drafts with their vectors, commands and facts in one transaction, and supersede what they name.

        One result each, in order: a `Conflict`, `Gone` or `NotFound` refuses its own draft alone, and leaves
        no trace of it.
        """
        ...

    async def get(self, tenant: str, agent_id: str, memory_id: UUID) -> Memory:
        """The memory, if the agent sees it, superseded or not. Raises `NotFound`."""
        ...

    async def visible(
        self,
        tenant: str,
        agent_id: str,
        ids: Sequence[UUID],
        *,
        as_of: datetime | None = None,
        superseded: bool = False,
    ) -> Mapping[UUID, Memory]:
        """Those of the memories that are live, unexpired and seen by the agent; `superseded` ones when asked for.

        With `as_of` they are as they were at that moment: those that had occurred, or been stored, were
        unexpired and seen by the agent, who must see them now as well. What was deleted since stays forgotten.
        """
        ...

    async def changed_since(
        self,
        tenant: str,
        agent_id: str,
        as_of: datetime,
        model: str,
        *,
        matching: Filter,
        superseded: bool = False,
    ) -> Former:
        """The memories that were changed or superseded after a moment, or were superseded as of later.

        Of very many it is the most lately changed, as far as they are 10,000 and had 16 MB of text and metadata.
        Those that matched then come as `visible` has them as of then, each with the vector of what it said, if
        that model has read it. Raises `InvalidCommand` for a filter that only engines understand.
        """
        ...

    async def neighbours(
        self, tenant: str, agent_id: str, ids: Sequence[UUID], distance: int, *, as_of: datetime | None = None
    ) -> Mapping[UUID, Neighbours]:
        """What stands beside each memory: the nearest that the agent sees, up to `distance` on each side.

        They are of the same agent and session or, of a memory without a session, of the same document, by
        their sequence. Superseded ones are left out. A memory without a place or neighbours has no entry.
        """
        ...

    async def links(self, tenant: str, agent_id: str, memory_id: UUID) -> list[Link]:
        """The 50 memories that say most nearly the same as one, and that the agent sees, most similar first."""
        ...

    async def history(self, tenant: str, agent_id: str, memory_id: UUID) -> list[MemoryVersion]:
        """Every version of a memory that the agent sees, oldest first. Raises `NotFound`.

        Another agent than the memory's own sees those that were shared.
        """
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

    async def bury_expired(self, limit: int) -> list[RecordKey]:
        """Leave tombstones for at most `limit` memories whose time is over; return which those were."""
        ...

    async def claim(self, digests: Mapping[CommandKey, bytes]) -> Mapping[CommandKey, bytes]:
        """Take the ids of batches with what they say; return what each id was taken with first.

        Where a purge has removed that, any batch counts as the same.
        """
        ...

    async def places_before(self, session: SessionKey, epoch: str) -> int:
        """The last place that memories had in a session when this was first asked of an epoch; 0 without any.

        The messages of a session that is begun anew have their places after those of the one before it.
        """
        ...

    async def ping(self) -> None:
        """Return when the ledger answers."""
        ...
