"""What was done for a task, step by step, so that whoever takes it over goes on from there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from memos.client import Client
from memos.errors import Conflict

OWNER = "devenviro"
"""The agent whose working memory journals are kept in: any Cortex may go on with what another began."""

CLAIM = "claim"
KEPT_FOR = 6 * 3600
"""Seconds for which a journal is kept after it was last written to."""


class Superseded(Exception):
    """Somebody else has taken the task over; nothing more may be done for it here."""


class Journal:
    """The steps of a task in the session of working memory that is called like it.

    Only one process writes, though several may think that the task is theirs: each entry is kept together with
    a claim whose version only the process knows that wrote last, or not at all.
    """

    def __init__(self, client: Client, task_id: str, claim: Mapping[str, Any]) -> None:
        self._client = client
        self._task_id = task_id
        self._claim = claim
        self._version = 0
        self._entries: dict[str, Any] = {}

    @classmethod
    async def taken(cls, client: Client, task_id: str, *, attempt: int, instance: str) -> Self:
        """A journal that is written by this process from now on.

        Raises `Superseded` when a later attempt at the task has begun.
        """
        journal = cls(client, task_id, {"attempt": attempt, "instance": instance})
        await client.working.configure(task_id, agent_id=OWNER, ttl=KEPT_FOR, promote="never")
        known: dict[str, Any] = {value.key: value async for value in client.working.every(task_id, agent_id=OWNER)}
        if claimed := known.pop(CLAIM, None):
            if claimed.value["attempt"] > attempt:
                raise Superseded(f"Attempt {attempt} at task {task_id!r} comes after a later one.")
            journal._version = claimed.version
        journal._entries = {key: value.value for key, value in known.items()}
        await journal._write({})
        return journal

    @property
    def steps(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __getitem__(self, key: str) -> Any:
        return self._entries[key]

    async def once(self, key: str, make: Callable[[], Awaitable[Any]]) -> Any:
        """What is kept under a key, as JSON, made and kept if there is nothing yet. Raises `Superseded`.

        What was made is kept even when whoever waits for it is cancelled: its version must not be missed.
        """
        if key not in self._entries:
            writing = asyncio.ensure_future(self._write({key: await make()}))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing
                raise
        return self._entries[key]

    async def _write(self, entries: Mapping[str, Any]) -> None:
        claim = {"key": CLAIM, "value": self._claim, "if_version": self._version}
        values = [claim, *({"key": key, "value": value, "if_version": 0} for key, value in entries.items())]
        try:
            written = await self._client.working.set_many(self._task_id, values, agent_id=OWNER)
        except Conflict as error:
            raise Superseded(f"Task {self._task_id!r} was taken over.") from error
        self._version = written.results[0].version
        self._entries |= entries
