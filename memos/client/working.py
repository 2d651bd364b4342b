"""Working memory, as methods: `client.working`."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from memos.client.sending import build
from memos.client.sessions import Sessions
from memos.errors import NotFound
from memos.events.commands import DEFAULT_AGENT
from memos.events.working import (
    MOST_LISTED,
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    ListWorking,
    SetWorking,
    ValueSet,
    ValueToSet,
    WorkingAppended,
    WorkingDeleted,
    WorkingFound,
    WorkingIncremented,
    WorkingListed,
    WorkingSet,
    WorkingValue,
)


class Working(Sessions):
    """Keeps values and messages of an agent's sessions at hand, for as long as a session lasts.

    Every method raises what those of `Client` do. Writes begin a session that there is not yet, and raise
    `TooLarge` and `QuotaExceeded` for what it has no room for.
    """

    async def set(
        self,
        session_id: str,
        key: str,
        value: Any,
        *,
        agent_id: str = DEFAULT_AGENT,
        ttl: int | None = None,
        if_version: int | None = None,
        command_id: str | None = None,
    ) -> ValueSet:
        """Keep a value, as JSON, under a key. Raises `Conflict` when it is not at `if_version`, 0 for none."""
        values = [{"key": key, "value": value, "ttl": ttl, "if_version": if_version}]
        done = await self.set_many(session_id, values, agent_id=agent_id, command_id=command_id)
        return done.results[0]

    async def set_many(
        self,
        session_id: str,
        values: Mapping[str, Any] | Sequence[ValueToSet | Mapping[str, Any]],
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
    ) -> WorkingSet:
        """Keep values by their keys, or as `ValueToSet` says: all of them, or none. Raises `Conflict`."""
        if isinstance(values, Mapping):
            values = [{"key": key, "value": value} for key, value in values.items()]
        command = build(SetWorking, session_id=session_id, agent_id=agent_id, values=values)
        return await self._sender.send(command, WorkingSet, command_id)

    async def get(self, session_id: str, key: str, *, agent_id: str = DEFAULT_AGENT) -> WorkingValue:
        """The value of a key, with its version. Raises `NotFound`."""
        found = await self.get_many(session_id, [key], agent_id=agent_id)
        if found.missing:
            raise absent(session_id, agent_id, key)
        return found.results[0]

    async def get_many(
        self, session_id: str, keys: Iterable[str], *, agent_id: str = DEFAULT_AGENT
    ) -> WorkingFound:
        """The values of those keys that there are, and the names of the others."""
        command = build(GetWorking, session_id=session_id, agent_id=agent_id, keys=list(keys))
        return await self._sender.send(command, WorkingFound)

    async def list(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        prefix: str = "",
        after: str = "",
        limit: int = 100,
    ) -> WorkingListed:
        """A page of the keys that begin with a prefix, with their values, in order."""
        place = {"session_id": session_id, "agent_id": agent_id}
        command = build(ListWorking, **place, prefix=prefix, after=after, limit=limit)
        return await self._sender.send(command, WorkingListed)

    async def every(
        self, session_id: str, *, agent_id: str = DEFAULT_AGENT, prefix: str = ""
    ) -> AsyncIterator[WorkingValue]:
        """All keys that begin with a prefix, with their values, in order, read page by page."""
        after: str | None = ""
        while after is not None:
            page = await self.list(session_id, agent_id=agent_id, prefix=prefix, after=after, limit=MOST_LISTED)
            for value in page.results:
                yield value
            after = page.next

    async def delete(
        self,
        session_id: str,
        *keys: str,
        agent_id: str = DEFAULT_AGENT,
        if_version: int | None = None,
        command_id: str | None = None,
    ) -> WorkingDeleted:
        """Delete keys; one that is not there is no error. Raises `Conflict` when it is not at `if_version`."""
        place = {"session_id": session_id, "agent_id": agent_id}
        command = build(DeleteWorking, **place, keys=list(keys), if_version=if_version)
        return await self._sender.send(command, WorkingDeleted, command_id)

    async def increment(
        self,
        session_id: str,
        key: str,
        by: int | float = 1,
        *,
        agent_id: str = DEFAULT_AGENT,
        ttl: int | None = None,
        command_id: str | None = None,
    ) -> WorkingIncremented:
        """Add to a number, 0 if there is none. Raises `Conflict` for what is no number."""
        place = {"session_id": session_id, "agent_id": agent_id}
        command = build(IncrementWorking, **place, key=key, by=by, ttl=ttl)
        return await self._sender.send(command, WorkingIncremented, command_id)

    async def append(
        self,
        session_id: str,
        key: str,
        *items: Any,
        agent_id: str = DEFAULT_AGENT,
        ttl: int | None = None,
        command_id: str | None = None,
    ) -> WorkingAppended:
        """Append items to a list, an empty one if there is none. Raises `Conflict` for what is no list."""
        place = {"session_id": session_id, "agent_id": agent_id}
        command = build(AppendWorking, **place, key=key, items=list(items), ttl=ttl)
        return await self._sender.send(command, WorkingAppended, command_id)


def absent(session_id: str, agent_id: str, key: str) -> NotFound:
    """The error of a key that there is not, or not any more."""
    return NotFound(
        f"Session {session_id!r} of agent {agent_id!r} has no key {key!r}. It was not set, was deleted, or expired."
    )
