"""What the ledger refuses, and the most that it takes."""

import pytest
from builders import Rooms, draft, origin, succeeded

from memos.bisect import bisected
from memos.errors import InvalidCommand
from memos.records import Draft, Source

pytest_plugins = ["rooms"]


UNSTORABLE = [
    draft("a \x00 in the text"),
    draft(metadata={"key": "a \x00 in the metadata"}),
    draft(tags=["\x00"]),
    draft(importance=7.0),
    draft(source=Source.model_construct(uri="file:///\x00", symbol=None, line=None)),
    draft(kind="\ud800"),
    draft(session_id="full", sequence=2**31),
]


@pytest.mark.parametrize("bad", UNSTORABLE, ids=range(len(UNSTORABLE)))
async def test_what_the_database_refuses_is_refused_alone(rooms: Rooms, bad: Draft) -> None:
    good = [draft(f"good {number}") for number in range(6)]

    results = await bisected([*good[:3], bad, *good[3:]], rooms.memories.store)

    assert isinstance(results.pop(3), InvalidCommand)
    assert [succeeded(result).memory_id for result in results] == [one.memory_id for one in good]
    assert await rooms.memories.handled([bad.origin.key]) == set()


async def test_the_longest_of_everything_that_the_contract_takes_is_stored(rooms: Rooms) -> None:
    words = "".join(map(chr, range(0x10000, 0x10000 + 2048)))
    one = draft(
        of=origin(source=words[:255], command_id=words[:255]),
        source=Source(uri=words, symbol=words[:1024]),
        agent_id=words[:255],
        session_id=words[:255],
        tags=[words[:128]] * 64,
    )
    batch = draft("in a batch", of=one.origin.item(99))

    stored = await rooms.commit(one, batch)

    assert [each.memory_id for each in stored] == [one.memory_id, batch.memory_id]
