"""The tasks of a tenant that tools solved, or failed at, and by how much that is believed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from math import inf
from typing import NamedTuple

import numpy as np

from memos.discovery.matrix import Floats, Matrix, is_worn, unit
from memos.discovery.postings import Postings
from memos.discovery.reports import Credit
from memos.discovery.weights import EXAMPLE, LEAST_BELIEVED, LIKE, MOST_TASKS, SHARED_TERMS, SHARPNESS
from memos.lexical import terms_of
from memos.records import Terms, TextVector


class TaskOutcomes(NamedTuple):
    """How much each tool, by its id, is reported to have solved a task, and to have failed at it.

    Of the tools in `claimed` the task is an example, which counts as solved.
    """

    solved: dict[str, Credit]
    failed: dict[str, Credit]
    claimed: set[str]

    @property
    def believed(self) -> float:
        """The most that is believed of any tool."""
        return max((credit.believed for credit in (*self.solved.values(), *self.failed.values())), default=0.0)

    @property
    def reported(self) -> list[str]:
        """The tools that agents report to have solved it, and are believed."""
        return [
            tool_id
            for tool_id, credit in self.solved.items()
            if credit.believed > (EXAMPLE if tool_id in self.claimed else 0)
        ]


class Likeness(NamedTuple):
    """What tools did with tasks like one: how much they solved and failed at, and how many each solved.

    The tools in `claimed` have an example like it.
    """

    solved: Mapping[str, Credit]
    failed: Mapping[str, Credit]
    counts: Mapping[str, int]
    claimed: Set[str]


class Tasks:
    """Texts of tasks, with what became of them."""

    def __init__(self, dimension: int) -> None:
        self._vectors = Matrix(dimension)
        self._counting = Matrix()
        self._postings = Postings()
        self._rows: dict[bytes, int] = {}
        self._terms: dict[bytes, Terms] = {}
        self._outcomes: list[TaskOutcomes] = []
        self._known_of: dict[str, set[bytes]] = defaultdict(set)
        self._unsettled: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, task_hash: object) -> bool:
        return task_hash in self._rows

    @property
    def nbytes(self) -> int:
        """What the vectors take in memory."""
        return self._vectors.nbytes

    @property
    def worn(self) -> bool:
        """Whether most of its rows are of tasks that nothing is known of any more."""
        return is_worn(len(self._vectors), len(self._rows))

    def add(self, task: TextVector) -> None:
        """Make a task known, unless it is."""
        if task.content_hash in self._rows:
            return
        row = self._vectors.append(unit(task.vector))
        terms = terms_of(task.text)
        self._rows[task.content_hash] = row
        self._terms[task.content_hash] = terms
        self._counting.append(-inf)
        self._postings.add(row, terms)
        self._outcomes.append(TaskOutcomes({}, {}, set()))
        self._unsettled.add(task.content_hash)

    def vector(self, task_hash: bytes) -> Floats:
        """The unit vector of a task that is known."""
        vector: Floats = self._vectors.rows[self._rows[task_hash]]
        return vector

    def forget(self, tool_id: str) -> None:
        """Drop what became of all tasks that a tool was called for."""
        for task_hash in self._known_of.pop(tool_id, ()):
            outcomes = self._outcomes[self._rows[task_hash]]
            outcomes.solved.pop(tool_id, None)
            outcomes.failed.pop(tool_id, None)
            outcomes.claimed.discard(tool_id)
            self._unsettled.add(task_hash)

    def solved(self, tool_id: str, task_hash: bytes, credit: Credit) -> None:
        """Note by how much, added to what is noted, a tool is reported to have solved a task that is known."""
        solved = self._noted(tool_id, task_hash).solved
        solved[tool_id] = solved.get(tool_id, Credit()).plus(credit)

    def claimed(self, tool_id: str, task_hash: bytes) -> None:
        """Note that a task which is known is an example of a tool, worth `EXAMPLE` tasks that it solved."""
        self._noted(tool_id, task_hash).claimed.add(tool_id)
        self.solved(tool_id, task_hash, Credit(EXAMPLE, EXAMPLE))

    def failed(self, tool_id: str, task_hash: bytes, credit: Credit) -> None:
        """Note by how much a tool is reported to have failed at a task that is known."""
        self._noted(tool_id, task_hash).failed[tool_id] = credit

    def settle(self) -> None:
        """Let go of the tasks that nothing is known of any more, and count those of which something is believed."""
        for task_hash in self._unsettled:
            row = self._rows[task_hash]
            outcomes = self._outcomes[row]
            self._counting.replace(row, 0.0 if outcomes.believed > LEAST_BELIEVED else -inf)
            if not (outcomes.solved or outcomes.failed):
                self._postings.remove(self._terms.pop(task_hash))
                del self._rows[task_hash]
        self._unsettled.clear()

    def like(self, vector: Floats, terms: Sequence[int]) -> Likeness:
        """What tools did with the tasks most like one; a task counts as one at a similarity of `LIKE`."""
        solved: dict[str, Credit] = defaultdict(Credit)
        failed: dict[str, Credit] = defaultdict(Credit)
        counts: Counter[str] = Counter()
        claimed: set[str] = set()
        for row, mass in self._nearest(vector, terms):
            outcomes = self._outcomes[row]
            for tool_id, credit in outcomes.solved.items():
                solved[tool_id] = solved[tool_id].plus(credit, mass)
            for tool_id, credit in outcomes.failed.items():
                failed[tool_id] = failed[tool_id].plus(credit, mass)
            if mass >= 1:
                claimed |= outcomes.claimed
                counts.update(outcomes.reported)
        return Likeness(solved, failed, counts, claimed)

    def _noted(self, tool_id: str, task_hash: bytes) -> TaskOutcomes:
        self._known_of[tool_id].add(task_hash)
        self._unsettled.add(task_hash)
        return self._outcomes[self._rows[task_hash]]

    def _nearest(self, vector: Floats, terms: Sequence[int]) -> list[tuple[int, float]]:
        """The tasks most like one, by their rows, with how much each counts.

        Only those of which something is believed, so that nobody crowds out the others by what is not.
        """
        if not self._outcomes:
            return []
        shared = self._postings.shares(terms, len(self._vectors))
        similarity = self._vectors.rows @ vector + np.float32(SHARED_TERMS) * shared + self._counting.rows
        most = min(MOST_TASKS, len(similarity))
        nearest = np.argpartition(-similarity, most - 1)[:most]
        nearest = nearest[np.isfinite(similarity[nearest])]
        masses = np.exp(SHARPNESS * (similarity[nearest] - LIKE))
        return list(zip(nearest.tolist(), masses.tolist(), strict=True))
