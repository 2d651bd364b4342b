"""Readiness, asked of the workers since only they know the engines."""

from typing import Literal

from memos.events.memories import Command, Reply
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


class HealthReport(Reply):
    """Every engine of a worker; `lag` counts the records that a projection still lacks."""

    status: Literal["ready", "degraded"]
    engines: dict[str, EngineHealth]
    lag: dict[str, int]


class Readiness(Reply):
    """The report of a worker of each lane, or the problem that kept one from answering."""

    status: Literal["ready", "degraded"]
    lanes: dict[str, HealthReport | Problem]
