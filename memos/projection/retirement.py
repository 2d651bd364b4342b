"""The end of a generation: nobody asks it any more, so the engine drops it and the ledger forgets its account."""

import logging

from memos.ports import Generations
from memos.projection.others import OpenGeneration, Others
from memos.records import Generation

log = logging.getLogger(__name__)

SECONDS_LATELY = 24 * 3600.0
"""How long a worker may sleep between learning which generation is current and making that one, since lost."""


async def drop_retired(seconds: float, others: Others) -> None:
    """Drop what retired at least so many seconds ago, but not the generation that is still in use here.

    What was dropped in the last day is dropped again: a worker that slept meanwhile may have made it anew.
    Raises `Unavailable`, and can be repeated.
    """
    generations, open_generation = others.generations, others.open_generation
    for generation in await generations.retired_for(seconds):
        if generation.number != others.in_use:
            await drop(generation, generations=generations, open_generation=open_generation)
    for generation in await generations.lately_dropped(SECONDS_LATELY):
        async with open_generation(generation) as vectors:
            await vectors.drop()
    await generations.tidy()


async def drop(generation: Generation, *, generations: Generations, open_generation: OpenGeneration) -> None:
    """Drop a generation that is not current. Raises `Unavailable`, and can be repeated."""
    async with open_generation(generation) as vectors:
        await vectors.drop()
    await generations.strike(generation)
    log.info("Generation %d of %s (%s) is dropped", generation.number, generation.projection, generation.model)
