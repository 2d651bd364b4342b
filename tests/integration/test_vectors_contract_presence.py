"""What every engine behind the port `Vectors` tells of the points that it has."""

from typing import Any
from uuid import UUID

import pytest
from vector_engines import X, Y, id_of, key_of, point

from memos.ports import Vectors
from memos.records import RecordKey, Seen, VersionKey

pytest_plugins = ["vector_engines_fixtures"]

HASH = bytes(range(32))


async def test_what_is_present_is_told_with_its_version_and_content_hash(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, version=3, content_hash=HASH.hex(), kind="x"), point("b", Y)])
    assert await vectors.present([key_of("a"), key_of("never there")]) == {
        key_of("a"): Seen(key_of("a").point_id, VersionKey("default", id_of("a"), 3), HASH)
    }


async def test_a_record_of_one_tenant_is_not_present_for_another(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, tenant="acme"), point("a", Y, version=2)])
    acme = RecordKey("acme", id_of("a"))
    seen = await vectors.present([acme, key_of("a"), RecordKey("third", id_of("a"))])
    assert {key: one.key for key, one in seen.items()} == {acme: (*acme, 1), key_of("a"): (*key_of("a"), 2)}


@pytest.mark.parametrize("payload", [{}, {"content_hash": None}, {"content_hash": "xyz"}, {"content_hash": 7}])
async def test_a_point_without_a_content_hash_in_hex_has_none(vectors: Vectors, payload: dict[str, Any]) -> None:
    await vectors.upsert([point("a", X, **payload)])
    assert [one.content_hash for one in await vectors.scroll(None, 5)] == [None]
    assert (await vectors.present([key_of("a")]))[key_of("a")].content_hash is None


async def test_nothing_asked_is_nothing_present(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X)])
    assert await vectors.present([]) == {}


async def test_points_are_scrolled_in_the_order_of_their_ids_from_the_one_after(vectors: Vectors) -> None:
    await vectors.upsert([point(f"p{i}", X, version=i + 1, content_hash=HASH.hex()) for i in range(10)])
    ordered = sorted(
        (Seen(key_of(f"p{i}").point_id, VersionKey("default", id_of(f"p{i}"), i + 1), HASH) for i in range(10)),
        key=lambda one: one.point_id,
    )
    assert await vectors.scroll(None, 4) == ordered[:4]
    assert await vectors.scroll(ordered[3].point_id, 4) == ordered[4:8]
    assert await vectors.scroll(ordered[7].point_id, 4) == ordered[8:]
    assert await vectors.scroll(ordered[-1].point_id, 4) == []


async def test_a_scroll_goes_on_from_an_id_that_is_gone_or_never_was(vectors: Vectors) -> None:
    await vectors.upsert([point(f"p{i}", X) for i in range(4)])
    first, second, *rest = [one.point_id for one in await vectors.scroll(None, 4)]
    await vectors.delete([key_of(f"p{i}") for i in range(4) if key_of(f"p{i}").point_id == second])
    assert [one.point_id for one in await vectors.scroll(second, 4)] == rest
    assert [one.point_id for one in await vectors.scroll(UUID(int=0), 4)] == [first, *rest]
    assert [one.point_id for one in await vectors.scroll(UUID(int=first.int + 1), 4)] == rest
    assert await vectors.scroll(UUID(int=2**128 - 1), 4) == []


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_scroll_of_no_points_has_none(vectors: Vectors, limit: int) -> None:
    await vectors.upsert([point("a", X)])
    assert await vectors.scroll(None, limit) == []


async def test_many_points_are_scrolled_and_present_whatever_the_size_of_a_call(vectors: Vectors) -> None:
    keys = [key_of(f"p{i}") for i in range(1300)]
    await vectors.upsert([point(f"p{i}", X) for i in range(1300)])
    everything = await vectors.scroll(None, 5000)
    assert [one.point_id for one in everything] == sorted(key.point_id for key in keys)
    assert await vectors.scroll(None, 1100) == everything[:1100]
    assert await vectors.scroll(None, 1300) == everything
    assert (await vectors.present([*keys, key_of("never there")])).keys() == set(keys)
