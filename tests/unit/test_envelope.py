"""The envelope as it travels, and what of a broken one still tells where its sender waits."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.errors import MalformedEntry
from memos.events.envelope import Envelope, decode, return_address
from memos.events.memories import GetMemory

DOCUMENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "7",
    "source": "tests",
    "type": "memos.get.v1",
    "time": "2024-02-29T12:00:00Z",
    "datacontenttype": "application/json",
    "data": {"memory_id": str(UUID(int=1))},
    "tenant": "acme",
    "replyto": "memos:reply:inbox",
    "correlationid": "abc",
    "ttlms": 1000,
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


def encoded(**changes: Any) -> bytes:
    return json.dumps({**DOCUMENT, **changes}).encode()


def test_a_document_is_read_and_written_alike() -> None:
    assert json.loads(decode(encoded()).encode()) == DOCUMENT


def test_what_is_absent_is_not_written() -> None:
    envelope = Envelope(id="7", source="tests", type="memos.get.v1")
    assert json.loads(envelope.encode()) == {
        "specversion": "1.0",
        "id": "7",
        "source": "tests",
        "type": "memos.get.v1",
        "datacontenttype": "application/json",
        "tenant": "default",
    }


def test_only_what_cloud_events_asks_for_is_needed() -> None:
    envelope = decode(b'{"specversion": "1.0", "id": "7", "source": "s", "type": "t"}')
    assert (envelope.tenant, envelope.replyto, envelope.data) == ("default", None, None)


def test_attributes_that_memos_does_not_know_are_passed_over() -> None:
    assert decode(encoded(comexampleextension="x", dataschema="y", partitionkey=3)) == decode(encoded())


def test_text_of_every_script_travels_as_utf_8() -> None:
    written = decode(encoded(id="schlüssel \U0001f511")).encode()
    assert "schlüssel \U0001f511".encode() in written
    assert decode(written).id == "schlüssel \U0001f511"


@given(values)
def test_data_arrives_as_it_was_sent(data: Any) -> None:
    sent = Envelope(id="7", source="s", type="t", data=data)
    assert decode(sent.encode()).data == data


def test_data_may_be_a_model() -> None:
    sent = Envelope(id="7", source="s", type="t", data=GetMemory(memory_id=UUID(int=1)))
    assert decode(sent.encode()).data == {"memory_id": str(UUID(int=1)), "agent_id": "default_agent"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": "2.0"}, "specversion"),
        ({"id": "a\x7f"}, "id"),
        ({"source": ""}, "source"),
        ({"type": None}, "type"),
        ({"tenant": "a/b"}, "tenant"),
        ({"tenant": "acme\n"}, "tenant"),
        ({"replyto": "memos:store"}, "replyto"),
        ({"replyto": "xmemos:reply:a"}, "replyto"),
        ({"ttlms": -1}, "ttlms"),
    ],
)
def test_an_attribute_that_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedEntry) as refused:
        decode(encoded(**changes))
    assert [fault.field for fault in refused.value.faults] == [field]


@pytest.mark.parametrize("document", [b"", b"{", b"\xff", b'{"id": NaN}', b"[" * 1000, b'"\\ud800"'])
def test_what_is_no_json_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedEntry, match="no valid JSON"):
        decode(document)


def test_an_answer_is_matched_by_the_correlation_id_or_else_the_commands_id() -> None:
    before = datetime.now(UTC)
    answer = decode(encoded()).answer("memos.get.reply.v1", {"a": 1})
    assert (answer.correlationid, answer.type, answer.source) == ("abc", "memos.get.reply.v1", "memos")
    assert (answer.tenant, answer.traceparent) == ("acme", DOCUMENT["traceparent"])
    assert answer.replyto is None
    assert answer.time is not None
    assert answer.time >= before
    assert decode(encoded(correlationid=None)).answer("t", None).correlationid == "7"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": 5},
        {"source": None},
        {"tenant": "\n"},
        {"time": "never"},
        {"data": float("nan")},
        {"data": "\ud800"},
    ],
)
def test_the_sender_of_a_broken_document_is_known_by_what_is_sound_in_it(changes: dict[str, Any]) -> None:
    sender = return_address(encoded(**changes))
    assert sender is not None
    assert (sender.id, sender.replyto, sender.correlationid) == ("7", "memos:reply:inbox", "abc")
    assert decode(sender.answer("memos.problem.v1", {}).encode()).correlationid == "abc"


def test_a_sender_without_a_sound_id_is_known_by_its_correlation_id() -> None:
    sender = return_address(encoded(id=5))
    assert sender is not None
    assert decode(sender.answer("memos.problem.v1", {}).encode()).correlationid == "abc"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b'"replyto"',
        b"[" * 100_000,
        b"9" * 5000,
        encoded(replyto=None),
        encoded(replyto="elsewhere"),
        encoded(replyto="memos:reply:\ud800"),
        encoded(replyto=["memos:reply:a"]),
        encoded(id=None, correlationid="\n"),
    ],
)
def test_a_document_that_does_not_say_where_and_to_what_to_answer_is_not_answered(document: bytes) -> None:
    assert return_address(document) is None
