"""The ledger's account of what was made from its memories."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from memos.records import Account, Embedded, Embedding, Generation, RecordKey, VersionKey


class Projections(Protocol):
    """The ledger's account of one generation of one projection: what it has, and what it should have.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    @property
    def name(self) -> str:
        """The projection's name."""
        ...

    @property
    def generation(self) -> int:
        """The number of the generation."""
        ...

    async def embedded(self, keys: Sequence[RecordKey]) -> list[Embedded]:
        """The live ones of these memories as they are now, with the vectors of their texts where there are any."""
        ...

    async def add_embeddings(self, embeddings: Sequence[tuple[RecordKey, bytes, Embedding]]) -> None:
        """Keep vectors with the contents, named by their hashes, that they were made from.

        What was deleted or says something else by now gets none.
        """
        ...

    async def mark(self, keys: Sequence[VersionKey]) -> list[RecordKey]:
        """Note what the projection now has; return the records that moved on meanwhile and were not noted."""
        ...

    async def unmark(self, keys: Sequence[RecordKey]) -> None:
        """Note that the projection no longer has those of the records that the ledger has buried."""
        ...

    async def behind(self) -> int:
        """How many records the projection still has to be given or to be rid of."""
        ...

    async def empty(self) -> None:
        """Count the projection as empty, so that it is filled again from the ledger."""
        ...

    async def some_behind(self, limit: int, after: RecordKey | None = None) -> list[RecordKey]:
        """At most `limit` records with which the projection is behind, in order, from the one after `after`."""
        ...

    async def some_buried(self, limit: int, after: RecordKey | None = None) -> list[RecordKey]:
        """At most `limit` buried records of which the projection is still to be rid, in order, after `after`."""
        ...

    async def accounts(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Account]:
        """Those of the records that are live, or that the projection is still to be rid of."""
        ...

    async def some_accounts(self, limit: int, after: RecordKey | None) -> Mapping[RecordKey, Account]:
        """At most `limit` live records in order, from the one after `after`; empty only at the end."""
        ...

    async def live(self) -> int:
        """How many live records the ledger has."""
        ...

    async def enrol(self, limit: int, after: RecordKey | None) -> tuple[int, RecordKey | None]:
        """Note of live records in order, from the one after `after`, that the projection is to have them.

        Returns how many there were, at most `limit`, and the last of them; none only at the end.
        """
        ...

    async def enrol_again(self, keys: Sequence[RecordKey]) -> None:
        """Note of those of the records that are live that the projection lacks them."""
        ...

    async def behind_among(self, keys: Sequence[RecordKey]) -> set[RecordKey]:
        """Those of the records with which the projection is behind."""
        ...


class Generations(Protocol):
    """The ledger's list of the generations of one projection, and the one authority on which is current.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def current(self) -> Generation | None:
        """The generation that queries are answered from; none before the first."""
        ...

    async def known(self) -> list[Generation]:
        """Every generation that there is or was, oldest first."""
        ...

    async def begin(self, embedder: str, model: str, dimension: int) -> Generation:
        """A new generation beside the current one; what is stored or changed from now on is noted for it too."""
        ...

    async def settle(self) -> None:
        """Wait for the transactions that may not have seen the newest generation."""
        ...

    async def switch(self, generation: Generation) -> None:
        """Make a generation the current one and retire the former. Raises `Conflict` unless it is being built."""
        ...

    async def retired_for(self, seconds: float) -> list[Generation]:
        """The generations that retired at least so long ago and are not dropped yet."""
        ...

    async def lately_dropped(self, seconds: float) -> list[Generation]:
        """The generations that were dropped no more than so long ago."""
        ...

    async def strike(self, generation: Generation) -> None:
        """Forget what was noted for a generation that the engine has dropped, and mark it as dropped."""
        ...

    async def tidy(self) -> None:
        """Forget what was still noted for dropped generations by transactions that were under way."""
        ...


class Derived(Protocol):
    """Something kept outside the ledger that was made from its memories: a projection, cached answers.

    Deletions reach everything that is registered as one in `memos.runtime`, and name it in their receipts.
    """

    @property
    def name(self) -> str:
        """What receipts call it."""
        ...

    async def count(self, records: Sequence[RecordKey]) -> int:
        """How much there is that was made from these records. Raises `Unavailable`."""
        ...

    async def forget(self, records: Sequence[RecordKey]) -> int:
        """Remove all that was made from these buried records; return how much that was. Raises `Unavailable`."""
        ...
