"""Logs of sessions in Redis: numbers, windows, promotion, and what leaves."""

import asyncio
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis
from sessions_kept import (
    DIGEST,
    LIMITS,
    MESSAGE_BYTES,
    OTHER_DIGEST,
    POLICY,
    SESSION,
    contents,
    message,
    origin,
    put,
    say,
    session,
)

from memos.errors import Conflict
from memos.ports import SessionChanges
from memos.records import KeptSession, KeptSummary, message_memory_id
from memos.stores.working import RedisWorking

pytest_plugins = ["working_fixtures"]

SUMMARY = KeptSummary(text="They met.", through=3, message_ids=[], model="m", updated_at=datetime.now(UTC))


@pytest.fixture
def promoting(working: RedisWorking, redis: Redis) -> RedisWorking:
    """Working memory whose messages become memories when they leave the window."""
    return RedisWorking(redis, POLICY._replace(promote="window"), LIMITS)


async def leave(working: RedisWorking, kept: KeptSession, through: int, summary: KeptSummary | None = None) -> None:
    await working.promoted(kept, through)
    await working.leave(kept, through, summary)


async def test_messages_are_numbered_from_1_and_read_as_they_were_appended(working: RedisWorking) -> None:
    drafts = [message("ä|1"), message("two", tokens=7)]
    appended = await working.add_messages(origin(), DIGEST, SESSION, drafts)
    assert (appended.sequences, appended.messages, appended.tokens) == ([1, 2], 2, 8)
    assert await say(working, "three") == [3]
    kept = await working.session(SESSION)
    assert (kept.messages, kept.tokens, kept.newest, kept.promoted_through) == (3, 9, 3, 0)
    found = await working.messages(SESSION, after=0)
    assert [each.document for each in found[:2]] == [draft.document for draft in drafts]
    assert [(each.sequence, each.tokens) for each in found] == [(1, 1), (2, 7), (3, 1)]
    assert [each.memory_id for each in found[:2]] == appended.memory_ids
    assert found[2].memory_id == message_memory_id(SESSION, kept.epoch, 3)


async def test_messages_are_read_between_numbers_and_from_the_end(working: RedisWorking) -> None:
    await say(working, *"abcdefgh")  # the window keeps d to h, which are 4 to 8
    assert await contents(working) == list("defgh")

    async def read(after: int, through: int | None = None, last: int | None = None) -> str:
        found = await working.messages(SESSION, after=after, through=through, last=last)
        return "".join(each.document["content"] for each in found)

    assert await read(5) == "fgh"
    assert await read(0, last=2) == "gh"
    assert await read(0, through=6, last=2) == "ef"
    assert await read(0, through=99) == "defgh"
    assert [await read(8), await read(0, through=3), await read(0, last=0)] == ["", "", ""]
    assert await working.messages(session("another"), after=0) == []


async def test_without_promotion_what_leaves_the_window_is_dropped(working: RedisWorking) -> None:
    await say(working, *"abcd")
    assert await say(working, *"efg") == [5, 6, 7]
    assert await contents(working) == list("cdefg")
    assert (await say(working, "long", tokens=98))[0] == 8
    assert await contents(working) == ["f", "g", "long"]
    kept = await working.session(SESSION)
    assert (kept.messages, kept.tokens, kept.newest) == (3, 100, 8)
    empty = len('{"role":"user","content":""}') + MESSAGE_BYTES
    assert kept.bytes == sum(empty + len(each) for each in ("f", "g", "long"))
    assert await working.crowded(10) == []


async def test_the_newest_message_is_kept_though_it_is_larger_than_the_window(working: RedisWorking) -> None:
    await say(working, "a", "huge", tokens=101)
    assert await contents(working) == ["huge"]


async def test_more_messages_than_the_window_at_once_have_numbers_and_leave_the_newest(
    working: RedisWorking,
) -> None:
    await say(working, "old")
    assert await say(working, *map(str, range(20))) == list(range(2, 22))
    assert await contents(working) == ["15", "16", "17", "18", "19"]
    assert [each.sequence for each in await working.messages(SESSION, after=0)] == [17, 18, 19, 20, 21]


async def test_a_repeated_command_appends_nothing(working: RedisWorking) -> None:
    once = origin("once")
    first = await working.add_messages(once, DIGEST, SESSION, [message("a")])
    await say(working, "b")
    assert await working.add_messages(once, DIGEST, SESSION, [message("a")]) == first
    assert await contents(working) == ["a", "b"]
    with pytest.raises(Conflict, match="'once'"):
        await working.add_messages(once, OTHER_DIGEST, SESSION, [message("c")])


async def test_a_hundred_who_append_at_once_have_numbers_of_their_own(working: RedisWorking) -> None:
    numbers = await asyncio.gather(*(say(working, str(number)) for number in range(100)))
    assert sorted(each[0] for each in numbers) == list(range(1, 101))


async def test_with_promotion_messages_stay_until_they_leave(promoting: RedisWorking) -> None:
    await say(promoting, *"abcdefgh")
    assert await contents(promoting) == list("abcdefgh")
    (crowded,) = await promoting.crowded(10)
    assert (crowded.session, crowded.through) == (await promoting.session(SESSION), 3)
    await leave(promoting, crowded.session, crowded.through, SUMMARY)
    assert await contents(promoting) == list("defgh")
    kept = await promoting.session(SESSION)
    assert (kept.messages, kept.tokens, kept.newest, kept.promoted_through) == (5, 5, 8, 3)
    assert kept.summary == SUMMARY
    assert await promoting.crowded(10) == []
    assert [each.sequence for each in await promoting.messages(SESSION, after=0)] == [4, 5, 6, 7, 8]


