"""Handlers of the commands on sessions of working memory and their messages."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from memos.events.sessions import (
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    Message,
    MessagesAppended,
    ReadSession,
    SessionConfigured,
    SessionEndOutcome,
    SessionFound,
    SessionInfo,
    SessionMessage,
    SessionsListed,
    SessionSummary,
)
from memos.events.working import InSession
from memos.handlers.digests import digest_of
from memos.handlers.working.values import session_of
from memos.ports import SessionChanges, Working
from memos.ranking import tokens_of
from memos.records import (
    EndedSession,
    KeptMessage,
    KeptSession,
    KeptSummary,
    MessageDraft,
    Origin,
    SessionKey,
    message_memory_id,
)


async def append_message(command: AppendMessage, *, origin: Origin, working: Working) -> MessagesAppended:
    """Append a message to the log. Raises `TooLarge` and `QuotaExceeded`."""
    return await _append(command, [command.message], origin, working)


async def append_messages(command: AppendMessages, *, origin: Origin, working: Working) -> MessagesAppended:
    """Append messages to the log, all or none. Raises `TooLarge` and `QuotaExceeded`."""
    return await _append(command, command.messages, origin, working)


async def read_session(command: ReadSession, *, origin: Origin, working: Working) -> SessionFound:
    """Read a session with some of its messages, all of one life of it. Raises `NotFound`."""
    key = session_of(origin, command)
    messages = await _messages(key, command, working)
    session = await working.session(key)
    while not all(_of(session, one) for one in messages[:1]):
        messages = await _messages(key, command, working)
        session = await working.session(key)
    return SessionFound(
        session=info_of(session), summary=_summary(session.summary), messages=[_message(one) for one in messages]
    )


async def list_sessions(command: ListSessions, *, origin: Origin, working: Working) -> SessionsListed:
    """Read a page of an agent's sessions, and where the next one begins."""
    kept = await working.sessions(origin.tenant, command.agent_id, command.after, command.limit + 1)
    page = kept[: command.limit]
    following = page[-1].key.session_id if len(kept) > len(page) else None
    return SessionsListed(count=len(page), results=[info_of(one) for one in page], next=following)


async def configure_session(command: ConfigureSession, *, origin: Origin, working: Working) -> SessionConfigured:
    """Set how a session is kept, and begin it if there is none."""
    changes = SessionChanges(**dict(command.options))
    session = await working.configure(origin, digest_of(command), session_of(origin, command), changes)
    return SessionConfigured(session=info_of(session))


async def end_session(command: EndSession, *, origin: Origin, working: Working) -> SessionEndOutcome:
    """End a session; what is to be promoted of it is done by the bulk lane."""
    ended = await working.end(origin, digest_of(command), session_of(origin, command), command.promote)
    status, message = _end(ended)
    told = {"session_id": command.session_id, "status": status, "message": message}
    return SessionEndOutcome.model_validate(told)


def info_of(session: KeptSession) -> SessionInfo:
    """A session as it is shown."""
    return SessionInfo(
        session_id=session.key.session_id,
        agent_id=session.key.agent_id,
        created_at=session.created_at,
        updated_at=session.updated_at,
        expires_at=session.expires_at,
        **session.policy._asdict(),
        keys=session.keys,
        messages=session.messages,
        tokens=session.tokens,
        bytes=session.bytes,
        newest=session.newest,
        promoted_through=session.promoted_through,
    )


async def _append(
    command: InSession, messages: Sequence[Message], origin: Origin, working: Working
) -> MessagesAppended:
    now = datetime.now(UTC)
    drafts = [_draft(message, now) for message in messages]
    log = await working.add_messages(origin, digest_of(command), session_of(origin, command), drafts)
    return MessagesAppended(
        session_id=command.session_id,
        sequences=list(log.sequences),
        message_ids=list(log.memory_ids),
        messages=log.messages,
        tokens=log.tokens,
        expires_at=log.expires_at,
    )


def _draft(message: Message, now: datetime) -> MessageDraft:
    """A message as it is kept, said now unless it says when."""
    said = message if message.occurred_at else message.model_copy(update={"occurred_at": now})
    return MessageDraft(said.model_dump(mode="json"), tokens_of(message.content))


async def _messages(key: SessionKey, command: ReadSession, working: Working) -> Sequence[KeptMessage]:
    """The messages that are asked for, oldest first."""
    if command.first is not None:
        oldest = await working.messages(key, after=command.after, first=command.first)
        return list(_fitting(oldest, command.max_tokens))
    newest = await working.messages(key, after=command.after, last=command.last) if command.last else ()
    return list(_fitting(reversed(newest), command.max_tokens))[::-1]


def _fitting(messages: Iterable[KeptMessage], max_tokens: int | None) -> Iterator[KeptMessage]:
    """The first of messages, as many as cost no more together."""
    spent = 0
    for message in messages:
        spent += message.tokens
        if max_tokens is not None and spent > max_tokens:
            return
        yield message


def _of(session: KeptSession, message: KeptMessage) -> bool:
    """Whether a message is of this session, and of no other that had its id before or has it since."""
    return message.memory_id == message_memory_id(session.key, session.epoch, message.sequence)


def _message(kept: KeptMessage) -> SessionMessage:
    told = {"sequence": kept.sequence, "message_id": kept.memory_id, "tokens": kept.tokens}
    return SessionMessage.model_validate({**kept.document, **told})


def _summary(kept: KeptSummary | None) -> SessionSummary | None:
    return None if kept is None else SessionSummary(**dict(kept))


def _end(ended: EndedSession | None) -> tuple[str, str]:
    """What became of a session that was to end, and what there is to say of it."""
    if ended is None:
        return "absent", "There was no such session."
    session = ended.session
    left = min(session.messages, session.newest - session.promoted_through) if ended.promote else 0
    if left:
        return "promoting", f"The session is ended; messages that become memories: {left}."
    return "ended", "The session is ended."
