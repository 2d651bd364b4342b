from uuid import UUID

import pytest

from memos.errors import Unavailable
from memos.records import Collection, Point, VersionKey
from memos.testing import TwinVectors

POINT = Point(VersionKey("default", UUID(int=1), 1), [1.0, 0.0], {})


async def test_a_twin_that_is_away_answers_nothing_and_forgets_nothing() -> None:
    twin = TwinVectors(Collection("memories", "model-a", 2, {}))
    await twin.upsert([POINT])
    twin.away = True
    calls = (
        twin.upsert([POINT]),
        twin.delete([POINT.key.record]),
        twin.search([1.0, 0.0], matching={}, limit=1),
        twin.present([POINT.key.record]),
        twin.scroll(None, 1),
        twin.count({}),
        twin.ping(),
        twin.drop(),
        twin.recreate(),
        twin.announce(),
    )
    for call in calls:
        with pytest.raises(Unavailable):
            await call
    twin.away = False
    assert await twin.count({}) == 1


async def test_a_payload_changed_after_it_was_written_stays_as_it_was_written() -> None:
    twin = TwinVectors(Collection("memories", "model-a", 2, {}))
    payload = {"kind": "old"}
    await twin.upsert([Point(POINT.key, POINT.vector, payload)])
    payload["kind"] = "new"
    assert await twin.count({"must": [{"key": "kind", "match": {"value": "old"}}]}) == 1
