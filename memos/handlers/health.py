"""The handler that says whether a worker's engines answer."""

import asyncio
import time
from collections.abc import Awaitable

from memos.errors import MemosError, Unavailable
from memos.events.health import CheckHealth, EngineHealth, HealthReport
from memos.ports import Embedder, Facts, Memories, Projections, Vectors

PATIENCE = 5.0


async def check_health(
    command: CheckHealth,
    *,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    facts: Facts,
) -> HealthReport:
    """Ask every engine at once; none may take longer than five seconds."""
    asked = {"ledger": memories.ping(), "vectors": vectors.ping(), "embedder": embedder.embed(["ready"])}
    answers = await asyncio.gather(*map(ask, asked.values()))
    engines = dict(zip(asked, answers, strict=True))
    up = all(engine.status == "up" for engine in answers)
    lag = await _lag(projections, facts) if engines["ledger"].status == "up" else {}
    return HealthReport(status="ready" if up else "degraded", engines=engines, lag=lag)


async def _lag(projections: Projections, facts: Facts) -> dict[str, int]:
    """What is committed and has not reached its readers; nothing when the ledger goes away meanwhile."""
    try:
        return {"memories": await projections.behind(), "facts": await facts.unplaced()}
    except Unavailable:
        return {}


async def ask(ping: Awaitable[object]) -> EngineHealth:
    """How an engine answers, and how fast; one that does not within five seconds is down."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            await ping
        status, detail = "up", None
    except MemosError as error:
        status, detail = "down", error.detail
    except TimeoutError:
        status, detail = "down", f"No answer in {PATIENCE:.0f} seconds. See whether it runs and is not overloaded."
    return EngineHealth(status=status, took_ms=round((time.perf_counter() - started) * 1000, 3), detail=detail)
