"""Sessions, and the messages in their logs."""

from collections.abc import Sequence

from pydantic_core import from_json, to_json

from memos.errors import NotFound
from memos.ports import SessionChanges
from memos.records import (
    AppendedMessages,
    EndedSession,
    KeptMessage,
    KeptSession,
    KeptSummary,
    MessageDraft,
    Origin,
    SessionKey,
    message_memory_id,
)
from memos.stores.lua import Argument
from memos.stores.working_calls import AT_ONCE, WorkingCalls
from memos.stores.working_keys import Agent, end_of, lexical_range
from memos.stores.working_refusals import too_large
from memos.stores.working_sessions import ended_session, session_of

MOST_MESSAGES = 1000
"""Messages that are read together."""


class RedisLog(WorkingCalls):
    """The part of the port `Working` that is about sessions and messages."""

    async def add_messages(
        self, origin: Origin, digest: bytes, session: SessionKey, messages: Sequence[MessageDraft]
    ) -> AppendedMessages:
        """Append messages to the log, all or none. With `promote` `never` those outside the window are dropped.

        The newest message is always kept, also if it alone has more tokens than the window.
        """
        arguments: list[Argument] = []
        for message in messages:
            json = to_json(message.document)
            if len(json) > self._limits.value_bytes:
                raise too_large("A message", len(json), self._limits)
            arguments += (message.tokens, json)
        answer = await self._write("add_messages", origin, digest, session, *arguments)
        epoch, first, held, tokens, expires = answer
        sequences = range(int(first), int(first) + len(messages))
        ids = [message_memory_id(session, epoch.decode(), sequence) for sequence in sequences]
        return AppendedMessages(list(sequences), ids, int(held), int(tokens), end_of(expires))

    async def session(self, session: SessionKey) -> KeptSession:
        """A session without its messages. Raises `NotFound`."""
        found = await self._ask("read", Agent.of(session), session.session_id)
        if not found:
            raise NotFound(
                f"Agent {session.agent_id!r} has no session {session.session_id!r}: it has not begun, has ended, "
                "or has expired. The first write begins one."
            )
        return session_of(Agent.of(session), *found)

    async def messages(
        self,
        session: SessionKey,
        *,
        after: int,
        through: int | None = None,
        last: int | None = None,
        first: int = MOST_MESSAGES,
    ) -> list[KeptMessage]:
        """Messages with numbers above `after` and up to `through`, oldest first.

        Of these they are the `last` ones, and of those the `first`; never more than 1,000.
        """
        bounds = (after, "" if through is None else through, "" if last is None else last)
        return await self._messages(session, session.session_id, "", *bounds, min(first, MOST_MESSAGES))

    async def sessions(self, tenant: str, agent_id: str, after: str, limit: int) -> list[KeptSession]:
        """At most `limit` sessions of an agent in the order of their ids, from after `after`, without summaries."""
        agent, sessions = Agent(tenant, agent_id), list[KeptSession]()
        start, _ = lexical_range("", after)
        while start and len(sessions) < limit:
            last, found = await self._ask("sessions", agent, start, min(limit - len(sessions), AT_ONCE))
            sessions += [session_of(agent, *each) for each in found]
            start = last and b"(" + last
        return sessions

    async def configure(
        self, origin: Origin, digest: bytes, session: SessionKey, changes: SessionChanges
    ) -> KeptSession:
        """Change how a session is kept, and begin it if there is none. What is returned is without its summary."""
        lasting = "" if changes.lasting is None else int(changes.lasting)
        arguments = [changes.ttl, lasting, changes.window_messages, changes.window_tokens, changes.promote]
        texts: list[Argument] = ["" if each is None else each for each in arguments]
        epoch, described = await self._write("configure", origin, digest, session, *texts)
        return session_of(Agent.of(session), epoch, described)

    async def end(
        self, origin: Origin, digest: bytes, session: SessionKey, promote: bool | None
    ) -> EndedSession | None:
        """End a session; its id is free at once, and it is kept aside for `ended`. `None`: there was none.

        What is returned is without its summary. Of a session whose log becomes memories by its window, what has
        left the window still does.
        """
        found = await self._write("end", origin, digest, session, "" if promote is None else int(promote))
        return ended_session(Agent.of(session), *found) if found else None

    async def promoted(self, session: KeptSession, through: int) -> None:
        """Note that messages up to a number have become memories; of another epoch nothing is noted."""
        await self._ask("promoted", Agent.of(session.key), session.epoch, through)

    async def leave(
        self, session: KeptSession, through: int, summary: KeptSummary | None, *, onto: int = 0
    ) -> bool:
        """Drop promoted messages up to a number from the log and, in the same step, keep a summary, if given.

        `onto` is the number up to which the summary goes that it was made from, 0 for none. Where another than that
        is kept by now, or the session is another, nothing is done, and `False` returned.
        """
        kept: Sequence[Argument] = (summary.model_dump_json(), summary.through) if summary else ("", "")
        return bool(await self._ask("leave", Agent.of(session.key), session.epoch, through, *kept, onto))

    async def ended_messages(self, ended: EndedSession, after: int, limit: int) -> list[KeptMessage]:
        """At most `limit` messages of a session kept aside, in order, with numbers above `after`."""
        session = ended.session
        through = max(after, session.newest - session.messages) + limit
        return await self._messages(session.key, "", session.epoch, after, through, "", limit)

    async def _messages(self, session: SessionKey, *arguments: Argument) -> list[KeptMessage]:
        found = await self._ask("messages", Agent.of(session), *arguments)
        if not found:
            return []
        epoch, first, entries = found[0].decode(), int(found[1]), found[2]
        return [_message_of(session, epoch, sequence, entry) for sequence, entry in enumerate(entries, first)]


def _message_of(session: SessionKey, epoch: str, sequence: int, entry: bytes) -> KeptMessage:
    tokens, _, _, json = entry.split(b"|", 3)
    return KeptMessage(sequence, from_json(json), int(tokens), message_memory_id(session, epoch, sequence))
