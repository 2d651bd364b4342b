"""Making a projection anew beside the one in use, with the same embedding model or another.

Every step can be interrupted and repeated. What is stored, changed and deleted meanwhile is noted for both
generations; the workers go on with the former one until the new one is complete and verified.

When the new one has become current, each worker goes over to it on its own, within a second or a few. One that
has not yet writes to the former alone what it answers as stored, while others already search the new one:
therefore the rebuild lingers and writes such records at once. A worker that takes longer, because it cannot
reach the new model or hangs, has its own found by the others within seconds, as soon as the reconciler of a
bulk worker on the new generation comes round.

Tools are found by vectors of the current generation's model: their texts are read by it before the switch, and
once more when the workers have gone over.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from memos.errors import EmbeddingRefused, Unavailable
from memos.ports import Embedder, Generations, Projections, Tools, Vectors
from memos.projection.others import OpenGeneration
from memos.projection.projector import finish
from memos.projection.retirement import drop
from memos.projection.tool_texts import embed_missing
from memos.projection.verify import Verification, verify
from memos.records import FORMAT, Generation, RecordKey

log = logging.getLogger(__name__)

Stage = Literal["noting", "writing", "verifying", "reading", "switching", "lingering"]
Told = Callable[[Stage, int, int], object]
"""Told how far a stage is: how many records, or texts of tools, are done, of how many; seconds while it lingers."""

MOST_NOTED = 1000
MOST_WRITTEN = 256
MOST_VERIFICATIONS = 3
LINGERING_SECONDS = 10.0
"""How long the workers take to go over to a generation that has become current, unless something is wrong.

They ask which one it is every second, load its model, and bring it up to date for 5 seconds at most.
"""

LINGERING_PAUSE = 0.05
MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Shadow:
    """A generation that is being built, open, and the embedder of its model."""

    generation: Generation
    vectors: Vectors
    projections: Projections
    embedder: Embedder


async def begun(
    embedder_name: str, embedder: Embedder, *, generations: Generations, open_generation: OpenGeneration
) -> Generation:
    """The generation to be built: an unfinished one like it, else a new one; others unfinished are dropped.

    Raises `Unavailable`.
    """
    resumed = None
    for one in await generations.known():
        if one.is_current or one.retired_at or one.dropped_at:
            continue
        if (one.model, one.dimension, one.format) == (embedder.model, embedder.dimension, FORMAT):
            resumed = one
        else:
            await drop(one, generations=generations, open_generation=open_generation)
    if resumed is None:
        return await generations.begin(embedder_name, embedder.model, embedder.dimension)
    await generations.settle()
    return resumed


async def rebuild(
    shadow: Shadow, *, former: Projections, generations: Generations, tools: Tools, told: Told
) -> Verification:
    """Fill a generation, verify it, and make it the current one in place of the former.

    Raises `EmbeddingRefused` when that would make memories unsearchable that are searchable now, and
    `Unavailable`; the former generation stays current then.
    """
    await _note(shadow, told)
    await _require_searchable(await _write(shadow, told), former)
    verification = await _verified(shadow, told)
    await embed_missing(tools, shadow.embedder, partial(told, "reading"))
    told("switching", 0, 1)
    await _write(shadow, told)
    await generations.switch(shadow.generation)
    await shadow.vectors.announce()
    told("switching", 1, 1)
    await _linger(shadow, told)
    await embed_missing(tools, shadow.embedder, lambda *_: None)
    return verification


async def _note(shadow: Shadow, told: Told) -> None:
    """Note every live record as one that the generation is to have."""
    done, total = 0, await shadow.projections.live()
    told("noting", done, total)
    last: RecordKey | None = None
    while True:
        noted, last = await shadow.projections.enrol(MOST_NOTED, last)
        if last is None:
            return
        done += noted
        told("noting", done, max(done, total))


async def _write(shadow: Shadow, told: Told) -> list[RecordKey]:
    """Write until less than a page was left to be done; return what was refused in the last round."""
    done, total = 0, await shadow.projections.behind()
    while True:
        found, refused, last = 0, [], None
        while page := await shadow.projections.some_behind(MOST_WRITTEN, last):
            last = page[-1]
            refused += await _finish(shadow, page)
            found, done = found + len(page), done + len(page)
            told("writing", done, max(done, total))
        if found - len(refused) < MOST_WRITTEN:
            return refused


async def _finish(shadow: Shadow, page: Sequence[RecordKey]) -> list[RecordKey]:
    return await finish(page, vectors=shadow.vectors, projections=shadow.projections, embedder=shadow.embedder)


async def _require_searchable(refused: Sequence[RecordKey], former: Projections) -> None:
    lost = set(refused) - await former.behind_among(refused)
    if lost:
        examples = ", ".join(str(key.memory_id) for key in sorted(lost)[:MOST_EXAMPLES])
        raise EmbeddingRefused(
            f"{len(lost)} memories are searchable now and would not be any more: the model or the vector engine "
            f"refuses them, among them {examples}. Change or delete them and run the rebuild again, which goes on "
            "where it was."
        )


async def _verified(shadow: Shadow, told: Told) -> Verification:
    """Verify and repair until there is no difference."""
    for _ in range(MOST_VERIFICATIONS):
        done, total = 0, await shadow.projections.live() + await shadow.vectors.count({})

        def looked(number: int, total: int = total) -> None:
            nonlocal done
            done += number
            told("verifying", done, max(done, total))

        verification = await verify(
            vectors=shadow.vectors, projections=shadow.projections, embedder=shadow.embedder, looked=looked
        )
        if not verification.differences:
            return verification
    raise Unavailable(
        f"Generation {shadow.generation.number} of {shadow.generation.projection} still differs from the ledger in "
        f"{verification.differences} records after {MOST_VERIFICATIONS} repairs. See that the vector engine keeps "
        "what it is given, and run the rebuild again."
    )


async def _linger(shadow: Shadow, told: Told) -> None:
    """Write at once what workers that have yet to go over store in the former generation, going round."""
    loop = asyncio.get_running_loop()
    begun_at, last, refused = loop.time(), None, set[RecordKey]()
    while (passed := loop.time() - begun_at) < LINGERING_SECONDS:
        told("lingering", int(passed), round(LINGERING_SECONDS))
        try:
            page = await shadow.projections.some_behind(MOST_WRITTEN, last)
            refused.update(await _finish(shadow, [key for key in page if key not in refused]))
            last = page[-1] if len(page) == MOST_WRITTEN else None
        except Unavailable as error:
            log.warning("What is stored in the former generation is left to the workers: %s", error)
        await asyncio.sleep(LINGERING_PAUSE)
    told("lingering", round(LINGERING_SECONDS), round(LINGERING_SECONDS))
