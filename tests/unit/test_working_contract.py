"""The contract of working memory: what it may be told, and how a fault is named."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from memos.events.commands import Command
from memos.events.problems import faults_of
from memos.events.sessions import (
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    PromoteSession,
    ReadSession,
)
from memos.events.working import (
    LONGEST_TTL,
    MOST_DEPTH,
    MOST_KEYS,
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    ListWorking,
    SetWorking,
)
from memos.handlers.digests import digest_of

PLACE: dict[str, Any] = {"session_id": "s"}


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def setting(**fields: Any) -> dict[str, Any]:
    """The fields of a command that sets one key."""
    return {"values": [{"key": "k", "value": 1, **fields}]}


REFUSED: list[tuple[type[Command], dict[str, Any], str]] = [
    (SetWorking, {"values": []}, "values"),
    (SetWorking, {"values": [{"key": "k", "value": 1}] * 2}, "values"),
    (SetWorking, {"values": [{"key": f"k{n}", "value": 1} for n in range(MOST_KEYS + 1)]}, "values"),
    (SetWorking, {"values": [{"key": "k"}]}, "values.0.value"),
    (SetWorking, setting(key=""), "values.0.key"),
    (SetWorking, setting(key="a\nb"), "values.0.key"),
    (SetWorking, setting(key="a\x00"), "values.0.key"),
    (SetWorking, setting(key="\x7f"), "values.0.key"),
    (SetWorking, setting(key="\ud800"), "values.0.key"),
    (SetWorking, setting(key="k" * 256), "values.0.key"),
    (SetWorking, setting(key=5), "values.0.key"),
    (SetWorking, setting(ttl=0), "values.0.ttl"),
    (SetWorking, setting(ttl=-1), "values.0.ttl"),
    (SetWorking, setting(ttl=LONGEST_TTL + 1), "values.0.ttl"),
    (SetWorking, setting(ttl=10**30), "values.0.ttl"),
    (SetWorking, setting(ttl=True), "values.0.ttl"),
    (SetWorking, setting(ttl=1.5), "values.0.ttl"),
    (SetWorking, setting(ttl="60"), "values.0.ttl"),
    (SetWorking, setting(ttl=math.nan), "values.0.ttl"),
    (SetWorking, setting(if_version=-1), "values.0.if_version"),
    (SetWorking, setting(if_version=True), "values.0.if_version"),
    (SetWorking, setting(if_version="1"), "values.0.if_version"),
    (SetWorking, setting(if_version=1.0), "values.0.if_version"),
    (SetWorking, setting(key="a\x9b2J"), "values.0.key"),
    (SetWorking, setting(value=math.nan), "values.0.value"),
    (SetWorking, setting(value={"a": [math.inf]}), "values.0.value"),
    (SetWorking, setting(value=2**64), "values.0.value"),
    (SetWorking, setting(value="a\x00"), "values.0.value"),
    (SetWorking, setting(value={"\ud800": 1}), "values.0.value"),
    (SetWorking, setting(value=nested(MOST_DEPTH + 1)), "values.0.value"),
    (SetWorking, setting(value=object()), "values.0.value"),
    (SetWorking, setting(expires=1), "values.0.expires"),
    (SetWorking, {**setting(), "tenant": "other"}, "tenant"),
    (SetWorking, {**setting(), "session_id": ""}, "session_id"),
    (SetWorking, {**setting(), "session_id": "a\tb"}, "session_id"),
    (SetWorking, {**setting(), "session_id": "a\x85"}, "session_id"),
    (SetWorking, {**setting(), "agent_id": "a\r"}, "agent_id"),
    (GetWorking, {"keys": []}, "keys"),
    (GetWorking, {"keys": ["a", "b", "a"]}, "keys"),
    (GetWorking, {"keys": ["a", "\x1f"]}, "keys.1"),
    (ListWorking, {"limit": 0}, "limit"),
    (ListWorking, {"limit": 1001}, "limit"),
    (ListWorking, {"prefix": "\ud800"}, "prefix"),
    (ListWorking, {"after": "a" * 256}, "after"),
    (DeleteWorking, {"keys": ["a", "b"], "if_version": 1}, "body"),
    (DeleteWorking, {"keys": ["a"], "if_version": 0}, "if_version"),
    (DeleteWorking, {"keys": ["a"], "if_version": True}, "if_version"),
    (IncrementWorking, {"key": "k", "by": True}, "by"),
    (IncrementWorking, {"key": "k", "by": "1"}, "by"),
    (IncrementWorking, {"key": "k", "by": math.nan}, "by"),
    (IncrementWorking, {"key": "k", "by": -math.inf}, "by"),
    (IncrementWorking, {"key": "k", "by": 2**64}, "by"),
    (IncrementWorking, {"key": "k", "ttl": 0}, "ttl"),
    (AppendWorking, {"key": "k", "items": []}, "items"),
    (AppendWorking, {"key": "k", "items": "abc"}, "items"),
    (AppendWorking, {"key": "k", "items": [1, nested(MOST_DEPTH + 1)]}, "items.1"),
    (AppendMessage, {"message": {"content": " "}}, "message.content"),
    (AppendMessage, {"message": {"content": "a\x00"}}, "message.content"),
    (AppendMessage, {"message": {"content": "a", "role": "customer"}}, "message.role"),
    (AppendMessage, {"message": {"content": "a", "name": "a\nb"}}, "message.name"),
    (AppendMessage, {"message": {"content": "a", "occurred_at": "2026-01-31T09:30:00"}}, "message.occurred_at"),
    (AppendMessage, {"message": {"content": "a", "metadata": {"a": math.nan}}}, "message.metadata"),
    (AppendMessages, {"messages": []}, "messages"),
    (AppendMessages, {"messages": [{"content": "a"}] * 101}, "messages"),
    (AppendMessages, {"messages": [{"content": "a"}, {"text": "b"}]}, "messages.1.content"),
    (ReadSession, {"last": -1}, "last"),
    (ReadSession, {"max_tokens": 0}, "max_tokens"),
    (ReadSession, {"first": 0}, "first"),
    (ReadSession, {"first": 1001}, "first"),
    (ReadSession, {"first": 5, "last": 5}, "body"),
    (ConfigureSession, {"options": {"ttl": 60, "lasting": True}}, "options"),
    (ConfigureSession, {"options": {"ttl": False}}, "options.ttl"),
    (ConfigureSession, {"options": {"window_messages": 0}}, "options.window_messages"),
    (ConfigureSession, {"options": {"window_messages": True}}, "options.window_messages"),
    (ConfigureSession, {"options": {"window_messages": "20"}}, "options.window_messages"),
    (ConfigureSession, {"options": {"window_tokens": 1.0}}, "options.window_tokens"),
    (ConfigureSession, {"options": {"lasting": "yes"}}, "options.lasting"),
    (ConfigureSession, {"options": {"lasting": 1}}, "options.lasting"),
    (ConfigureSession, {"options": {"promote": "always"}}, "options.promote"),
    (EndSession, {"promote": "perhaps"}, "promote"),
    (EndSession, {"promote": "yes"}, "promote"),
    (PromoteSession, {"keys": ["a"], "through": 1}, "body"),
    (PromoteSession, {"keys": []}, "keys"),
    (PromoteSession, {"through": 0}, "through"),
]


@pytest.mark.parametrize(("kind", "fields", "field"), REFUSED)
def test_what_does_not_fit_is_refused_where_it_is_wrong(
    kind: type[Command], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        kind.model_validate({**PLACE, **fields})

    assert field in [fault.field for fault in faults_of(refusal.value)]


@pytest.mark.parametrize("key", ["a\nb", "\x00", "\x7f", "\x80", "\x9f"], ids=repr)
def test_a_control_character_is_refused_in_words(key: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        GetWorking(**PLACE, keys=[key])

    [fault] = faults_of(refusal.value)
    said = "must not contain NUL characters" if key == "\x00" else "must not contain control characters"
    assert (fault.field, fault.message) == ("keys.0", said)


@pytest.mark.parametrize(
    "name", ["a/b", "user:42", " ", "..", "%2F", "{a}", "*?[", "Zoë 🫖", "default", "a" * 255, "memos:working:{x}"]
)
def test_a_session_and_a_key_may_be_called_almost_anything(name: str) -> None:
    command = SetWorking.model_validate({"session_id": name, "values": [{"key": name, "value": None}]})

    assert (command.session_id, command.values[0].key, command.values[0].value) == (name, name, None)


@pytest.mark.parametrize("value", [None, False, 0, -1.5, 2**64 - 1, "", [], {}, nested(MOST_DEPTH), {"": [{}]}])
def test_a_value_is_whatever_json_can_say(value: Any) -> None:
    command = SetWorking.model_validate({**PLACE, **setting(value=value)})

    assert command.values[0].value == value
    assert type(command.values[0].value) is type(value)


def test_an_increment_keeps_whole_numbers_whole() -> None:
    one, half = (IncrementWorking(session_id="s", key="k", by=by) for by in (2**53 + 1, 0.5))

    assert (one.by, type(one.by), half.by) == (2**53 + 1, int, 0.5)


def test_a_page_of_sessions_is_bounded() -> None:
    with pytest.raises(ValidationError):
        ListSessions(limit=1001)


def test_what_says_the_same_has_the_same_digest_and_what_says_otherwise_has_not() -> None:
    null, one, other = (digest_of(SetWorking(**PLACE, **setting(value=value))) for value in (None, 1, 1.0))
    same = digest_of(SetWorking(**PLACE, **setting(value=None, ttl=None), agent_id="default_agent"))

    assert null == same
    assert len({null, one, other}) == 3
