"""What the demo shows: each step as it happens, and in the end whether memory helped."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from devenviro.messages import Result
from devenviro.trace import Event, line_of
from memos.records import Record


class Verdict(Record):
    """Whether the second task had a lesson of the first one in its context, and took fewer calls of tools.

    `shared` are the memories of such lessons, `faults` says what did not go as it should.
    """

    results: Sequence[Result]
    lessons: Sequence[str]
    shared: Sequence[str]
    faults: Sequence[str]

    @property
    def passed(self) -> bool:
        """Whether memory helped."""
        return not self.faults


@dataclass
class Shown:
    """The trace as it is printed, and kept; times are in seconds after `begun`."""

    begun: float
    quiet: bool = False
    events: list[Event] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, event: Event) -> None:
        """Print an event in a line, and keep it."""
        self.events.append(event)
        self._more.set()
        if not self.quiet:
            print(f"{event.at - self.begun:6.2f} s  {line_of(event)}", flush=True)

    async def told(self, task_id: str, what: str) -> None:
        """Return when something has happened to a task."""
        while not self.of(task_id, what):
            await self._more.wait()
            self._more.clear()

    def of(self, task_id: str, what: str) -> list[Event]:
        """What of one kind happened to a task."""
        return [event for event in self.events if (event.task_id, event.what) == (task_id, what)]


def verdict(shown: Shown, first: Result, second: Result) -> Verdict:
    """What is to be seen of two tasks, the second of which is like the first."""
    learned = {str(event.details["memory_id"]): str(event.details["lesson"]) for event in _learned(shown, first)}
    given = [one for event in shown.of(second.task_id, "delegated") for one in event.details["lessons"]]
    shared = [one for one in given if one in learned]
    return Verdict(
        results=[first, second],
        lessons=[*learned.values()],
        shared=shared,
        faults=[*_faults(first, second, learned=bool(learned), shared=bool(shared))],
    )


def _learned(shown: Shown, result: Result) -> list[Event]:
    return shown.of(result.task_id, "learned")


def _faults(first: Result, second: Result, *, learned: bool, shared: bool) -> list[str]:
    found = [f"The {name} task ended as {one.state}: {one.reason}" for name, one in _named(first, second)]
    if not learned:
        found.append("Nothing was learned of the first task.")
    elif not shared:
        found.append("The second task had no lesson of the first one in its context.")
    if second.tool_calls >= first.tool_calls:
        found.append(f"The second task took {second.tool_calls} tool calls, the first one {first.tool_calls}.")
    return found


def _named(first: Result, second: Result) -> list[tuple[str, Result]]:
    return [(name, one) for name, one in (("first", first), ("second", second)) if one.state != "success"]


def print_verdict(found: Verdict) -> None:
    """Print what came of both tasks, side by side."""
    first, second = found.results
    print(f"\n{'':14}{'first task':>12}{'second task':>14}")
    for name in ("state", "tool_calls", "model_calls", "tokens", "seconds"):
        told, then = getattr(first, name), getattr(second, name)
        print(f"{name.replace('_', ' '):14}{told!s:>12}{then!s:>14}")
    print("\nLearned of the first task:", *(f"  - {one}" for one in found.lessons or ["nothing"]), sep="\n")
    if found.passed:
        took = f"{second.tool_calls} tool calls instead of {first.tool_calls}"
        print(f"The second task had that in its context, and took {took}.")
    for fault in found.faults:
        print(f"Memory did not help: {fault}")
