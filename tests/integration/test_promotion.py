"""Messages and values that become memories."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import WordsEmbedder, origin
from pydantic import ValidationError
from sessions import LIMITS, MOMENT, Sessions, numbered, working_on

from memos.cues import speakers
from memos.errors import EmbeddingRefused, NotFound, TooLarge, Unavailable
from memos.events.memories import StoreMemory
from memos.events.sessions import PromoteSession
from memos.handlers.working.promoting import SLICE
from memos.records import Memory, Vector, value_memory_id

pytest_plugins = ["rooms", "sessions_fixtures"]


async def memory(sessions: Sessions, memory_id: Any) -> Memory:
    return await sessions.rooms.memories.get(sessions.key.tenant, sessions.key.agent_id, memory_id)


async def test_a_message_becomes_a_memory_with_its_place_its_speaker_and_its_moment(sessions: Sessions) -> None:
    [spoken] = await sessions.say("Roses need water on Fridays", name="Ines", metadata={"channel": "garden"})
    [answered] = await sessions.say("Noted.", role="assistant")

    promoted = await sessions.promote()

    assert (promoted.count, promoted.promoted_through) == (2, 2)
    assert [(one.memory_id, one.status, one.sequence, one.key) for one in promoted.results] == [
        (spoken, "stored", 1, None),
        (answered, "stored", 2, None),
    ]
    first, second = await memory(sessions, spoken), await memory(sessions, answered)
    assert (first.content, first.sequence, first.session_id) == ("Roses need water on Fridays", 1, "s")
    assert (first.occurred_at, first.kind, first.visibility, first.tags) == (MOMENT, "episodic", "private", [])
    assert first.metadata == {"role": "user", "speaker": "Ines", "channel": "garden"}
    assert second.metadata == {"role": "assistant", "speaker": "assistant"}
    assert speakers(first.content, first.metadata)[0] == "Ines"
    assert (await sessions.rooms.recalled("water on Fridays", agent_id="ada"))[0] == first.content
    assert (await sessions.kept()).promoted_through == 2
    assert await sessions.left() == ["Roses need water on Fridays", "Noted."]


async def test_what_a_message_says_of_its_speaker_is_believed(sessions: Sessions) -> None:
    [spoken] = await sessions.say("hello", name="Ines", metadata={"speaker": "Dr. Ines Rey", "role": "gardener"})

    await sessions.promote()

    assert (await memory(sessions, spoken)).metadata == {"speaker": "Dr. Ines Rey", "role": "gardener"}


async def test_promoting_again_stores_nothing_twice_and_says_what_there_is(sessions: Sessions) -> None:
    ids = await sessions.say("a", "b", "c")

    first, second = await sessions.promote(through=2), await sessions.promote()
    third = await sessions.promote()

    assert (first.count, second.count, third.count) == (2, 1, 0)
    assert [one.memory_id for one in third.results] == [one.memory_id for one in second.results] == ids
    assert await sessions.remembered() == numbered(["a", "b", "c"])


async def test_another_visibility_does_not_change_what_was_promoted_before(sessions: Sessions) -> None:
    [shared] = await sessions.say("a")
    await sessions.promote(visibility="shared")
    [private] = await sessions.say("b")

    promoted = await sessions.promote()

    assert promoted.count == 1
    assert (await memory(sessions, shared)).visibility == "shared"
    assert (await memory(sessions, private)).visibility == "private"


async def test_a_long_log_becomes_memories_in_order(sessions: Sessions) -> None:
    contents = [f"message {number}" for number in range(2 * SLICE + 7)]
    await sessions.say(*contents)

    promoted = await sessions.promote(through=2 * SLICE + 1)

    assert [one.sequence for one in promoted.results] == list(range(1, 2 * SLICE + 2))
    assert await sessions.remembered() == numbered(contents[: 2 * SLICE + 1])


async def test_what_was_deleted_stays_forgotten_and_is_not_told_of_again(sessions: Sessions) -> None:
    before, kept, after = await sessions.say("a", "b", "c")
    rooms = sessions.rooms
    await rooms.memories.delete(origin(), b"digest", "ada", before)
    await sessions.promote(through=2)
    await rooms.memories.delete(origin(), b"digest", "ada", kept)

    promoted = await sessions.promote()

    assert (promoted.promoted_through, promoted.count) == (3, 1)
    assert await sessions.remembered() == [(3, "c")]
    assert [one.memory_id for one in promoted.results] == [after]


async def test_a_message_whose_id_is_taken_is_stored_under_another(sessions: Sessions) -> None:
    [taken] = await sessions.say("a")
    await sessions.rooms.store(StoreMemory(content="something else", agent_id="ada", id=taken))

    first, second = await sessions.promote(), await sessions.promote()

    [stored] = first.results
    assert stored.memory_id != taken
    assert second.results == [stored]
    assert await sessions.remembered() == [(1, "a")]


async def test_chosen_keys_become_memories_of_their_versions(sessions: Sessions) -> None:
    await sessions.set("goal", b'"a garden"')
    await sessions.set("plan", b'{"steps": [1, 2]}')
    session = await sessions.kept()

    first = await sessions.promote(keys=["plan", "goal"], visibility="shared")
    again = await sessions.promote(keys=["plan", "goal"])
    await sessions.set("goal", b'"a park"')
    third = await sessions.promote(keys=["goal"])

    ids = [value_memory_id(session.key, session.epoch, key, 1) for key in ("plan", "goal")]
    assert [(one.memory_id, one.key, one.sequence) for one in first.results] == [
        (ids[0], "plan", None),
        (ids[1], "goal", None),
    ]
    assert (first.count, again.count, third.count) == (2, 0, 1)
    assert again.results == first.results
    plan, goal = [await memory(sessions, one) for one in ids]
    assert (plan.content, goal.content) == ('plan: {"steps":[1,2]}', "goal: a garden")
    assert goal.metadata == {"working_key": "goal", "working_version": 1}
    assert (goal.visibility, goal.session_id) == ("shared", "s")
    assert (await memory(sessions, third.results[0].memory_id)).content == "goal: a park"


async def test_keys_that_are_not_there_are_named_and_nothing_is_promoted(sessions: Sessions) -> None:
    await sessions.set("goal", b"1")

    with pytest.raises(NotFound, match="'aim', 'plan'"):
        await sessions.promote(keys=["goal", "plan", "aim"])

    assert await sessions.remembered() == []


async def test_a_value_that_is_too_long_for_a_memory_is_refused(sessions: Sessions) -> None:
    large = replace(sessions, working=working_on(sessions.redis, limits=LIMITS._replace(value_bytes=2_000_000)))
    await large.set("novel", b'"%s"' % (b"x" * 1_000_000))

    with pytest.raises(TooLarge, match="novel"):
        await large.promote(keys=["novel"])


async def test_a_session_that_is_not_there_is_not_found(sessions: Sessions) -> None:
    with pytest.raises(NotFound, match="'s'"):
        await sessions.promote()


async def test_nothing_of_another_agent_or_tenant_is_promoted(sessions: Sessions) -> None:
    others = [sessions.of("s", agent_id="bob"), sessions.of("s", tenant="acme"), sessions.of("t")]
    for other in others:
        await other.say("not mine")
    await sessions.say("mine")

    await sessions.promote()

    assert await sessions.remembered() == [(1, "mine")]
    assert [await other.remembered() for other in others] == [[], [], []]


class Choosy(WordsEmbedder):
    """An embedder that refuses texts of more than some characters."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    async def embed(self, texts: Any) -> list[Vector]:
        if any(len(text) > self.most for text in texts):
            raise EmbeddingRefused("The text is too long.")
        return await super().embed(texts)


