"""Ids that clients make."""

import time
from uuid import RFC_4122, UUID

import pytest

from memos.client.ids import command_id_of, uuid7
from memos.errors import InvalidCommand


def test_an_id_is_a_uuid_of_version_seven() -> None:
    for _ in range(100):
        made = uuid7()
        assert (made.version, made.variant) == (7, RFC_4122)


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_ids_are_never_the_same() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_every_bit_that_is_free_is_drawn() -> None:
    ids = [uuid7().int for _ in range(200)]
    fixed = 0xF << 76 | 0b11 << 62
    free = (1 << 80) - 1 & ~fixed
    ones, zeros = 0, 0
    for each in ids:
        ones |= each
        zeros |= ~each
    assert ones & zeros & free == free


def test_a_command_keeps_the_id_it_was_given_and_else_gets_one() -> None:
    assert command_id_of("7") == "7"
    assert UUID(command_id_of(None)).version == 7


@pytest.mark.parametrize("given", ["", "x" * 256, "a\tb", "\x7f", "\ud800"])
def test_an_id_that_no_ledger_takes_is_refused(given: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        command_id_of(given)
    assert [fault.field for fault in refused.value.faults] == ["command_id"]
