"""The handler that says whether a worker's engines answer."""

import asyncio
from collections.abc import Sequence

import pytest
from builders import Rooms

from memos.errors import Unavailable
from memos.events.health import CheckHealth, HealthReport
from memos.events.memories import StoreMemory
from memos.handlers import health
from memos.handlers.health import check_health
from memos.records import Vector
from memos.stores.facts import PostgresFacts
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import open_pool

pytest_plugins = ["rooms"]


async def report(rooms: Rooms, **others: object) -> HealthReport:
    facts = PostgresFacts(rooms.pool, "")
    ports = {"memories": rooms.memories, "embedder": rooms.embedder, **rooms.engines, "facts": facts}
    return await check_health(CheckHealth(), **{**ports, **others})


def statuses(found: HealthReport) -> dict[str, str]:
    return {name: engine.status for name, engine in found.engines.items()}


async def test_a_worker_whose_engines_answer_is_ready(rooms: Rooms) -> None:
    found = await report(rooms)

    assert found.status == "ready"
    assert statuses(found) == {"ledger": "up", "vectors": "up", "embedder": "up"}
    assert all(engine.took_ms >= 0 and engine.detail is None for engine in found.engines.values())
    assert found.lag == {"memories": 0, "facts": 0}


async def test_a_vector_engine_that_is_away_degrades_and_its_lag_is_counted(rooms: Rooms) -> None:
    rooms.vectors.away = True
    await rooms.store(StoreMemory(content="a"), StoreMemory(content="b"))

    found = await report(rooms)

    assert found.status == "degraded"
    assert statuses(found) == {"ledger": "up", "vectors": "down", "embedder": "up"}
    assert "away" in (found.engines["vectors"].detail or "")
    assert found.lag["memories"] == 2


async def test_facts_that_nobody_was_told_of_are_counted_as_lag(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a"), StoreMemory(content="b"))
    assert (await report(rooms)).lag == {"memories": 0, "facts": 2}

    await rooms.pool.execute("update facts set position = sequence")
    assert (await report(rooms)).lag == {"memories": 0, "facts": 0}


async def test_a_ledger_that_is_away_degrades_and_has_no_lag(rooms: Rooms, postgres_dsn: str) -> None:
    async with open_pool(postgres_dsn) as pool:
        await pool.close()
        found = await report(rooms, memories=PostgresMemories(pool))

    assert found.status == "degraded"
    assert statuses(found) == {"ledger": "down", "vectors": "up", "embedder": "up"}
    assert found.lag == {}


async def test_a_ledger_that_goes_away_after_its_ping_leaves_the_lag_out(rooms: Rooms, postgres_dsn: str) -> None:
    async with open_pool(postgres_dsn) as pool:
        await pool.close()
        found = await report(rooms, facts=PostgresFacts(pool, ""))

    assert (found.status, found.lag) == ("ready", {})


class Away:
    """An embedder that does not answer, or not in time."""

    model, dimension = "words", 64

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self._hangs:
            await asyncio.Event().wait()
        raise Unavailable("The embedder is away. Start it.")


async def test_an_embedder_that_is_away_is_named_with_what_to_do(rooms: Rooms) -> None:
    found = await report(rooms, embedder=Away(hangs=False))

    assert found.status == "degraded"
    assert found.engines["embedder"].detail == "The embedder is away. Start it."


async def test_an_engine_that_hangs_is_down_after_a_while(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)

    found = await report(rooms, embedder=Away(hangs=True))

    assert statuses(found) == {"ledger": "up", "vectors": "up", "embedder": "down"}
    assert "overloaded" in (found.engines["embedder"].detail or "")
