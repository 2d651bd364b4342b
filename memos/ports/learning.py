"""The ledger's account of what agents learned, and of how useful memories were to them."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from memos.records import KeptLearning, LearningDraft, LearningKept, LearningSelection, Origin


class Learnings(Protocol):
    """What agents told of their tasks: what is committed here is learned, once.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def replayed(self, origin: Origin, digest: bytes) -> LearningKept | None:
        """What a command came to that was handled before; none of a new one. Raises `Conflict` for another body."""
        ...

    async def record(self, draft: LearningDraft) -> LearningKept:
        """Keep a learning with its uses, strengthened lessons, contradictions, command and fact in one transaction.

        Raises `Conflict` when its id was used for another body.
        """
        ...

    async def saying(self, tenant: str, samenesses: Sequence[bytes]) -> Mapping[bytes, Sequence[UUID]]:
        """The live lessons that were stored with these, which is one of each at most."""
        ...

    async def contradictions(
        self, tenant: str, agent_id: str, memory_ids: Sequence[UUID]
    ) -> list[tuple[UUID, UUID]]:
        """Pairs of live memories that the agent sees, one of them of these; the first contradicts the second."""
        ...

    async def page(
        self, tenant: str, selection: LearningSelection, before: UUID | None, limit: int
    ) -> list[KeptLearning]:
        """The learnings that are meant, newest first, from the one after `before`. Raises `NotFound` for that."""
        ...
