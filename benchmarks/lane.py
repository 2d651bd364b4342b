"""Stores with their vectors over the bus, and the same commands given to a handler that does no work."""


async def vector_store_rate() -> float:
    raise NotImplementedError


async def consumer_rate() -> float:
    raise NotImplementedError
