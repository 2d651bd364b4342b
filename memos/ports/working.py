"""Working memory: sessions of agents, with values under keys and logs of messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from memos.records import (
    AppendedMessages,
    EndedSession,
    ExpiredValue,
    KeptMessage,
    KeptSession,
    KeptSummary,
    KeptValue,
    MessageDraft,
    Origin,
    Promotion,
    SessionKey,
    ValueDraft,
)


class SessionChanges(NamedTuple):
    """What is to be changed in how a session is kept; what is `None` stays as it is."""

    ttl: int | None = None
    lasting: bool | None = None
    window_messages: int | None = None
    window_tokens: int | None = None
    promote: Promotion | None = None


class Appended(NamedTuple):
    """A list as it is after items were appended to it."""

    length: int
    version: int
    expires_at: datetime | None


class Crowded(NamedTuple):
    """A session whose log has outgrown its window, and the number up to which messages are to leave it."""

    session: KeptSession
    through: int


class Working(Protocol):
    """Working memory. What has expired is in no answer, also before it is cleared away.

    A write takes effect once: the same origin again has the first reply, and raises `Conflict` with another
    digest. That is remembered of an agent: sent to another, a command takes effect again. The first write to a
    session begins it, as the settings say. Versions of keys and numbers of messages are those of one life of a
    session: begun anew under its id it counts from 1 again. Writes raise `TooLarge` for a value above the limit,
    `QuotaExceeded` for what a session or an agent has no room for, and `Conflict` where a version is not as it was
    asked to be; then nothing is written. Every method raises `Unavailable` when the engine does not answer.
    """

    async def set(
        self, origin: Origin, digest: bytes, session: SessionKey, values: Sequence[ValueDraft]
    ) -> list[KeptValue]:
        """Keep values, all or none; each is at its next version. In what is returned `value` is `None`."""
        ...

    async def get(self, session: SessionKey, keys: Sequence[str]) -> list[KeptValue]:
        """Those of the keys that there are, in the order asked for."""
        ...

    async def page(
        self, session: SessionKey, prefix: str, after: str, limit: int, *, largest: int | None = None
    ) -> list[KeptValue]:
        """At most `limit` keys that begin with the prefix, in the order of their UTF-8, from after `after`.

        Values of more than `largest` bytes of JSON are left out.
        """
        ...

    async def delete(
        self, origin: Origin, digest: bytes, session: SessionKey, keys: Sequence[str], if_version: int | None
    ) -> list[str]:
        """Delete keys; return those that were there."""
        ...

    async def increment(
        self, origin: Origin, digest: bytes, session: SessionKey, key: str, *, by: int | float, ttl: int | None
    ) -> KeptValue:
        """Add to a number. Raises `Conflict` for what is no number, or would be too large for 64 bits."""
        ...

    async def append(
        self,
        origin: Origin,
        digest: bytes,
        session: SessionKey,
        key: str,
        *,
        items: Sequence[bytes],
        ttl: int | None,
    ) -> Appended:
        """Append items, each its JSON, to a list. Raises `Conflict` for what is no list."""
        ...

    async def add_messages(
        self, origin: Origin, digest: bytes, session: SessionKey, messages: Sequence[MessageDraft]
    ) -> AppendedMessages:
        """Append messages to the log, all or none. With `promote` `never` those outside the window are dropped."""
        ...

    async def session(self, session: SessionKey) -> KeptSession:
        """A session without its messages. Raises `NotFound`."""
        ...

    async def messages(
        self,
        session: SessionKey,
        *,
        after: int,
        through: int | None = None,
        last: int | None = None,
        first: int = 1000,
    ) -> list[KeptMessage]:
        """Messages with numbers above `after` and up to `through`, oldest first.

        Of these they are the `last` ones, and of those the `first`; never more than 1,000.
        """
        ...

    async def sessions(self, tenant: str, agent_id: str, after: str, limit: int) -> list[KeptSession]:
        """At most `limit` sessions of an agent in the order of their ids, from after `after`, without summaries."""
        ...

    async def configure(
        self, origin: Origin, digest: bytes, session: SessionKey, changes: SessionChanges
    ) -> KeptSession:
        """Change how a session is kept, and begin it if there is none. What is returned is without its summary."""
        ...

    async def end(
        self, origin: Origin, digest: bytes, session: SessionKey, promote: bool | None
    ) -> EndedSession | None:
        """End a session; its id is free at once, and it is kept aside for `ended`. `None`: there was none.

        What is returned is without its summary.
        """
        ...

    async def promoted(self, session: KeptSession, through: int) -> None:
        """Note that messages up to a number have become memories; of another epoch nothing is noted."""
        ...

    async def leave(
        self, session: KeptSession, through: int, summary: KeptSummary | None, *, onto: int = 0
    ) -> bool:
        """Drop promoted messages up to a number from the log and, in the same step, keep a summary, if given.

        `onto` is the number up to which the summary goes that it was made from, 0 for none. Where another than that
        is kept by now, or the session is another, nothing is done, and `False` returned: what was summarised since
        would be lost.
        """
        ...

    async def sweep(self, limit: int) -> int:
        """Clear away what expired by now, for `expired` and `ended`; return how much, about `limit` at most.

        It is counted in keys, and a session counts as several.
        """
        ...

    async def expired(self, limit: int) -> list[ExpiredValue]:
        """Keys that expired and of which nobody was told; they are given again until `told`.

        Of very many that nobody asks for the oldest are lost, which is logged.
        """
        ...

    async def told(self, values: Sequence[ExpiredValue]) -> None:
        """Forget that these expired."""
        ...

    async def crowded(self, limit: int) -> list[Crowded]:
        """Sessions whose messages are to be promoted since the log outgrew its window, unless put off.

        One that `waits` is left out.
        """
        ...

    async def ended(self, limit: int) -> list[EndedSession]:
        """Sessions kept aside that are to be dealt with, unless put off; given again until `forget`.

        Those of an id come in their order, and none before one that is left out. When one cannot be dealt with,
        those after it are not either, as `waits` says.
        """
        ...

    async def waits(self, session: KeptSession) -> bool:
        """Whether an older life of its id is still aside: until that is dealt with, nothing of it is promoted.

        It never comes to wait later: older lives are aside before a session begins.
        """
        ...

    async def ended_messages(self, ended: EndedSession, after: int, limit: int) -> list[KeptMessage]:
        """At most `limit` messages of a session kept aside, in order, with numbers above `after`."""
        ...

    async def forget(self, ended: EndedSession) -> None:
        """Drop all of a session that was kept aside."""
        ...

    async def put_off(self, session: KeptSession, seconds: float) -> None:
        """Have `crowded` and `ended` leave a session out for some seconds, since it could not be dealt with."""
        ...