def with_embedder(sessions: Sessions, most: int) -> Sessions:
    return replace(sessions, rooms=replace(sessions.rooms, embedder=Choosy(most)))


async def test_a_message_that_the_embedder_refuses_is_found_by_its_beginning(sessions: Sessions) -> None:
    sessions = with_embedder(sessions, 600)
    story = "roses and thorns " + "and more " * 200
    [_, long, _] = await sessions.say("before", story, "after")

    promoted = await sessions.promote()

    assert [one.status for one in promoted.results] == ["stored", "stored", "stored"]
    assert (await memory(sessions, long)).content == story
    assert (await sessions.rooms.recalled("roses and thorns", agent_id="ada"))[0] == story
    assert (await sessions.promote()).count == 0


async def test_a_message_of_which_the_embedder_takes_nothing_has_the_vector_of_its_speaker(
    sessions: Sessions,
) -> None:
    sessions = with_embedder(sessions, 10)
    await sessions.say("x" * 700, name="Ines")

    assert [one.status for one in (await sessions.promote()).results] == ["stored"]
    assert sessions.rooms.embedder.asked == ["Ines"]


async def test_an_embedder_that_takes_nothing_is_away_and_nothing_is_noted(sessions: Sessions) -> None:
    sessions = with_embedder(sessions, 0)
    await sessions.say("a", "b")

    with pytest.raises(Unavailable, match="too long"):
        await sessions.promote()

    assert (await sessions.kept()).promoted_through == 0
    assert await sessions.left() == ["a", "b"]


async def test_what_is_committed_is_promoted_though_the_vector_engine_is_away(sessions: Sessions) -> None:
    sessions.rooms.vectors.away = True
    await sessions.say("a")

    promoted = await sessions.promote()

    assert [one.status for one in promoted.results] == ["accepted"]
    assert promoted.promoted_through == 1


def test_keys_and_messages_are_promoted_by_commands_of_their_own() -> None:
    with pytest.raises(ValidationError):
        PromoteSession(session_id="s", keys=["a"], through=1)


async def test_a_moment_in_another_zone_is_the_same_moment(sessions: Sessions) -> None:
    [spoken] = await sessions.say("a", occurred_at="2026-03-02T20:00:00+02:00")

    await sessions.promote()

    assert (await memory(sessions, spoken)).occurred_at == datetime(2026, 3, 2, 18, tzinfo=UTC)
