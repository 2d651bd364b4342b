"""Calls added up in memory, by day, model, agent and kind, until they are written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from memos.records import Call, CallKind, CallUsage

OTHER = "(other)"
"""The model and the agent of rows for which a day has no room."""

MOST_ROWS = 2000
"""Rows of a day and tenant that tell models, agents and kinds apart."""

MOST_COUNTED = 10**12
"""The most of anything that one call counts as; what a server says it used may be any number."""

COUNT_OF: Mapping[str, str] = {"hit": "hits", "semantic": "semantic_hits", "miss": "misses", "error": "errors"}


class Account(NamedTuple):
    """A tenant's day."""

    tenant: str
    day: date


class UsageKey(NamedTuple):
    """What is told apart within a day."""

    model: str
    agent_id: str
    kind: CallKind


Counts = Mapping[str, float]


class Tallies:
    """What was counted and is not written yet: at most 2,000 rows of each account, beside those of others."""

    def __init__(self) -> None:
        self._accounts: dict[Account, dict[UsageKey, Counter[str]]] = {}

    def count(self, account: Account, calls: Sequence[Call]) -> None:
        """Add calls."""
        for call in calls:
            for key, counts in counted(call):
                self.add(account, key, counts)

    def add(self, account: Account, key: UsageKey, counts: Counts) -> None:
        """Add to a row."""
        rows = self._accounts.setdefault(account, {})
        if key not in rows and len(rows) >= MOST_ROWS:
            key = other_of(key)
        rows.setdefault(key, Counter()).update(counts)

    def take(self, most: int) -> tuple[Account, dict[UsageKey, Counts]] | None:
        """At most so many rows of an account, which are no longer here; none when nothing was counted."""
        if not self._accounts:
            return None
        account, rows = next(iter(self._accounts.items()))
        taken: dict[UsageKey, Counts] = {key: rows.pop(key) for key in list(rows)[:most]}
        if not rows:
            del self._accounts[account]
        return account, taken


def other_of(key: UsageKey) -> UsageKey:
    """The row that stands for those of its kind that have no room."""
    return UsageKey(OTHER, OTHER, key.kind)


def counted(call: Call) -> Iterator[tuple[UsageKey, Counts]]:
    """The rows that a call counts in, and what it adds: those who shared an answer had a hit, or the same error."""
    if call.outcome != "none":
        yield _key(call, call.agent_id), _counts(call.outcome, call.usage, 1)
    for agent_id, number in call.shared.items():
        if call.outcome == "error":
            yield _key(call, agent_id), {COUNT_OF["error"]: number}
        else:
            yield _key(call, agent_id), _counts("hit", call.usage, number)


def _key(call: Call, agent_id: str) -> UsageKey:
    return UsageKey(call.usage.model, agent_id, call.kind)


def _counts(outcome: str, usage: CallUsage, number: int) -> Counts:
    saved = outcome in {"hit", "semantic"}
    prefix = "saved_" if saved else ""
    counts = {
        COUNT_OF[outcome]: number,
        f"{prefix}prompt_tokens": usage.prompt_tokens * number,
        f"{prefix}completion_tokens": usage.completion_tokens * number,
        "saved_seconds" if saved else "upstream_seconds": usage.seconds * number,
        "calls": 0 if saved else number,
    }
    return {name: min(count, MOST_COUNTED) for name, count in counts.items() if count > 0}
