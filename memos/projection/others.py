"""The generations of a projection beside the one in use: what is being built, was abandoned, or has retired."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from memos.errors import CollectionMissing
from memos.ports import Generations, Projections, Vectors
from memos.records import Generation, RecordKey

OpenGeneration = Callable[[Generation], AbstractAsyncContextManager[Vectors]]
"""Opens the vectors of a generation as they are: none that is not there is made."""


@dataclass(frozen=True, slots=True)
class Others:
    """Every generation but the one in use; each is opened when there is something to be done in it."""

    in_use: int
    generations: Generations
    open_generation: OpenGeneration
    account_of: Callable[[Generation], Projections]

    async def kept(self) -> list[Generation]:
        """Those that are not dropped, oldest first. Raises `Unavailable`."""
        known = await self.generations.known()
        return [one for one in known if not one.dropped_at and one.number != self.in_use]

    async def having(self, records: Sequence[RecordKey]) -> set[RecordKey]:
        """Those of the records that one of the generations has a point of. Raises `Unavailable`."""
        found: set[RecordKey] = set()
        for generation in await self.kept():
            found |= await self._present(generation, records)
        return found

    async def withdraw(self, records: Sequence[RecordKey]) -> set[RecordKey]:
        """Remove what the ledger has buried from each; return the records that one had. Raises `Unavailable`."""
        removed: set[RecordKey] = set()
        for generation in await self.kept():
            removed |= await self._present(generation, records)
            await self._withdraw(generation, records)
        return removed

    async def withdraw_behind(self, most: int) -> int:
        """Remove up to `most` records from each that have still to be removed; return how many were.

        Raises `Unavailable`.
        """
        removed = 0
        for generation in await self.kept():
            if buried := await self.account_of(generation).some_buried(most):
                await self._withdraw(generation, buried)
                removed += len(buried)
        return removed

    async def _present(self, generation: Generation, records: Sequence[RecordKey]) -> set[RecordKey]:
        with suppress(CollectionMissing):
            async with self.open_generation(generation) as vectors:
                return set(await vectors.present(records))
        return set()

    async def _withdraw(self, generation: Generation, records: Sequence[RecordKey]) -> None:
        with suppress(CollectionMissing):
            async with self.open_generation(generation) as vectors:
                await vectors.delete(records)
        await self.account_of(generation).unmark(records)
