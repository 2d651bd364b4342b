"""Tools for what an agent keeps at hand."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema
from pydantic_core import to_json

from memos.errors import NotFound
from memos.events.sessions import Role, SessionFound
from memos.events.texts import Content
from memos.events.working import MOST_KEYS, Ttl, WorkingJson, WorkingKey, WorkingName, WorkingValue
from memos.mcp_server.agent import Agent, Answer, SessionChoice
from memos.records import Record

MOST_MESSAGES = 100
MOST_VALUES = 100

Json = Annotated[WorkingJson, WithJsonSchema({})]
JsonItems = Annotated[list[Json], Field(min_length=1, max_length=MOST_KEYS)]
TimeToLive = Annotated[
    Ttl | None, Field(description="Seconds until it expires; left out, it ends with its session.")
]


class GetNotes(Record):
    """What to look at."""

    key: WorkingKey | None = Field(default=None, description="The key whose value is wanted; all keys without it.")
    messages: Annotated[int, Field(ge=0, le=MOST_MESSAGES)] = Field(
        default=10, description="Most of the newest logged messages to get, where no key is given."
    )
    session_id: SessionChoice = None


class Note(Record):
    """A value under its key, at its version."""

    key: str
    value: Any
    version: int
    expires_at: datetime | None


class MessageShown(Record):
    """A message of the log."""

    role: Role
    name: str | None
    content: str
    occurred_at: datetime


class Notes(Record):
    """What is at hand; there are `more` values than the first 100 by their keys."""

    session_id: str
    values: list[Note]
    more: bool
    summary: str | None
    messages: list[MessageShown]


class SetNote(Record):
    """A value to keep at hand."""

    key: WorkingKey = Field(description="Its name.")
    value: Json = Field(description="Any JSON: text, a number, a list or an object.")
    ttl_seconds: TimeToLive = None
    session_id: SessionChoice = None


class NoteKept(Record):
    """The version that a value has now."""

    session_id: str
    key: str
    version: int


class AppendNotes(Record):
    """Items for a list that is kept at hand."""

    key: WorkingKey = Field(description="The name of the list; it begins with these items if there is none yet.")
    items: JsonItems = Field(description="What to append, any JSON each.")
    ttl_seconds: TimeToLive = None
    session_id: SessionChoice = None


class NotesAppended(Record):
    """How long the list is now."""

    session_id: str
    key: str
    length: int
    version: int


class DeleteNote(Record):
    """A value that is needed no longer."""

    key: WorkingKey = Field(description="Its name.")
    session_id: SessionChoice = None


class NoteDeleted(Record):
    """Whether there was such a key."""

    session_id: str
    key: str
    deleted: bool


class LogMessage(Record):
    """A message of the conversation."""

    content: Content = Field(description="What was said.")
    role: Role = Field(default="user", description="Who said it.")
    name: WorkingName | None = Field(default=None, description="Who that is, where the role alone does not say it.")
    session_id: SessionChoice = None


class MessageLogged(Record):
    """The message's number in its session."""

    session_id: str
    sequence: int


async def working_get(agent: Agent, given: GetNotes) -> Answer:
    """A value, or all that is at hand in a session."""
    session = agent.session_for(given.session_id)
    if given.key is not None:
        value = await agent.client.working.get(session, given.key, agent_id=agent.agent_id)
        notes = Notes(session_id=session, values=[_note(value)], more=False, summary=None, messages=[])
        return Answer(_json(value.value), notes)
    notes = await _all(agent, session, given.messages)
    return Answer(_told(notes), notes)


async def working_set(agent: Agent, given: SetNote) -> Answer:
    """Keep a value at hand."""
    session = agent.session_for(given.session_id)
    kept = await agent.client.working.set(
        session, given.key, given.value, agent_id=agent.agent_id, ttl=given.ttl_seconds
    )
    data = NoteKept(session_id=session, key=kept.key, version=kept.version)
    return Answer(f"{data.key} is kept, at version {data.version}.", data)


async def working_append(agent: Agent, given: AppendNotes) -> Answer:
    """Append to a list that is kept at hand."""
    session = agent.session_for(given.session_id)
    done = await agent.client.working.append(
        session, given.key, *given.items, agent_id=agent.agent_id, ttl=given.ttl_seconds
    )
    data = NotesAppended(session_id=session, key=done.key, length=done.length, version=done.version)
    return Answer(f"{data.key} has {data.length} items now.", data)


async def working_delete(agent: Agent, given: DeleteNote) -> Answer:
    """Delete a value that was kept at hand."""
    session = agent.session_for(given.session_id)
    done = await agent.client.working.delete(session, given.key, agent_id=agent.agent_id)
    data = NoteDeleted(session_id=session, key=given.key, deleted=bool(done.deleted))
    return Answer(f"{given.key} was {'deleted' if data.deleted else 'not there'}.", data)


async def log_message(agent: Agent, given: LogMessage) -> Answer:
    """Append a message to the log of a session."""
    session = agent.session_for(given.session_id)
    done = await agent.client.working.say(
        session, given.content, given.role, agent_id=agent.agent_id, name=given.name
    )
    data = MessageLogged(session_id=session, sequence=done.sequences[-1])
    return Answer(f"Message {data.sequence} of session {session} is logged.", data)


async def _all(agent: Agent, session: str, messages: int) -> Notes:
    working = agent.client.working
    page, found = await asyncio.gather(
        working.list(session, agent_id=agent.agent_id, limit=MOST_VALUES), _session(agent, session, messages)
    )
    return Notes(
        session_id=session,
        values=[_note(value) for value in page.results],
        more=page.next is not None,
        summary=found.summary.text if found and found.summary else None,
        messages=[
            MessageShown(role=one.role, name=one.name, content=one.content, occurred_at=one.occurred_at)
            for one in (found.messages if found else [])
        ],
    )


async def _session(agent: Agent, session: str, messages: int) -> SessionFound | None:
    """A session with its newest messages; none is no fault before anything was kept in it."""
    try:
        return await agent.client.working.read(session, agent_id=agent.agent_id, last=messages)
    except NotFound:
        return None


def _note(value: WorkingValue) -> Note:
    return Note(key=value.key, value=value.value, version=value.version, expires_at=value.expires_at)


def _told(notes: Notes) -> str:
    lines = [f"{note.key}: {_json(note.value)}" for note in notes.values]
    lines += ["… and more keys"] if notes.more else []
    lines += [f"Summary: {notes.summary}"] if notes.summary else []
    lines += [f"{one.name or one.role}: {one.content}" for one in notes.messages]
    return "\n".join(lines) or f"Nothing is kept in session {notes.session_id}."


def _json(value: Any) -> str:
    return to_json(value).decode()
