"""The names that working memory has in Redis, and the ways between its records and what is kept under them."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

from memos.records import ExpiredValue, Origin, SessionKey

DUE = "memos:working:due"
"""Agents by the moment, in milliseconds, at which something of theirs is due."""

START = datetime(1970, 1, 1, tzinfo=UTC)


class Agent(NamedTuple):
    """Whose sessions they are; all keys of an agent are in one slot."""

    tenant: str
    agent_id: str

    @classmethod
    def of(cls, session: SessionKey) -> Self:
        """The agent that a session belongs to."""
        return cls(session.tenant, session.agent_id)

    @classmethod
    def named(cls, name: bytes) -> Self:
        """The agent of a member of `DUE`."""
        tenant, _, agent_id = name.decode().partition(":")
        return cls(unquote(tenant), unquote(agent_id))

    @property
    def name(self) -> str:
        """What it is called in names of keys."""
        return f"{quote(self.tenant, safe='')}:{quote(self.agent_id, safe='')}"

    @property
    def key(self) -> str:
        """The name of its hash, with which the names of its other keys begin."""
        return f"memos:working:{{{self.name}}}"


def done_name(origin: Origin) -> str:
    """What the reply to a command is remembered under."""
    digest = hashlib.sha256(f"{origin.source}\0{origin.command_id}".encode()).digest()
    return urlsafe_b64encode(digest[:18]).decode()


def moment_of(milliseconds: bytes) -> datetime:
    """A moment by Redis's clock."""
    return START + timedelta(milliseconds=float(milliseconds))


def end_of(milliseconds: bytes) -> datetime | None:
    """When something expires, if it does."""
    return moment_of(milliseconds) if milliseconds else None


def lexical_range(prefix: str, after: str) -> tuple[bytes, bytes]:
    """Where keys of a prefix begin, after one of them, and where they end; no byte of UTF-8 is 0xff."""
    start, last = prefix.encode(), after.encode()
    lowest = b"(" + last if last and last >= start else b"[" + start
    return lowest, b"(" + start + b"\xff" if start else b"+"


def expired_name(value: ExpiredValue) -> bytes:
    """The member of an agent's expired keys; the length tells where the session's id ends."""
    session, key = value.session.session_id.encode(), value.key.encode()
    return b"%s:%d:%d:%s%s" % (value.epoch.encode(), value.version, len(session), session, key)


def expired_values(agent: Agent, found: Sequence[bytes]) -> Iterable[ExpiredValue]:
    """The keys that expired, of members each followed by its moment."""
    for name, moment in zip(found[::2], found[1::2], strict=True):
        epoch, version, length, rest = name.split(b":", 3)
        session_id, key = rest[: int(length)].decode(), rest[int(length) :].decode()
        session = SessionKey(*agent, session_id)
        yield ExpiredValue(session, epoch.decode(), key, int(version), moment_of(moment))
