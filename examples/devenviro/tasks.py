"""The tasks of an orchestrator as it remembers them, so that it goes on with them when it comes back."""

from typing import Any

from devenviro.messages import Result, Task
from memos.client import Client
from memos.errors import NotFound
from memos.records import Record

SESSION = "tasks"
KEPT_FOR = 24 * 3600
"""Seconds for which a task is kept after it was last heard of."""


class Handed(Record):
    """To whom a task was given last, and the entry of the agent's stream with it."""

    agent: str
    attempt: int
    entry: str


class OpenTask(Record):
    """A task that was taken on; `deadline_at` is in seconds since the epoch."""

    task: Task
    deadline_at: float
    handed: Handed | None = None
    ended: Result | None = None


class Tasks:
    """What an orchestrator has taken on, in its working memory."""

    def __init__(self, client: Client, orchestrator: str) -> None:
        self._client = client
        self._owner = orchestrator

    async def find(self, task_id: str) -> OpenTask | None:
        """A task as it was kept last."""
        found = await self._found(f"task/{task_id}")
        return None if found is None else OpenTask.model_validate(found)

    async def keep(self, task: OpenTask) -> None:
        """Keep a task as it is now."""
        await self._set(f"task/{task.task.task_id}", task.model_dump(mode="json"))

    async def result(self, task_id: str) -> Result | None:
        """The result that came for a task, whether somebody waited for it or not."""
        found = await self._found(f"result/{task_id}")
        return None if found is None else Result.model_validate(found)

    async def keep_result(self, result: Result) -> None:
        """Keep a result."""
        await self._set(f"result/{result.task_id}", result.model_dump(mode="json"))

    async def unfinished(self) -> list[OpenTask]:
        """The tasks that have not ended."""
        every = self._client.working.every(SESSION, agent_id=self._owner, prefix="task/")
        try:
            known = [OpenTask.model_validate(value.value) async for value in every]
        except NotFound:
            return []
        return [task for task in known if task.ended is None]

    async def _found(self, key: str) -> Any:
        try:
            return (await self._client.working.get(SESSION, key, agent_id=self._owner)).value
        except NotFound:
            return None

    async def _set(self, key: str, value: Any) -> None:
        await self._client.working.set(SESSION, key, value, agent_id=self._owner, ttl=KEPT_FOR)
