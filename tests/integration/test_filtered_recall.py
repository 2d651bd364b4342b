"""A filter never costs recall: what few memories meet it are searched as exactly as all of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy
import pytest
from conftest import Engines

from memos.events.filters import MemoryFilter
from memos.handlers.memories.filters import conditions_of, filter_of
from memos.ports import Vectors
from memos.projection.points import MEMORY_INDEXES
from memos.records import Collection, Point, VersionKey
from memos.records.payloads import payload_of
from memos.stores.edge import open_edge
from memos.stores.filters import parse_filter
from memos.stores.matching import matches

NUMBER, DIMENSION, TOP = 6000, 32, 10
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def payload(number: int) -> dict[str, Any]:
    """That of a memory: of a session of 100, with a tag of every seventh, a day after the one before."""
    return payload_of(
        agent_id=f"agent-{number % 3}",
        visibility="shared" if number % 5 == 0 else "private",
        kind="note" if number % 2 else "task",
        session_id=f"s-{number // 100}",
        source=f"{number % 100}.py",
        tags=[f"tag-{number % 7}", f"tag-{number % 11}"],
        metadata={"number": number, "share": number / NUMBER, "at": (BEGIN + timedelta(number)).isoformat()},
        importance=number % 101 / 100,
        sequence=number % 100,
        occurred_at=BEGIN + timedelta(number),
        created_at=BEGIN + timedelta(seconds=number),
        superseded=number % 13 == 0,
    )


@pytest.fixture(scope="module")
def kept() -> dict[UUID, tuple[Any, dict[str, Any]]]:
    """Vectors of unit length and payloads by id."""
    drawn = numpy.random.default_rng(7).normal(size=(NUMBER, DIMENSION)).astype("float32")
    units = drawn / numpy.linalg.norm(drawn, axis=1, keepdims=True)
    return {key: (units[number], payload(number)) for number, key in enumerate(UUID(int=n) for n in range(NUMBER))}


@pytest.fixture(scope="module")
async def edge(engines: Engines, kept: dict[UUID, tuple[Any, dict[str, Any]]]) -> AsyncIterator[Vectors]:
    collection = Collection(f"t{uuid4().hex}", "random", DIMENSION, MEMORY_INDEXES)
    async with open_edge(engines.edge_socket, collection) as opened:
        points = [Point(VersionKey("t", key, 1), unit.tolist(), fields) for key, (unit, fields) in kept.items()]
        await opened.upsert(points)
        yield opened


def days(first: int, last: int) -> dict[str, str]:
    return {"gte": (BEGIN + timedelta(first)).isoformat(), "lt": (BEGIN + timedelta(last)).isoformat()}


SELECTIVE: list[dict[str, Any]] = [
    {"source": "17.py"},
    {"session_id": "s-17"},
    {"metadata": {"number": {"gte": 1000, "lt": 1060}}},
    {"metadata": {"share": {"gte": 0.5, "lt": 0.51}}},
    {"metadata": {"at": days(3000, 3060)}},
    {"occurred_after": days(3000, 3060)["gte"], "occurred_before": days(3000, 3060)["lt"]},
    {"created_after": (BEGIN + timedelta(seconds=NUMBER - 60)).isoformat()},
    {"importance": {"gt": 0.5, "lte": 0.51}},
    {"sequence": {"gte": 98, "lt": 99}},
    {"tags": ["tag-1"], "tags_any": ["tag-8", "tag-10"], "kind": "task"},
    {"or": [{"session_id": "s-3", "kind": "note"}, {"metadata": {"number": [4000, 4001, 4002, 4003]}}]},
    {"and": [{"session_id": ["s-3", "s-4", "s-5"]}, {"not": {"sequence": {"gte": 20}}}]},
    {"not": {"or": [{"sequence": {"gte": 1}}, {"metadata": {"number": {"lt": 100}}}]}},
    {"source": ["3.py", "4.py"], "not": {"or": [{"kind": "note"}, {"and": [{"tags": ["tag-0"]}]}]}},
]


@pytest.mark.parametrize("fields", SELECTIVE, ids=str)
async def test_the_best_of_the_few_that_meet_a_filter_are_found_in_order(
    edge: Vectors, kept: dict[UUID, tuple[Any, dict[str, Any]]], fields: dict[str, Any]
) -> None:
    asked = MemoryFilter.model_validate(fields)
    clause = parse_filter({"must": conditions_of(asked)})
    for number, agent in enumerate(("agent-0", "agent-1")):
        seen = {
            key: unit
            for key, (unit, payload) in kept.items()
            if agent == payload["agent_id"] or payload["visibility"] == "shared"
            if matches(clause, payload)
        }
        assert TOP <= len(seen) <= NUMBER // 50
        query = numpy.random.default_rng(number).normal(size=DIMENSION).astype("float32")
        scores = {key: float(unit @ query) / float(numpy.linalg.norm(query)) for key, unit in seen.items()}
        best = sorted(scores, key=lambda key: -scores[key])[:TOP]

        hits = await edge.search(query.tolist(), matching=filter_of("t", agent, asked), limit=TOP)

        assert [hit.memory_id for hit in hits] == best
        assert [hit.score for hit in hits] == pytest.approx([scores[key] for key in best], abs=1e-5)
