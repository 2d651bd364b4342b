"""The numbers of memories within their session."""

import asyncio
from collections.abc import Sequence

from builders import Rooms, draft, succeeded

from memos.bisect import bisected
from memos.errors import InvalidCommand
from memos.records import Draft

pytest_plugins = ["rooms"]


async def test_the_drafts_of_a_batch_are_numbered_by_session_in_order_and_without_gaps(rooms: Rooms) -> None:
    turns = [draft(f"turn {number}", session_id="ab"[number % 2]) for number in range(10)]
    await rooms.commit(*turns[:5], draft("no session"))
    await rooms.commit(*turns[5:])

    assert await sequences(rooms, turns) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


async def test_drafts_stored_at_once_have_sequences_of_their_own(rooms: Rooms) -> None:
    turns = [draft(f"turn {number}", session_id="s") for number in range(60)]
    await asyncio.gather(*(rooms.commit(*turns[start : start + 3]) for start in range(0, 60, 3)))

    numbers = await sequences(rooms, turns)

    assert sorted(numbers) == list(range(60))
    assert all(numbers[start] + 2 == numbers[start + 2] for start in range(0, 60, 3))


async def test_a_given_sequence_is_kept_and_those_drawn_after_it_are_higher(rooms: Rooms) -> None:
    turns = [
        draft("a", session_id="s"),
        draft("b", session_id="s", sequence=7),
        draft("c", session_id="s", sequence=5),
        draft("d", session_id="s"),
    ]
    await rooms.commit(*turns)
    later = [draft("e", session_id="s"), draft("f", session_id="s", sequence=2), draft("g", session_id="t")]
    await rooms.commit(*later)

    assert await sequences(rooms, turns) == [8, 7, 5, 9]
    assert await sequences(rooms, later) == [10, 2, 0]


async def sequences(rooms: Rooms, drafts: Sequence[Draft]) -> list[int]:
    found = await rooms.memories.visible("default", "ada", [one.memory_id for one in drafts])
    numbers = [found[one.memory_id].sequence for one in drafts]
    return [number for number in numbers if number is not None]


async def test_a_session_whose_numbers_are_used_up_refuses_the_next_draft_alone(rooms: Rooms) -> None:
    await rooms.commit(draft("last", session_id="s", sequence=2**31 - 1))

    results = await bisected([draft("next", session_id="s"), draft("other", session_id="t")], rooms.memories.store)

    assert isinstance(results[0], InvalidCommand)
    succeeded(results[1])
