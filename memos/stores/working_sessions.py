"""Sessions as scripts describe them."""

from collections.abc import Sequence
from typing import Any, Literal, cast

from memos.records import EndedSession, KeptSession, KeptSummary, Promotion, SessionKey, SessionPolicy
from memos.stores.working_keys import Agent, end_of, moment_of

Described = Sequence[Any]
"""The fields of a session, each followed by its value, how many keys and messages it has, and its bytes."""


def session_of(agent: Agent, epoch: bytes, described: Described) -> KeptSession:
    """A session of an agent; one that is kept aside is as it was at its end."""
    flat, *counted = described
    fields: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
    at_its_end = (fields[name] for name in (b"keys", b"messages", b"bytes"))
    keys, messages, size = at_its_end if b"reason" in fields else counted
    summary = fields.get(b"summary")
    return KeptSession(
        key=SessionKey(*agent, fields[b"id"].decode()),
        epoch=epoch.decode(),
        policy=_policy_of(fields),
        created_at=moment_of(fields[b"created"]),
        updated_at=moment_of(fields[b"updated"]),
        expires_at=end_of(fields[b"expires"]),
        keys=int(keys),
        messages=int(messages),
        tokens=int(fields[b"tokens"]),
        bytes=int(size),
        newest=int(fields[b"newest"]),
        promoted_through=int(fields[b"promoted"]),
        summary=KeptSummary.model_validate_json(summary) if summary else None,
    )


def ended_session(agent: Agent, epoch: bytes, described: Described) -> EndedSession:
    """A session that is kept aside."""
    flat = described[0]
    fields: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
    reason: Literal["requested", "expired"] = "expired" if fields[b"reason"] == b"expired" else "requested"
    return EndedSession(session_of(agent, epoch, described), reason, promote=fields[b"promoting"] == b"1")


def _policy_of(fields: dict[bytes, bytes]) -> SessionPolicy:
    return SessionPolicy(
        ttl=int(fields[b"ttl"]) if fields[b"ttl"] else None,
        window_messages=int(fields[b"window_messages"]),
        window_tokens=int(fields[b"window_tokens"]),
        promote=cast("Promotion", fields[b"promote"].decode()),
    )
