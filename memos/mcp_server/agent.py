"""For whom the server remembers and recalls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from pydantic import Field

from memos.client import Client, connect
from memos.events.working import WorkingName
from memos.records import Record

PATIENCE = 10.0
"""Seconds after which memOS is taken to be away: MCP clients themselves seldom wait longer than a minute."""

RETRIES = 2
SOURCE = "memos.mcp"
USUAL_SESSION = "default"

MOST_REPORTED = 1024
"""Tools that are remembered as called; one server may serve many clients for long."""

SessionChoice = Annotated[
    WorkingName | None,
    Field(description="The conversation or task whose notes are meant; leave it out for the usual one."),
]


class ReportedTools:
    """The tools whose calls were reported as they were made, by their ids: those called last, `MOST_REPORTED`."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def add(self, tool_id: str) -> None:
        """Remember a tool, and forget the one whose last call is longest ago if there are too many."""
        self._ids.pop(tool_id, None)
        self._ids[tool_id] = None
        if len(self._ids) > MOST_REPORTED:
            del self._ids[next(iter(self._ids))]

    def __contains__(self, tool_id: str) -> bool:
        """Whether a call of this tool was reported."""
        return tool_id in self._ids


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent and its way to memOS. A model cannot ask for another; `session` is the one it works in, if set.

    `reported` are the tools that it called here, each call of which was counted then.
    """

    client: Client
    agent_id: str
    session: str | None = None
    reported: ReportedTools = field(default_factory=ReportedTools)

    def session_for(self, chosen: str | None) -> str:
        """The session of working memory that is meant."""
        return chosen or self.session or USUAL_SESSION


class Answer(NamedTuple):
    """What a tool answers: text to read, and the same as data of the tool's output schema."""

    text: str
    data: Record


@asynccontextmanager
async def open_agent(url: str, agent_id: str, session: str | None = None) -> AsyncIterator[Agent]:
    """An agent of the memOS at `url`, which need not run yet. Raises `ConfigurationError` for no such address."""
    async with connect(url, source=SOURCE, timeout=PATIENCE, retries=RETRIES) as client:
        yield Agent(client, agent_id, session)
