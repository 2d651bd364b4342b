"""Messages that say the same: each is a memory of its own, wherever it is looked at."""

from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from builders import origin
from rich.console import Console
from sessions import Sessions

from memos.cli.recalled import show
from memos.errors import NotFound
from memos.events.memories import RecalledMemory
from memos.handlers.memories.shown import shown
from memos.records import session_record_id

pytest_plugins = ["rooms", "sessions_fixtures"]


async def said_by_three(sessions: Sessions) -> list[UUID]:
    """The ids of one word that a user, an assistant and Bob say."""
    return [
        *await sessions.say("ok"),
        *await sessions.say("ok", role="assistant"),
        *await sessions.say("ok", name="Bob"),
    ]


async def found(sessions: Sessions, query: str, **fields: Any) -> list[RecalledMemory]:
    return (await sessions.rooms.query(query, agent_id="ada", **fields)).memories.results


async def test_the_same_word_of_three_is_three_memories_in_their_places(sessions: Sessions) -> None:
    ids = await said_by_three(sessions)

    promoted = await sessions.promote()

    assert [(one.memory_id, one.status, one.sequence) for one in promoted.results] == [
        (one, "stored", number) for number, one in enumerate(ids, 1)
    ]
    assert promoted.count == 3
    memories = [await sessions.rooms.memories.get("default", "ada", one) for one in ids]
    assert [(one.sequence, one.metadata["speaker"], one.times_stored) for one in memories] == [
        (1, "user", 1),
        (2, "assistant", 1),
        (3, "Bob", 1),
    ]


async def test_what_one_says_twice_is_two_memories(sessions: Sessions) -> None:
    first, _, again = await sessions.say("yes", "no", "yes")

    promoted = await sessions.promote()

    assert promoted.count == 3
    assert await sessions.remembered() == [(1, "yes"), (2, "no"), (3, "yes")]
    assert len({first, again} & {one.memory_id for one in promoted.results}) == 2


async def test_what_is_said_again_in_a_later_session_of_the_id_is_another_memory(sessions: Sessions) -> None:
    [former] = await sessions.say("ok")
    await sessions.promote()
    await sessions.end()
    await sessions.clearing().round()
    [present] = await sessions.say("ok")

    promoted = await sessions.promote()

    assert [one.memory_id for one in promoted.results] == [present] != [former]
    assert await sessions.remembered() == [(1, "ok"), (2, "ok")]


async def test_forgetting_one_leaves_the_others(sessions: Sessions) -> None:
    first, second, third = await said_by_three(sessions)
    await sessions.promote()

    await sessions.rooms.memories.delete(origin(), b"digest", "ada", second)

    assert [one.memory_id for one in (await sessions.promote()).results] == [first, third]
    with pytest.raises(NotFound):
        await sessions.rooms.memories.get("default", "ada", second)


async def test_recall_folds_what_one_speaker_says_again_and_keeps_speakers_apart(sessions: Sessions) -> None:
    [asked] = await sessions.say("is the gate shut")
    [mine] = await sessions.say("shut the gate", name="Ines")
    [again] = await sessions.say("shut the gate", name="Ines")
    [his] = await sessions.say("shut the gate", name="Bob")
    await sessions.promote()

    best = await found(sessions, "shut the gate", around=1)

    by_id = {one.memory_id: one for one in best}
    folded = by_id.get(mine) or by_id[again]
    assert set(by_id) == {asked, his, folded.memory_id}
    assert {folded.memory_id, *folded.repeats} == {mine, again}
    assert by_id[his].before[0].memory_id == again
    assert [one.memory_id for one in by_id[asked].after] == [mine]


async def test_the_messages_of_one_session_are_found_by_their_source(sessions: Sessions) -> None:
    await sessions.say("shut the gate")
    await sessions.promote()
    session = await sessions.kept()
    await sessions.end()
    await sessions.clearing().round()
    [later] = await sessions.say("shut the gate")
    await sessions.promote()
    uri = f"memos:session/{session_record_id(session.key, session.epoch)}"

    one_life = await found(sessions, "gate", filter={"source": uri})
    both = await found(sessions, "gate", filter={"session_id": "s"})

    [memory] = one_life
    assert memory.source is not None
    assert (memory.memory_id != later, memory.source.uri, memory.source.symbol) == (True, uri, "1")
    assert memory.document is None
    assert [len(both), len(both[0].repeats)] == [1, 1]


async def test_a_message_is_shown_by_its_moment_and_speaker_like_any_other_memory(sessions: Sessions) -> None:
    await sessions.say("shut the gate", name="Ines")
    await sessions.promote()
    [memory] = await found(sessions, "gate")
    console = Console(file=StringIO(), width=200)

    show(console, 1, memory)

    assert shown(memory, 1) == "1. [2026-03-02, Ines, user] shut the gate"
    assert isinstance(console.file, StringIO)
    assert "episodic of ada, 2026-03-02 18:00" in console.file.getvalue()
