"""The real ledger, its projection and its answers beside those of the model."""

from collections import Counter
from collections.abc import Hashable, Iterable

from builders import Rooms, rooms_on
from ledger_model import Model

from memos.projection.reconciler import MOST_AT_ONCE, Reconciler, refill_if_lost
from memos.projection.verify import verify
from memos.records import content_hash
from memos.stores.postgres import Pool

TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'"
LEDGER = """
select memory_id, agent_id, version, times_stored, superseded_by, case when deleted_at is null then content end
from agent_memories
"""
FACTS = "select record_id, split_part(type, '.', 3), count(*) from facts group by 1, 2"


async def emptied(pool: Pool) -> Rooms:
    """Every port, on the ledger as it is when it is new."""
    tables = await pool.fetch(TABLES)
    await pool.execute(";".join(f"delete from {table}" for (table,) in tables))  # noqa: S608
    return await rooms_on(pool)


async def settle(rooms: Rooms) -> None:
    """Do what a worker of the bulk lane does now and then."""
    await rooms.memories.bury_expired(MOST_AT_ONCE)
    await refill_if_lost(vectors=rooms.vectors, projections=rooms.projections)
    await Reconciler(vectors=rooms.vectors, projections=rooms.projections).reconcile()


async def compare_ledger(rooms: Rooms, model: Model) -> None:
    """Every row and every fact."""
    kept = model.rows.values()
    rows = [
        (one.memory_id, one.agent, one.version, one.times, one.successor, None if one.buried else one.text)
        for one in kept
    ]
    _same(map(tuple, await rooms.pool.fetch(LEDGER)), rows)
    facts = [(*fact, number) for fact, number in model.facts.items()]
    _same(map(tuple, await rooms.pool.fetch(FACTS)), facts)


async def compare_points(rooms: Rooms, model: Model) -> None:
    """Every live memory has one point, of its version, and nothing else has any."""
    points = await rooms.vectors.scroll(None, 1000)
    live = [(one.memory_id, one.version, content_hash(one.text)) for one in model.live().values()]
    _same([(point.key.memory_id, point.key.version, point.content_hash) for point in points], live)
    verified = await verify(vectors=rooms.vectors, projections=rooms.projections)
    assert (verified.differences, verified.behind) == (0, 0), verified


async def compare_answers(rooms: Rooms, model: Model, agent: str) -> None:
    """A query brings all that the agent has, each once, but for what is superseded."""
    found = (await rooms.query("tea", agent_id=agent, top_k=1000)).memories.results
    live = [(one.memory_id, one.text) for one in model.newest(agent).values()]
    _same([(memory.memory_id, memory.content) for memory in found], live)


def _same(found: Iterable[Hashable], expected: Iterable[Hashable]) -> None:
    there, wanted = Counter(found), Counter(expected)
    assert there == wanted, f"too many: {there - wanted}, missing: {wanted - there}"
