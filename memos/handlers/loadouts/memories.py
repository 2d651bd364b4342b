"""The memories of a loadout as text for a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from memos.events.equipment import Assignment, EquippedMemory
from memos.events.loadouts import MemoryChoice
from memos.events.memories import QueryMemory, RecalledMemory
from memos.handlers.loadouts.placeholders import asked, filled
from memos.handlers.memories.recall import Recall
from memos.handlers.memories.shown import shown
from memos.ports import Embedder, Memories, Projections, Reranker, Vectors
from memos.ranking import tokens_of

MOST_ASKED = 1_000_000
"""The most tokens that a query can be limited to."""


class NumberedMemory(NamedTuple):
    """A memory in the context: its text there, and where it comes from."""

    text: str
    memory: EquippedMemory


class LoadoutContext(NamedTuple):
    """The memories that fit, each once, and what did not."""

    entries: Sequence[NumberedMemory]
    warnings: Sequence[str]

    @property
    def text(self) -> str:
        """All of them, numbered."""
        return "\n".join(entry.text for entry in self.entries)

    @property
    def tokens(self) -> int:
        """What it costs."""
        return sum(entry.memory.tokens for entry in self.entries)


@dataclass(frozen=True, slots=True)
class LoadoutMemories:
    """The memories that are chosen from, and for whom."""

    tenant: str
    assignment: Assignment
    memories: Memories
    vectors: Vectors
    projections: Projections
    embedder: Embedder
    reranker: Reranker | None

    async def context(self, choices: Sequence[MemoryChoice], max_tokens: int | None) -> LoadoutContext:
        """What the choices bring, in order, as far as it fits. Raises `Unavailable`."""
        entries: list[NumberedMemory] = []
        warnings: list[str] = []
        left = max_tokens
        for place, choice in enumerate(choices):
            path, room = f"memories.{place}", least(left, choice.max_tokens)
            if room is not None and room < 1:
                warnings.append(f"{path}: No memory is added, for nothing is left of the {max_tokens} tokens.")
                continue
            found = await self._found(choice, path, room, entries)
            added = fitting(found, room, first=len(entries) + 1, chosen_by=path)
            entries += added
            left = left if left is None else left - sum(entry.memory.tokens for entry in added)
        return LoadoutContext(entries, warnings)

    async def _found(
        self, choice: MemoryChoice, path: str, room: int | None, entries: Sequence[NumberedMemory]
    ) -> list[RecalledMemory]:
        """What answers the query of a choice, best first, without what is there already and costs nothing again."""
        known = {entry.memory.memory_id: entry.memory.tokens for entry in entries}
        most = room if room is None else min(room + sum(known.values()), MOST_ASKED)
        return [one for one in await self.chosen(choice, path, most) if one.memory_id not in known]

    async def chosen(self, choice: MemoryChoice, path: str, max_tokens: int | None) -> list[RecalledMemory]:
        """What answers the query of a choice, best first. Raises `Unavailable`, and `InvalidCommand` as `asked`."""
        command = asked(
            QueryMemory,
            path,
            query=filled(choice.query, self.assignment),
            agent_id=self.assignment.agent_id,
            filter=choice.filter,
            top_k=choice.top_k,
            max_tokens=max_tokens,
        )
        recall = Recall(
            self.tenant,
            command,
            self.memories,
            self.vectors,
            self.projections,
            self.embedder,
            self.reranker,
        )
        return await recall.results()


def least(*limits: int | None) -> int | None:
    """The lowest of limits, of which `None` is none."""
    return min((limit for limit in limits if limit is not None), default=None)


def fitting(
    memories: Sequence[RecalledMemory], max_tokens: int | None, *, first: int, chosen_by: str
) -> list[NumberedMemory]:
    """Those of the memories that fit as they are shown, numbered from `first`; what does not fit is passed over."""
    entries: list[NumberedMemory] = []
    left = max_tokens
    for memory in memories:
        text = shown(memory, first + len(entries))
        tokens = tokens_of(f"{text}\n")
        if left is not None and tokens > left:
            continue
        left = left if left is None else left - tokens
        entries.append(NumberedMemory(text, _provenance(memory, tokens, chosen_by)))
    return entries


def _provenance(memory: RecalledMemory, tokens: int, chosen_by: str) -> EquippedMemory:
    return EquippedMemory(
        memory_id=memory.memory_id,
        version=memory.version,
        agent_id=memory.agent_id,
        score=memory.score,
        tokens=tokens,
        chosen_by=chosen_by,
    )
