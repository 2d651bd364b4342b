"""The tools of one tenant in memory, as discovery compares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
from pydantic_core import to_json

from memos.discovery.matrix import Matrix, is_worn, unit
from memos.discovery.postings import Postings
from memos.discovery.reports import Reports
from memos.discovery.tasks import Tasks
from memos.discovery.texts import compared_text
from memos.discovery.weights import DESCRIPTION, EXAMPLE, RELIABILITY
from memos.lexical import terms_of
from memos.records import (
    CatalogChanges,
    CatalogTool,
    Terms,
    TextVector,
    Tool,
    ToolStatistics,
    content_hash,
    said_by,
    statistics_of,
)

BYTES_OF_A_TOOL = 8_000
"""About what a tool takes in memory beside its vectors."""

BYTES_OF_JSON = 6
"""About how many bytes of memory a byte of a definition takes as JSON."""

BYTES_OF_A_TASK = 1_000
"""About what a task takes in memory beside its vector."""

MOST_EVIDENCE = 75_000
"""Evidence that a catalog grows to; of the ledger's the newest 50,000 are read."""


UNKNOWN = ToolStatistics()
"""What is known of a tool that nobody has reported of."""


@dataclass(slots=True)
class Entry:
    """A tool, its row, and what is asked of it often."""

    row: int
    tool: Tool
    terms: Terms
    capabilities: frozenset[str]
    tags: frozenset[str]
    statistics: ToolStatistics

    @property
    def examples(self) -> list[bytes]:
        """The hashes of the tasks that it says it is for."""
        return [content_hash(example) for example in self.tool.examples]


def reliability(statistics: ToolStatistics) -> float:
    """What a tool gains or loses by its success rate; nothing without outcomes."""
    return RELIABILITY * (statistics.success_rate - UNKNOWN.success_rate)


class Catalog:
    """Tools, what they say of themselves, and what was learned of them, up to a revision of the ledger.

    A tool is a row in `own` (what it says it is for), `taught` (that and what it solved) and `gains` (by
    its success rate). A row whose tool was changed or deregistered gains minus infinity.
    """

    def __init__(self, dimension: int) -> None:
        self.revision = 0
        self.entries: dict[str, Entry] = {}
        self.own = Matrix(dimension)
        self.taught = Matrix(dimension)
        self.gains = Matrix()
        self.by_row: list[Entry] = []
        self.terms = Postings()
        self.tasks = Tasks(dimension)
        self.reports = Reports()
        self._stale: set[str] = set()
        self._json = 0

    @property
    def nbytes(self) -> int:
        """About what it takes in memory."""
        vectors = self.own.nbytes + self.taught.nbytes + self.tasks.nbytes
        tools = BYTES_OF_A_TOOL * len(self.own) + BYTES_OF_JSON * self._json
        return vectors + tools + BYTES_OF_A_TASK * len(self.tasks)

    @property
    def worn(self) -> bool:
        """Whether it should be made anew: most of its rows are used no more, or it has outgrown what is read."""
        return is_worn(len(self.own), len(self.entries)) or self.tasks.worn or self.reports.amount > MOST_EVIDENCE

    def apply(self, changes: CatalogChanges, texts: Mapping[bytes, TextVector]) -> None:
        """Take up what has changed; `texts` are those that tools and tasks are compared by."""
        for change in changes.tools:
            self._change(change, texts)
        evidence = [one for one in changes.evidence if one.tool_id in self.entries]
        for one in evidence:
            if one.task_hash in texts:
                self.tasks.add(texts[one.task_hash])
        self._stale |= self.reports.learn(one for one in evidence if one.task_hash in self.tasks)
        self._stale |= self.reports.hear(one for one in changes.reports if one.tool_id in self.entries)

    def settle(self) -> None:
        """Bring what was learned of the tools up to what was taken up."""
        for tool_id in self._stale & self.entries.keys():
            self._teach(self.entries[tool_id])
        self._stale.clear()
        self.tasks.settle()

    def _change(self, change: CatalogTool, texts: Mapping[bytes, TextVector]) -> None:
        former, tool = self.entries.get(change.tool_id), change.tool
        if former and (tool is None or tool.created_at != former.tool.created_at):
            self._stale |= self.reports.forget(change.tool_id)
        if former:
            self._drop(former)
        if tool and all(content_hash(text) in texts for text in said_by(tool)):
            self._add(tool, texts)

    def _add(self, tool: Tool, texts: Mapping[bytes, TextVector]) -> None:
        said, *examples = (texts[content_hash(text)] for text in said_by(tool))
        vector = unit(said.vector)
        terms = terms_of(compared_text(tool), tool.tags)
        row = self.own.append(vector)
        self.taught.append(vector)
        self.gains.append(reliability(UNKNOWN))
        self.terms.add(row, terms)
        for example in examples:
            self.tasks.add(example)
        entry = Entry(row, tool, terms, frozenset(tool.required_capabilities), frozenset(tool.tags), UNKNOWN)
        self.entries[tool.tool_id] = entry
        self._json += _size(tool)
        self.by_row.append(entry)
        self._stale.add(tool.tool_id)

    def _drop(self, entry: Entry) -> None:
        self.tasks.forget(entry.tool.tool_id)
        self.terms.remove(entry.terms)
        self._json -= _size(entry.tool)
        self.gains.replace(entry.row, -inf)
        del self.entries[entry.tool.tool_id]

    def _teach(self, entry: Entry) -> None:
        """Write down by how much a tool is believed to solve each task, and put it where those are."""
        tool_id = entry.tool.tool_id
        believed = self.reports.believed(tool_id)
        self.tasks.forget(tool_id)
        taught = np.float32(DESCRIPTION) * self.own.rows[entry.row]
        for task_hash, credit in believed.solved.items():
            self.tasks.solved(tool_id, task_hash, credit)
            taught = taught + np.float32(credit.believed) * self.tasks.vector(task_hash)
        for task_hash in entry.examples:
            self.tasks.claimed(tool_id, task_hash)
            taught = taught + np.float32(EXAMPLE) * self.tasks.vector(task_hash)
        for task_hash, credit in believed.failed.items():
            self.tasks.failed(tool_id, task_hash, credit)
        self.taught.replace(entry.row, unit(taught))
        entry.statistics = statistics_of(self.reports.of(tool_id))
        self.gains.replace(entry.row, reliability(entry.statistics))


def _size(tool: Tool) -> int:
    """The bytes of a tool's schemas as JSON, by far the largest part of it."""
    return len(to_json([tool.request_schema, tool.response_schema]))
