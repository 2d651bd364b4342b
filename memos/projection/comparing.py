"""Linking memories that say nearly the same, a few at a time, for as long as a worker lives."""

import asyncio
import math
from collections.abc import Sequence
from functools import partial

from memos.ports import Filter, Projections, Vectors
from memos.ports.links import Comparison, Links, Said, Uncompared
from memos.projection.points import match
from memos.projection.reconciler import PAUSE_SECONDS, Attempts
from memos.records import LESSON, Embedded, Memory, RecordKey, Vector
from memos.telemetry import Telemetry
from memos.waiting import told

ALIKE = 0.95
"""Least cosine of two memories that are linked.

MiniLM gives mostly 0.96 and more to texts that differ in case, punctuation or a word that says little, and about
0.90 to paraphrases; 1.4 % of the pairs of Quora's questions that ask for different things have as much. It hardly
tells one number from another (0.94 to 0.99), so what is alike is linked, and never merged.
"""

SLACK = 0.01
"""How much less the engine may make of a similarity, which is then computed from the ledger's vectors."""

MOST_ALIKE = 16
"""Memories that one is linked with when it is compared; the most similar ones."""

MOST_AT_ONCE = 4
RESTS = 9
"""How many times as long as the work it rests, so that queries have the engine most of the time."""


class Comparer:
    """Goes through the memories that have not been compared, oldest first, page by page.

    What the projection is behind with, or its model has not read, waits until all comes round again: of two
    memories that have points, whichever is compared last finds the other.
    """

    def __init__(self, *, links: Links, vectors: Vectors, projections: Projections) -> None:
        self._links = links
        self._vectors = vectors
        self._projections = projections
        self._after: Uncompared | None = None

    @property
    def amid(self) -> bool:
        """Whether there was more to be done than fitted into the last page."""
        return self._after is not None

    async def compare(self) -> int:
        """Compare a few memories, unless another process does; return how many. Raises `Unavailable`."""
        async with self._links.turn() as granted:
            if not granted:
                self._after = None
                return 0
            page = await self._links.some_to_compare(MOST_AT_ONCE, self._after)
            comparisons = await self._compared([one.record for one in page])
            await self._links.add(comparisons)
        self._after = page[-1] if len(page) == MOST_AT_ONCE else None
        return len(comparisons)

    async def _compared(self, records: Sequence[RecordKey]) -> list[Comparison]:
        behind = await self._projections.behind_among(records)
        present = await self._projections.embedded([one for one in records if one not in behind])
        near = [(one, await self._near(one, one.vector)) for one in present if one.vector is not None]
        others = await self._projections.embedded(sorted({key for _, keys in near for key in keys}))
        by_key = {_key(other): other for other in others}
        return [_comparison(one, [by_key[key] for key in keys if key in by_key]) for one, keys in near]

    async def _near(self, one: Embedded, vector: Vector) -> list[RecordKey]:
        """The memories with the same readers that the engine finds to be alike, or almost."""
        hits = await self._vectors.search(vector, matching=_peers(one), limit=MOST_ALIKE + 1)
        near = [hit.memory_id for hit in hits if hit.score >= ALIKE - SLACK]
        return [RecordKey(one.tenant, other) for other in near if other != one.memory.memory_id]


async def keep_comparing(
    stopping: asyncio.Event,
    *,
    links: Links,
    vectors: Vectors,
    projections: Projections,
    telemetry: Telemetry | None = None,
) -> None:
    """Compare memories with one another until told to stop, resting most of the time."""
    attempt = Attempts(stopping)
    comparer = Comparer(links=links, vectors=vectors, projections=projections)
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        began = loop.time()
        compared = await attempt.one("Comparing memories", comparer.compare)
        worked = loop.time() - began
        if telemetry and not comparer.amid:
            await attempt.one("Counting what is to be compared", partial(_tell, telemetry, links))
        goes_on = comparer.amid and compared is not None
        await told(stopping, worked * RESTS if goes_on else PAUSE_SECONDS)


async def _tell(telemetry: Telemetry, links: Links) -> None:
    telemetry.to_compare.set(await links.to_compare())


def _peers(one: Embedded) -> Filter:
    """Memories of the same agent with the same readers; shared lessons may be of any agent."""
    memory = one.memory
    whose = match("kind", LESSON) if _is_shared_lesson(memory) else match("agent_id", memory.agent_id)
    return {"must": [match("tenant", one.tenant), whose, match("visibility", memory.visibility)]}


def _comparison(one: Embedded, others: Sequence[Embedded]) -> Comparison:
    """A memory with those of the others that say nearly the same, by what the ledger has of them now."""
    measured = [(other, _cosine(one.vector, other.vector)) for other in others if _same_readers(one, other)]
    alike = {_key(other): (_said(other), similarity) for other, similarity in measured if similarity >= ALIKE}
    return Comparison(_key(one), _said(one), alike)


def _same_readers(one: Embedded, other: Embedded) -> bool:
    mine, its = one.memory, other.memory
    if _is_shared_lesson(mine) and _is_shared_lesson(its):
        return True
    return (mine.agent_id, mine.visibility) == (its.agent_id, its.visibility)


def _is_shared_lesson(memory: Memory) -> bool:
    return (memory.kind, memory.visibility) == (LESSON, "shared")


def _cosine(one: Vector | None, other: Vector | None) -> float:
    if one is None or other is None:
        return 0.0
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other) or 1.0)


def _key(one: Embedded) -> RecordKey:
    return RecordKey(one.tenant, one.memory.memory_id)


def _said(one: Embedded) -> Said:
    return Said(one.memory.content_hash, one.memory.visibility)
