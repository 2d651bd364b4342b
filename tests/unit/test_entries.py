"""What is noted beside the fields of an entry that could not be handled, and which entries go together."""

import pytest

from memos.broker.batches import MOST_BYTES, batches
from memos.broker.entries import (
    ATTEMPTS,
    CODE,
    DOCUMENT,
    ENTRY,
    FIRST,
    MOST_FIELDS_KEPT,
    REASON,
    STREAM,
    TIME,
    TRACEBACK,
    Entry,
    letter_fields,
    retry_fields,
    traceback_digest,
)
from memos.errors import InternalError, Unavailable
from memos.events.memories import StoreMemory
from memos.events.streams import STREAM_OF

STORES = STREAM_OF[StoreMemory]
AWAY = Unavailable("The ledger is away.")


def entry(number: int = 0, size: int = 10, attempts: int = 0) -> Entry:
    noted = {ATTEMPTS: b"%d" % attempts} if attempts else {}
    return Entry(b"1767225600000-%d" % number, {DOCUMENT: b"x" * size, **noted})


def mapped(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def sizes(entries: list[Entry], most: int) -> list[int]:
    return [len(batch) for batch in batches(entries, most)]


def test_an_entry_to_be_tried_again_keeps_its_fields_its_first_id_and_its_history() -> None:
    first = Entry(b"1767225600000-5", {DOCUMENT: b"\x00\xff", b"note": b"mine"})
    once = Entry(b"1767225600900-0", mapped(retry_fields(first, AWAY)))
    twice = mapped(retry_fields(once, Unavailable("Still away.")))
    assert (once.attempts, once.first_id) == (1, first.id)
    assert twice == {
        DOCUMENT: b"\x00\xff",
        b"note": b"mine",
        ATTEMPTS: b"2",
        FIRST: b"2026-01-01T00:00:00.000+00:00",
        ENTRY: first.id,
        CODE: b"unavailable",
        REASON: b"Still away.",
    }


def test_a_dead_letter_says_from_where_it_came_and_when_it_died() -> None:
    letter = mapped(letter_fields(STORES, entry(attempts=11), AWAY))
    assert (letter[STREAM], letter[ATTEMPTS], letter[CODE]) == (b"memos:store", b"12", b"unavailable")
    assert letter[TIME] > b"2026"
    assert TRACEBACK not in letter


def test_of_too_many_fields_the_document_is_kept() -> None:
    others = {b"%d" % number: b"" for number in range(5000)}
    letter = mapped(letter_fields(STORES, Entry(b"1-0", {**others, DOCUMENT: b"{}"}), AWAY))
    assert letter[DOCUMENT] == b"{}"
    assert len(letter) < MOST_FIELDS_KEPT + 20


@pytest.mark.parametrize("noted", [b"", b"-1", b"two", "²".encode(), b"1" * 100, b"1.5"])
def test_attempts_that_are_no_number_are_none(noted: bytes) -> None:
    assert Entry(b"1-0", {ATTEMPTS: noted}).attempts == 0


def test_an_id_given_by_hand_may_be_any_number() -> None:
    assert Entry(b"18446744073709551615-1", {}).first_time.startswith(b"9999-12-31")


def fail(message: str) -> InternalError:
    try:
        int(message)
    except ValueError as error:
        fault = InternalError("Not foreseen.")
        fault.__cause__ = error
        return fault
    raise AssertionError(message)


def test_an_unforeseen_error_has_one_digest_whatever_record_it_names() -> None:
    digests = {traceback_digest(fail("memory 1")), traceback_digest(fail("memory 2"))}
    assert len(digests) == 1
    assert traceback_digest(AWAY) is None


def test_entries_are_handled_as_many_together_as_the_handler_takes() -> None:
    assert sizes([entry(number) for number in range(20)], 8) == [8, 8, 4]


@pytest.mark.parametrize(("attempts", "expected"), [(1, [16, 4]), (2, [4] * 5), (3, [1] * 20), (999, [1] * 20)])
def test_what_failed_before_is_tried_in_ever_smaller_company(attempts: int, expected: list[int]) -> None:
    assert sizes([entry(number, attempts=attempts) for number in range(20)], 64) == expected


def test_what_is_fresh_never_shares_a_batch_with_what_failed_and_comes_first() -> None:
    mixed = [entry(number, attempts=number % 3) for number in range(12)]
    found = [{each.attempts for each in batch} for batch in batches(mixed, 64)]
    assert found == [{0}, {1}, {2}]


def test_a_batch_holds_no_more_than_eight_megabytes_and_a_larger_entry_goes_alone() -> None:
    large, small = MOST_BYTES // 4, 10
    entries = [entry(number, size) for number, size in enumerate([large] * 5 + [MOST_BYTES * 2] + [small] * 3)]
    found = list(batches(entries, 64))
    assert [len(batch) for batch in found] == [4, 1, 1, 3]
    assert [each for batch in found for each in batch] == entries
