"""A ledger with generations of its own, which a test builds, switches to and abandons."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from builders import Rooms, WordsEmbedder
from conftest import Engines

from memos.events.memories import StoreMemory
from memos.ports import Embedder, Vectors
from memos.projection.others import Others
from memos.projection.points import collection_of
from memos.projection.rebuild import Shadow, Told, begun, rebuild
from memos.projection.verify import Verification
from memos.records import Generation, Vector
from memos.stores.edge import open_edge
from memos.stores.generations import PostgresGenerations
from memos.stores.projections import PostgresProjections
from memos.stores.tools import PostgresTools


class Reversed(WordsEmbedder):
    """Another model, of the same length: the vectors of `WordsEmbedder` backwards."""

    model = "reversed"

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [list(vector)[::-1] for vector in await super().embed(texts)]


@dataclass(frozen=True)
class Site:
    """A ledger with its generations, each open in a vector engine where nobody else has any."""

    rooms: Rooms
    generations: PostgresGenerations
    engines: Engines
    name: str

    @asynccontextmanager
    async def open_generation(self, generation: Generation, *, make: bool = True) -> AsyncIterator[Vectors]:
        collection = replace(collection_of(generation), name=self.name)
        async with open_edge(self.engines.edge_socket, collection, make=make) as vectors:
            yield vectors

    def account_of(self, generation: Generation) -> PostgresProjections:
        return PostgresProjections(self.rooms.pool, collection_of(generation))

    def others(self, in_use: int) -> Others:
        """Every generation but the one that a worker uses."""
        return Others(in_use, self.generations, partial(self.open_generation, make=False), self.account_of)

    async def begun(self, embedder: Embedder) -> Generation:
        """A generation that is to be filled."""
        opened = partial(self.open_generation, make=False)
        return await begun("openai", embedder, generations=self.generations, open_generation=opened)

    @asynccontextmanager
    async def current(self) -> AsyncIterator[Rooms]:
        """The ports of a worker on the current generation."""
        generation = await self.generations.current()
        assert generation is not None
        embedder = WordsEmbedder() if generation.model == "words" else Reversed()
        async with self.open_generation(generation) as vectors:
            projections = self.account_of(generation)
            ports: dict[str, Any] = {"vectors": vectors, "projections": projections, "embedder": embedder}
            yield replace(self.rooms, **ports)

    async def rebuild(self, embedder: Embedder, told: Told = lambda *_: None) -> Verification:
        former = await self.generations.current()
        assert former is not None
        async with self.generations.rebuilding():
            generation = await self.begun(embedder)
            async with self.open_generation(generation) as vectors:
                return await rebuild(
                    Shadow(generation, vectors, self.account_of(generation), embedder),
                    former=self.account_of(former),
                    generations=self.generations,
                    tools=PostgresTools(self.rooms.pool),
                    told=told,
                )


def numbered(numbers: range) -> list[StoreMemory]:
    return [StoreMemory(content=f"memory number{number}") for number in numbers]