async def test_messages_that_are_not_promoted_do_not_leave(promoting: RedisWorking) -> None:
    await say(promoting, *"abcdefgh")
    kept = await promoting.session(SESSION)
    await promoting.promoted(kept, 2)
    await promoting.leave(kept, 5, None)
    assert await contents(promoting) == list("cdefgh")
    await promoting.promoted(kept, 1)
    await promoting.promoted(kept, 99)
    assert (await promoting.session(SESSION)).promoted_through == 8


async def test_a_log_is_crowded_by_tokens_too(promoting: RedisWorking) -> None:
    await say(promoting, "a", tokens=60)
    assert await promoting.crowded(10) == []
    await say(promoting, "b", tokens=60)
    (crowded,) = await promoting.crowded(10)
    assert crowded.through == 1


async def test_one_message_never_crowds_a_log(promoting: RedisWorking) -> None:
    await say(promoting, "huge", tokens=101)
    assert await promoting.crowded(10) == []


async def test_a_log_that_emptied_goes_on_counting(promoting: RedisWorking) -> None:
    await say(promoting, *"abc")
    await leave(promoting, await promoting.session(SESSION), 3)
    assert (await promoting.session(SESSION)).messages == 0
    assert await say(promoting, "d") == [4]
    assert [each.sequence for each in await promoting.messages(SESSION, after=0)] == [4]


async def test_leaving_twice_is_leaving_once(promoting: RedisWorking) -> None:
    await say(promoting, *"abcdefgh")
    for _ in range(2):
        await leave(promoting, await promoting.session(SESSION), 3, SUMMARY)
    kept = await promoting.session(SESSION)
    assert (kept.messages, kept.tokens) == (5, 5)
    summary = len(SUMMARY.model_dump_json())
    assert kept.bytes == summary + 5 * (len('{"role":"user","content":"d"}') + MESSAGE_BYTES)


async def test_a_summary_is_kept_only_in_the_place_of_the_one_that_it_was_made_from(
    promoting: RedisWorking,
) -> None:
    await say(promoting, *"abcdefgh")
    session = await promoting.session(SESSION)
    await promoting.promoted(session, 5)
    assert await promoting.leave(session, 3, SUMMARY)
    late = SUMMARY.model_copy(update={"text": "Without what was before.", "through": 5})
    assert not await promoting.leave(session, 5, late)
    assert ((await promoting.session(SESSION)).summary, await contents(promoting)) == (SUMMARY, list("defgh"))
    assert await promoting.leave(session, 4, None)
    assert await promoting.leave(session, 5, late, onto=3)
    assert ((await promoting.session(SESSION)).summary, await contents(promoting)) == (late, list("fgh"))


async def test_a_log_is_read_on_from_a_number(working: RedisWorking) -> None:
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(window_messages=9))
    await say(working, *"abcdefgh")

    async def read(after: int, first: int, last: int | None = None) -> str:
        found = await working.messages(SESSION, after=after, first=first, last=last)
        return "".join(each.document["content"] for each in found)

    assert [await read(0, 3), await read(3, 3), await read(6, 3), await read(8, 3)] == ["abc", "def", "gh", ""]
    assert [await read(0, 0), await read(0, 2, last=5)] == ["", "de"]


async def test_of_another_epoch_nothing_is_noted_nor_dropped(promoting: RedisWorking) -> None:
    await say(promoting, *"abcdef")
    former = await promoting.session(SESSION)
    await promoting.end(origin(), DIGEST, SESSION, promote=False)
    await say(promoting, *"uvwxyz")
    await leave(promoting, former, 6, SUMMARY)
    kept = await promoting.session(SESSION)
    assert (kept.messages, kept.promoted_through, kept.summary) == (6, 0, None)


async def test_promotion_is_no_write_that_keeps_a_session_alive(promoting: RedisWorking) -> None:
    await say(promoting, *"abcdef")
    before = await promoting.session(SESSION)
    await leave(promoting, before, 1)
    after = await promoting.session(SESSION)
    assert (after.updated_at, after.expires_at) == (before.updated_at, before.expires_at)


async def test_a_crowded_log_that_is_put_off_is_left_out_for_a_while(promoting: RedisWorking) -> None:
    await say(promoting, *"abcdefgh")
    await say(promoting, *"abcdefgh", within=session("two"))
    assert len(await promoting.crowded(10)) == 2
    assert len(await promoting.crowded(1)) == 1
    await promoting.put_off(await promoting.session(SESSION), 60)
    await say(promoting, "i")
    assert [each.session.key.session_id for each in await promoting.crowded(10)] == ["two"]
    await promoting.put_off(await promoting.session(SESSION), 0)
    assert len(await promoting.crowded(10)) == 2


async def test_a_smaller_window_crowds_or_trims_at_once(working: RedisWorking) -> None:
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(window_messages=9, promote="end"))
    await say(working, *"abcdefgh")
    assert await working.crowded(10) == []
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(window_messages=2))
    assert [each.through for each in await working.crowded(10)] == [6]
    await put(working, "unrelated")
    await working.configure(origin(), DIGEST, SESSION, SessionChanges(promote="never"))
    assert await working.crowded(10) == []
    assert await contents(working) == ["g", "h"]
