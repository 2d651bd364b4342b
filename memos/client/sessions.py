"""Sessions of working memory and their messages, as methods: the other half of `client.working`."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Unpack

from memos.client.options import MessageOptions, SessionChoices
from memos.client.sending import Sender, build
from memos.events.commands import DEFAULT_AGENT
from memos.events.sessions import (
    LAST,
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    Message,
    MessagesAppended,
    PromoteSession,
    ReadSession,
    SessionConfigured,
    SessionEndOutcome,
    SessionFound,
    SessionInfo,
    SessionMessage,
    SessionOptions,
    SessionPromoted,
    SessionsListed,
)
from memos.events.working import MOST_LISTED
from memos.records import Visibility


class Sessions:
    """Keeps conversations at hand, and makes memories of them."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def say(
        self,
        session_id: str,
        content: str,
        role: str = "user",
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
        **options: Unpack[MessageOptions],
    ) -> MessagesAppended:
        """Append a message to the log of a session; `options` are the other fields of `Message`."""
        message = {"content": content, "role": role, **options}
        command = build(AppendMessage, session_id=session_id, agent_id=agent_id, message=message)
        return await self._sender.send(command, MessagesAppended, command_id)

    async def say_many(
        self,
        session_id: str,
        messages: Sequence[Message | Mapping[str, Any]],
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
    ) -> MessagesAppended:
        """Append up to 100 messages in their order: all of them, or none."""
        command = build(AppendMessages, session_id=session_id, agent_id=agent_id, messages=list(messages))
        return await self._sender.send(command, MessagesAppended, command_id)

    async def read(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        last: int = LAST,
        first: int | None = None,
        max_tokens: int | None = None,
        after: int = 0,
    ) -> SessionFound:
        """A session, its summary if there is one, and its newest messages, oldest first. Raises `NotFound`.

        With `first` they are the oldest above the number `after`.
        """
        place = {"session_id": session_id, "agent_id": agent_id}
        command = build(ReadSession, **place, last=last, first=first, max_tokens=max_tokens, after=after)
        return await self._sender.send(command, SessionFound)

    async def every_message(
        self, session_id: str, *, agent_id: str = DEFAULT_AGENT, after: int = 0
    ) -> AsyncIterator[SessionMessage]:
        """All messages in a log above the number `after`, oldest first, read page by page. Raises `NotFound`."""
        page = await self.read(session_id, agent_id=agent_id, first=MOST_LISTED, after=after)
        while page.messages:
            for message in page.messages:
                yield message
            after = page.messages[-1].sequence
            page = await self.read(session_id, agent_id=agent_id, first=MOST_LISTED, after=after)

    async def sessions(self, *, agent_id: str = DEFAULT_AGENT, after: str = "", limit: int = 100) -> SessionsListed:
        """A page of an agent's sessions in the order of their ids."""
        return await self._sender.send(
            build(ListSessions, agent_id=agent_id, after=after, limit=limit), SessionsListed
        )

    async def every_session(self, *, agent_id: str = DEFAULT_AGENT) -> AsyncIterator[SessionInfo]:
        """All sessions of an agent in the order of their ids, read page by page."""
        after: str | None = ""
        while after is not None:
            page = await self.sessions(agent_id=agent_id, after=after, limit=MOST_LISTED)
            for session in page.results:
                yield session
            after = page.next

    async def configure(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
        **options: Unpack[SessionChoices],
    ) -> SessionConfigured:
        """Set how a session is kept, and begin it if there is none; `options` are those of `SessionOptions`."""
        chosen = build(SessionOptions, **options)
        command = build(ConfigureSession, session_id=session_id, agent_id=agent_id, options=chosen)
        return await self._sender.send(command, SessionConfigured, command_id)

    async def end(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        promote: bool | None = None,
        command_id: str | None = None,
    ) -> SessionEndOutcome:
        """End a session; its messages become memories if `promote` says so, or without it the session's options."""
        command = build(EndSession, session_id=session_id, agent_id=agent_id, promote=promote)
        return await self._sender.send(command, SessionEndOutcome, command_id)

    async def promote(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        keys: Iterable[str] | None = None,
        through: int | None = None,
        visibility: Visibility = "private",
        command_id: str | None = None,
        timeout: float | None = None,
    ) -> SessionPromoted:
        """Make memories of a session's messages, up to the number `through` if given, or of chosen keys.

        Raises `NotFound`. One that takes longer than `timeout` goes on; asked again with the same `command_id` it
        answers when it is done.
        """
        chosen = None if keys is None else list(keys)
        place = {"session_id": session_id, "agent_id": agent_id}
        command = build(PromoteSession, **place, keys=chosen, through=through, visibility=visibility)
        return await self._sender.send(command, SessionPromoted, command_id, timeout=timeout)
