"""Values of sessions in Redis: versions, times to live, numbers, lists, and pages of keys."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from running import until
from sessions_kept import DIGEST, OTHER_DIGEST, SESSION, expire_key, origin, put, session, values

from memos.errors import Conflict
from memos.records import ValueDraft
from memos.stores.working import RedisWorking

pytest_plugins = ["working_fixtures"]

ODD = ["a", "a:b", "a/b", "a*", "a[b]", "a\\", "a(", "a\x7fb", "ä", "日本", "b", "🦊", "}", "{a}", "|1|2|"]


async def test_a_value_is_read_as_it_was_set(working: RedisWorking) -> None:
    (kept,) = await working.set(origin(), DIGEST, SESSION, [ValueDraft("plan", b'{"a":[1,2.5,null,"|\\n"]}')])
    (found,) = await working.get(SESSION, ["plan"])
    assert found.value == {"a": [1, 2.5, None, "|\n"]}
    assert found._replace(value=None) == kept
    assert (kept.version, kept.expires_at) == (1, None)


async def test_values_come_in_the_order_asked_for_without_those_that_are_missing(working: RedisWorking) -> None:
    await working.set(origin(), DIGEST, SESSION, [ValueDraft(key, b"0") for key in "abc"])
    assert [each.key for each in await working.get(SESSION, ["c", "x", "a"])] == ["c", "a"]
    assert await working.get(session("another"), ["a"]) == []
    assert await working.get(SESSION, []) == []


async def test_every_write_of_a_key_makes_its_next_version(working: RedisWorking) -> None:
    assert [await put(working, "n") for _ in range(3)] == [1, 2, 3]
    assert (await working.increment(origin(), DIGEST, SESSION, "n", by=1, ttl=None)).version == 4
    assert await put(working, "l", b"[]") == 1
    assert (await working.append(origin(), DIGEST, SESSION, "l", items=[b"1"], ttl=None)).version == 2


async def test_a_key_that_was_deleted_never_has_an_old_version_again(working: RedisWorking) -> None:
    await put(working, "n", b"1")
    await put(working, "n", b"2")
    await working.delete(origin(), DIGEST, SESSION, ["n"], None)
    assert await put(working, "n", b"3") == 3


async def test_a_value_is_set_only_at_the_version_asked_for(working: RedisWorking) -> None:
    assert await put(working, "n", b"1", if_version=0) == 1
    with pytest.raises(Conflict, match=r"'n' of session 'one' is at version 1"):
        await put(working, "n", b"2", if_version=0)
    with pytest.raises(Conflict, match="is not there"):
        await put(working, "m", b"2", if_version=1)
    assert await put(working, "n", b"3", if_version=1) == 2
    assert await values(working, "n", "m") == {"n": 3}


async def test_of_many_values_none_is_set_when_one_cannot_be(working: RedisWorking) -> None:
    await put(working, "b")
    drafts = [ValueDraft("a", b"2"), ValueDraft("b", b"2", if_version=7), ValueDraft("c", b"2")]
    with pytest.raises(Conflict, match="'b'"):
        await working.set(origin(), DIGEST, SESSION, drafts)
    assert await values(working, "a", "b", "c") == {"b": 1}
    with pytest.raises(Conflict):
        await put(working, "a", within=session("new"), if_version=1)
    assert [each.key.session_id for each in await working.sessions("acme", "cortex", "", 10)] == ["one"]


async def test_a_repeated_command_has_the_first_answer_and_no_second_effect(working: RedisWorking) -> None:
    once, drafts = origin("once"), [ValueDraft("n", b"1", ttl=60)]
    first = await working.set(once, DIGEST, SESSION, drafts)
    await put(working, "n", b"5")
    assert await working.set(once, DIGEST, SESSION, drafts) == first
    more = origin("more")
    sums = [await working.increment(more, DIGEST, SESSION, "n", by=2, ttl=None) for _ in range(3)]
    assert sums == [sums[0]] * 3
    grown = origin("grown")
    lists = [await working.append(grown, DIGEST, SESSION, "l", items=[b"1"], ttl=None) for _ in range(2)]
    assert lists[0] == lists[1]
    assert await values(working, "n", "l") == {"n": 7, "l": [1]}
    gone = origin("gone")
    assert [await working.delete(gone, DIGEST, SESSION, ["n"], None) for _ in range(2)] == [["n"], ["n"]]


async def test_a_command_id_that_was_used_for_something_else_is_a_conflict(working: RedisWorking) -> None:
    await working.set(origin("once"), DIGEST, SESSION, [ValueDraft("n", b"1")])
    with pytest.raises(Conflict, match="'once' was used before"):
        await working.increment(origin("once"), OTHER_DIGEST, SESSION, "n", by=1, ttl=None)
    assert await values(working, "n") == {"n": 1}


async def test_a_key_expires_at_once_for_all_who_ask(working: RedisWorking, redis: Redis) -> None:
    for key in ("x", "y"):
        await put(working, key, b"[1]", ttl=60)
    (found,) = await working.get(SESSION, ["x"])
    assert found.expires_at is not None
    assert (found.expires_at - found.updated_at).total_seconds() == 60
    await expire_key(redis, working, "x")
    assert await values(working, "x", "y") == {"y": [1]}
    assert [each.key for each in await working.page(SESSION, "", "", 1)] == ["y"]
    assert (await working.session(SESSION)).keys == 1
    assert await working.delete(origin(), DIGEST, SESSION, ["x"], None) == []
    await expire_key(redis, working, "y")
    assert await put(working, "y", b"[]", if_version=0) == 2


async def test_a_key_expires_after_its_ttl(working: RedisWorking) -> None:
    await put(working, "brief", ttl=1)
    assert await values(working, "brief") == {"brief": 1}

    async def expired() -> bool:
        return await values(working, "brief") == {}

    await until(expired)


async def test_setting_anew_drops_a_ttl_and_adding_to_a_value_keeps_it(working: RedisWorking) -> None:
    await put(working, "n", ttl=60)
    kept = await working.increment(origin(), DIGEST, SESSION, "n", by=1, ttl=None)
    assert kept.expires_at is not None
    later = await working.increment(origin(), DIGEST, SESSION, "n", by=1, ttl=600)
    assert later.expires_at is not None
    assert later.expires_at > kept.expires_at
    await put(working, "n")
    assert (await working.get(SESSION, ["n"]))[0].expires_at is None
    listed = await working.append(origin(), DIGEST, SESSION, "l", items=[b"1"], ttl=60)
    again = await working.append(origin(), DIGEST, SESSION, "l", items=[b"1"], ttl=None)
    assert listed.expires_at == again.expires_at is not None


@pytest.mark.parametrize(
    ("before", "by", "after"),
    [
        (None, 5, 5),
        (b"9007199254740993", 2, 9007199254740995),
        (b"9223372036854775806", 1, 2**63 - 1),
        (b"-1", -(2**63) + 1, -(2**63)),
        (b"-0", 3, 3),
        (b"0.1", 0.2, 0.1 + 0.2),
        (b"1e-20", 1.0e-20, 2e-20),
        (b"1", 0.5, 1.5),
        (b"1e300", 1e300, 2e300),
    ],
)
async def test_numbers_are_added_exactly(
    working: RedisWorking, before: bytes | None, by: float, after: float
) -> None:
    if before is not None:
        await put(working, "n", before)
    kept = await working.increment(origin(), DIGEST, SESSION, "n", by=by, ttl=None)
    assert kept.value == after
    assert await values(working, "n") == {"n": after}


async def test_a_sum_of_other_numbers_stays_one(working: RedisWorking) -> None:
    sums = [(await working.increment(origin(), DIGEST, SESSION, "n", by=0.5, ttl=None)).value for _ in range(4)]
    assert sums == [0.5, 1.0, 1.5, 2.0]
    assert {type(each) for each in sums} == {float}


@pytest.mark.parametrize(
    ("value", "by"),
    [(b"9223372036854775807", 1), (b"18446744073709551615", 1), (b"1", 2**63), (b"1.7e308", 1.7e308)],
)
async def test_a_sum_that_is_no_number_of_64_bits_is_a_conflict(
    working: RedisWorking, value: bytes, by: int | float
) -> None:
    await put(working, "n", value)
    with pytest.raises(Conflict, match="range of numbers"):
        await working.increment(origin(), DIGEST, SESSION, "n", by=by, ttl=None)
    (kept,) = await working.get(SESSION, ["n"])
    assert kept.version == 1


@pytest.mark.parametrize("value", [b'"5"', b"true", b"null", b"[1]", b'{"a":1}'])
async def test_nothing_is_added_to_what_is_no_number(working: RedisWorking, value: bytes) -> None:
    await put(working, "n", value)
    with pytest.raises(Conflict, match="is no number"):
        await working.increment(origin(), DIGEST, SESSION, "n", by=1, ttl=None)


async def test_a_list_grows_by_the_very_text_of_its_items(working: RedisWorking, redis: Redis) -> None:
    await put(working, "l", b'["]",12345678901234567890.0,[],{}]')
    grown = await working.append(origin(), DIGEST, SESSION, "l", items=[b'"\xc3\xa4,"', b"1e4"], ttl=None)
    assert grown.length == 6
    assert (await working.append(origin(), DIGEST, SESSION, "l", items=[b"null"], ttl=None)).length == 7
    part = f"memos:working:{{acme:cortex}}:{(await working.session(SESSION)).epoch}"
    text: Any = await redis.hget(f"{part}:values", "l")
    assert text.split(b"|", 4)[4] == b'["]",12345678901234567890.0,[],{},"\xc3\xa4,",1e4,null]'


async def test_an_empty_or_absent_list_grows(working: RedisWorking) -> None:
    await put(working, "empty", b"[]")
    for key in ("empty", "absent"):
        assert (await working.append(origin(), DIGEST, SESSION, key, items=[b"[]", b"2"], ttl=None)).length == 2
    assert await values(working, "empty", "absent") == {"empty": [[], 2], "absent": [[], 2]}


@pytest.mark.parametrize("value", [b'"[]"', b"{}", b"1"])
async def test_nothing_is_appended_to_what_is_no_list(working: RedisWorking, value: bytes) -> None:
    await put(working, "l", value)
    with pytest.raises(Conflict, match="is no list"):
        await working.append(origin(), DIGEST, SESSION, "l", items=[b"1"], ttl=None)


async def test_a_hundred_who_add_at_once_are_all_counted(working: RedisWorking) -> None:
    added = [working.increment(origin(), DIGEST, SESSION, "n", by=1, ttl=None) for _ in range(100)]
    appended = [working.append(origin(), DIGEST, SESSION, "l", items=[b"1"], ttl=None) for _ in range(100)]
    kept = await asyncio.gather(*added)
    assert sorted(each.value for each in kept) == list(range(1, 101))
    assert sorted(each.length for each in await asyncio.gather(*appended)) == list(range(1, 101))


async def test_of_two_who_set_at_the_same_version_one_is_refused(working: RedisWorking) -> None:
    await put(working, "n")
    both = [put(working, "n", b"2", if_version=1), put(working, "n", b"3", if_version=1)]
    outcomes: list[Any] = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(map(str, map(type, outcomes))) == sorted(map(str, (int, Conflict)))


async def test_keys_are_deleted_and_told(working: RedisWorking) -> None:
    for key in "ab":
        await put(working, key)
    with pytest.raises(Conflict, match="version 1"):
        await working.delete(origin(), DIGEST, SESSION, ["a"], 2)
    assert await working.delete(origin(), DIGEST, SESSION, ["a"], 1) == ["a"]
    assert await working.delete(origin(), DIGEST, SESSION, ["b", "a", "x"], None) == ["b"]
    assert await working.page(SESSION, "", "", 10) == []
    kept = await working.session(SESSION)
    assert (kept.keys, kept.bytes) == (0, 0)
    assert await working.delete(origin(), DIGEST, session("never"), ["a"], None) == []


async def test_pages_have_every_key_of_a_prefix_in_the_order_of_their_bytes(working: RedisWorking) -> None:
    keys = ODD[1::2] + ODD[::2]
    await working.set(origin(), DIGEST, SESSION, [ValueDraft(key, b"0") for key in keys])
    for prefix in ("", "a", "a:", "日", "{", "zz"):
        found: list[str] = []
        while page := await working.page(SESSION, prefix, found[-1] if found else "", 2):
            found += [each.key for each in page]
        assert found == sorted((key for key in ODD if key.startswith(prefix)), key=str.encode)
    assert [each.key for each in await working.page(SESSION, "a", "0", 1)] == ["a"]
    assert await working.page(SESSION, "a", "b", 9) == []


async def test_of_a_page_values_that_are_too_large_are_left_out_with_their_bytes(working: RedisWorking) -> None:
    jsons = {"empty": b'""', "large": b'"1|2|3"', "list": b"[1,2]", "small": b'"1|2"', "wide": '"äää"'.encode()}
    drafts = [ValueDraft(key, json, ttl=60) for key, json in jsons.items()]
    kept = await working.set(origin(), DIGEST, SESSION, drafts)

    page = await working.page(SESSION, "", "", 9, largest=5)

    assert {one.key: (one.value, one.left_out) for one in page} == {
        "empty": ("", 0),
        "large": (None, 7),
        "list": ([1, 2], 0),
        "small": ("1|2", 0),
        "wide": (None, 8),
    }
    assert [one._replace(value=None, left_out=0) for one in page] == kept
