"""Readiness, asked of the workers since only they know the engines."""

from typing import Literal

from memos.events.commands import Command, Reply
from memos.events.problems import Problem
from memos.records import Record


class CheckHealth(Command):
    """Ask a worker whether its engines answer."""


class CheckBulkHealth(CheckHealth):
    """Ask a worker of the bulk lane the same."""


class EngineHealth(Record):
    """Whether an engine answers, after how many milliseconds, and what to do when it does not."""

    status: Literal["up", "down"]
    took_ms: float
    detail: str | None = None


class Depth(Record):
    """How many entries of a stream wait, wait to be tried again, and could not be handled."""

    queued: int
    delayed: int
    dead: int


class HealthReport(Reply):
    """Every engine of a worker.

    `lag` counts what is committed and has not reached its readers: records that a projection still lacks or
    has too many (`memories`), and `facts` that are not published.
    """

    status: Literal["ready", "degraded"]
    engines: dict[str, EngineHealth]
    lag: dict[str, int]


class Readiness(Reply):
    """The report of a worker of each lane, or the problem that kept one from answering.

    The facade adds the engine that it uses itself, `redis`, and how much waits on each stream.
    """

    status: Literal["ready", "degraded"]
    lanes: dict[str, HealthReport | Problem]
    engines: dict[str, EngineHealth] = {}
    queues: dict[str, Depth] = {}
