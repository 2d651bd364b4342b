"""The end of a generation: nobody asks it any more, so the engine drops it and the ledger forgets its account."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from memos.ports import Generations, Vectors
from memos.records import Generation

log = logging.getLogger(__name__)

OpenGeneration = Callable[[Generation], AbstractAsyncContextManager[Vectors]]
"""Opens the vectors of a generation."""


async def drop_retired(
    seconds: float, *, in_use: int, generations: Generations, open_generation: OpenGeneration
) -> None:
    """Drop what retired at least so many seconds ago, but not the generation that is still in use here.

    Raises `Unavailable`, and can be repeated.
    """
    for generation in await generations.retired_for(seconds):
        if generation.number != in_use:
            await drop(generation, generations=generations, open_generation=open_generation)
    await generations.tidy()


async def drop(generation: Generation, *, generations: Generations, open_generation: OpenGeneration) -> None:
    """Drop a generation that is not current. Raises `Unavailable`, and can be repeated."""
    async with open_generation(generation) as vectors:
        await vectors.drop()
    await generations.strike(generation)
    log.info("Generation %d of %s (%s) is dropped", generation.number, generation.projection, generation.model)
