"""What speaks for a tool, in words. No task of another agent is quoted: it may not be for everybody's eyes."""

from collections.abc import Iterator

from memos.discovery.catalog import Entry
from memos.discovery.ranking import Query, Relevance

CLOSE = 0.4
"""The cosine from which on a tool's meaning is called close to the task."""

MOST_WORDS = 5
"""Words that are named which a task and a tool share."""

FEWEST_CALLS = 3
"""Calls from which on a success rate is told."""


def reasons_of(
    entry: Entry, found: Relevance | None, task: Query | None, capabilities: frozenset[str], need: str | None
) -> list[str]:
    """Why a tool was found, what says most first."""
    reasons = [*_of_need(need), *_of_capabilities(entry, capabilities)]
    if found and task:
        reasons += [*_of_tasks(entry, found), *_of_words(entry, task), *_of_meaning(entry, found)]
    return [*reasons, *_of_calls(entry)]


def _of_need(need: str | None) -> Iterator[str]:
    if need is not None:
        yield f"best for this part of the task: {need}"


def _of_capabilities(entry: Entry, capabilities: frozenset[str]) -> Iterator[str]:
    if shared := sorted(capabilities & entry.capabilities):
        yield f"has the capabilities asked for: {', '.join(shared)}"


def _of_tasks(entry: Entry, found: Relevance) -> Iterator[str]:
    count = found.likeness.counts.get(entry.tool.tool_id, 0)
    if count:
        yield f"has solved {count} {'task' if count == 1 else 'tasks'} like this one"
    if entry.tool.tool_id in found.likeness.claimed:
        yield "says that it is for tasks like this one"
    if entry.tool.tool_id in found.likeness.failed:
        yield "has failed at tasks like this one"


def _of_words(entry: Entry, task: Query) -> Iterator[str]:
    shared = [word for word, terms in task.words.items() if any(term in entry.terms for term in terms)]
    if shared:
        yield f"shares words with the task: {', '.join(shared[:MOST_WORDS])}"


def _of_meaning(entry: Entry, found: Relevance) -> Iterator[str]:
    if (cosine := float(found.own[entry.row])) >= CLOSE:
        yield f"is close to the task in meaning ({cosine:.2f})"


def _of_calls(entry: Entry) -> Iterator[str]:
    statistics = entry.statistics
    if statistics.outcomes >= FEWEST_CALLS:
        yield f"succeeded in {statistics.successes} of {statistics.outcomes} calls"
