"""The calls of tools that a model wants: made once each, and what came of them told to the model."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from devenviro.texts import legible
from devenviro.trace import Trace
from memos.client import Client
from memos.errors import InvalidCommand, MemosError, NotFound, ToolFailed
from memos.events.learning import ToolUse
from memos.records import Record

LONGEST_CONTENT = 16_000
"""Characters of a tool's answer that a model is given."""

LONGEST_ERROR = 500
KEY = "Idempotency-Key"


class Called(Record):
    """What came of a call: `content` is for the model. Without a `tool_id` no tool is to blame or to praise."""

    tool_id: str | None
    ok: bool
    content: str
    latency_ms: float | None = None


class Calls:
    """Calls tools for a task; `tools` are their ids by the names that the model has for them.

    A call that is repeated under its key has one effect: tools that write know it by the header `Idempotency-Key`.
    """

    def __init__(self, client: Client, http: httpx.AsyncClient, trace: Trace, patience: float) -> None:
        self._client = client
        self._http = http
        self._trace = trace
        self._patience = patience

    async def make(
        self, call: Mapping[str, Any], tools: Mapping[str, str], *, key: str, task_id: str, agent_id: str
    ) -> Called:
        """Call a tool as the model wants it. What the tool or the model did wrong is told in the content.

        Raises the other errors of memOS: `Unavailable`, for instance.
        """
        name, arguments = call["function"]["name"], call["function"]["arguments"] or "{}"
        if tool_id := tools.get(name):
            called = await self._called(tool_id, arguments, key, agent_id)
        else:
            known = ", ".join(tools)
            called = Called(tool_id=None, ok=False, content=f"There is no tool {name}. There are: {known}.")
        what = "tool" if called.ok else "tool_failed"
        await self._trace.tell(what, task_id, tool=name, arguments=arguments, result=called.content[:LONGEST_ERROR])
        return called

    async def _called(self, tool_id: str, arguments: str, key: str, agent_id: str) -> Called:
        begun = time.perf_counter()
        try:
            answer = await self._client.tools.call(
                tool_id,
                arguments,
                agent_id=agent_id,
                report=False,
                headers={KEY: key},
                timeout=self._patience,
                http=self._http,
            )
        except (ToolFailed, InvalidCommand, NotFound) as error:
            return Called(
                tool_id=_blamed(tool_id, error), ok=False, content=legible(error.detail), latency_ms=_since(begun)
            )
        said = legible(answer.text)
        text = said if len(said) <= LONGEST_CONTENT else f"{said[:LONGEST_CONTENT]}…"
        return Called(tool_id=tool_id, ok=True, content=text, latency_ms=answer.latency_ms)


def uses(called: Sequence[Called]) -> list[ToolUse]:
    """What is told of the tools: one that never worked did not help; of another the task's outcome says it."""
    by_tool: dict[str, list[Called]] = {}
    for one in called:
        if one.tool_id is not None:
            by_tool.setdefault(one.tool_id, []).append(one)
    return [_use(tool_id, calls) for tool_id, calls in by_tool.items()]


def _use(tool_id: str, calls: Sequence[Called]) -> ToolUse:
    if worked := [one.latency_ms for one in calls if one.ok and one.latency_ms is not None]:
        return ToolUse(tool_id=tool_id, latency_ms=round(sum(worked) / len(worked), 3))
    return ToolUse(tool_id=tool_id, helped=False, error="none of its calls for the task succeeded")


def _blamed(tool_id: str, error: MemosError) -> str | None:
    """The tool, if it is what failed: wrong arguments are the model's, and an outage passes."""
    wrong = isinstance(error, InvalidCommand) or (isinstance(error, ToolFailed) and error.answered in WRONG_ASKED)
    return None if wrong or _passing(error) else tool_id


def _passing(error: MemosError) -> bool:
    """Whether a tool was out of reach, which says nothing of how well it does its work."""
    if isinstance(error, ToolFailed) and error.answered is not None:
        return error.answered in AWAY
    return isinstance(error.__cause__, httpx.TransportError | OSError)


WRONG_ASKED = frozenset({400, 404, 409, 422})
"""Statuses by which a tool says that it was asked wrongly."""

AWAY = frozenset({502, 503, 504})
"""Statuses by which whoever stands before a tool, or the tool, says that it is away for a while."""


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)
