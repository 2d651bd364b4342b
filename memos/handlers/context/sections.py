"""What each section of a task's context is gathered from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from memos.discovery import Catalogs
from memos.errors import NotFound
from memos.events.context import MOST_OF_A_SECTION, RequestContext
from memos.events.equipment import Assignment
from memos.events.filters import MemoryFilter
from memos.events.loadouts import Loadout
from memos.events.memories import QueryMemory, RecalledMemory
from memos.events.sessions import ReadSession, SessionFound
from memos.events.tools import DiscoverTools
from memos.handlers.context.lessons import Lesson, revised, settled
from memos.handlers.loadouts.choosing import Choosing, ChosenTool, Selection
from memos.handlers.loadouts.keeping import loadout_of
from memos.handlers.loadouts.memories import LoadoutMemories
from memos.handlers.memories.recall import Recall
from memos.handlers.tools.discover import discovered
from memos.handlers.working.sessions import read_session
from memos.handlers.working.values import session_of
from memos.ports import Embedder, Learnings, Loadouts, Memories, Projections, Reranker, Tools, Vectors, Working
from memos.records import LESSON, KeptValue, Memory, Origin

LESSONS = MemoryFilter(kind=LESSON)
NO_LESSONS = MemoryFilter(not_=LESSONS)

DISCOVERY = "discovery"
"""By which choice a tool is in a context that no loadout chose."""

FEWEST_LESSONS, SPARE_LESSONS = 20, 10
"""How widely lessons are looked for, at least: less than memories, of which there are more."""

MOST_VALUES = 100
"""Values of a session that are looked at, in the order of their keys."""

LARGEST_VALUE = 16_000
"""Bytes of JSON of a value that is still shown; most models have no use for more."""


class AtHand(NamedTuple):
    """What is in a session, if there is one of its id, and the first of its values in the order of their keys."""

    session: SessionFound | None = None
    values: Sequence[KeptValue] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What a context is gathered from, and for whom."""

    origin: Origin
    command: RequestContext
    memories: Memories
    vectors: Vectors
    projections: Projections
    embedder: Embedder
    reranker: Reranker | None
    learnings: Learnings
    working: Working
    loadouts: Loadouts
    tools: Tools
    catalogs: Catalogs

    async def lessons(self) -> list[Lesson]:
        """Lessons for the task, none that a newer one contradicts without that. Raises `Unavailable`.

        Twice as many as are wanted are looked at, since some say the same.
        """
        most = min(2 * self.command.lessons, MOST_OF_A_SECTION)
        recall = replace(self._recall(most, LESSONS), fewest=FEWEST_LESSONS, spare=SPARE_LESSONS)
        lessons = await recall.results()
        while True:  # ends, for what takes a place is newer
            pairs, others = await self._contradictions([one.memory_id for one in lessons])
            newest = lessons if self.command.filter else revised(lessons, pairs, others)
            if [one.memory_id for one in newest] == [one.memory_id for one in lessons]:
                return settled(lessons, pairs, others, self.command.lessons)
            lessons = newest

    async def _contradictions(self, ids: Sequence[UUID]) -> tuple[list[tuple[UUID, UUID]], Mapping[UUID, Memory]]:
        """What contradicts lessons or is contradicted by them, in pairs, and such of it as is not among them."""
        tenant, agent_id = self.origin.tenant, self.command.agent_id
        pairs = await self.learnings.contradictions(tenant, agent_id, ids) if ids else []
        others = {one for pair in pairs for one in pair}.difference(ids)
        return pairs, await self.memories.visible(tenant, agent_id, sorted(others)) if others else {}

    async def other_memories(self) -> list[RecalledMemory]:
        """Memories for the task that are no lessons. Raises `Unavailable`."""
        return await self._recall(self.command.memories, NO_LESSONS).results()

    async def at_hand(self) -> AtHand:
        """What is in the session; nothing when there is none yet. Raises `Unavailable`."""
        named = {"session_id": self.command.session_id, "agent_id": self.command.agent_id}
        command = ReadSession.model_validate({**named, "last": self.command.messages})
        try:
            found = await read_session(command, origin=self.origin, working=self.working)
        except NotFound:
            return AtHand()
        key = session_of(self.origin, command)
        return AtHand(found, await self.working.page(key, "", "", MOST_VALUES, largest=LARGEST_VALUE))

    async def discovered_tools(self) -> list[ChosenTool]:
        """Tools for the task, best first. Raises `Unavailable`."""
        command = DiscoverTools(
            query=self.command.task,
            agent_capabilities=self.command.agent_capabilities,
            top_k=self.command.tools,
        )
        found = await discovered(self.origin.tenant, command, catalogs=self.catalogs, embedder=self.embedder)
        return [ChosenTool(tool, DISCOVERY, tool.score, tool.reasons) for tool in found]

    async def loadout(self, name: str) -> Loadout:
        """What equips the agent. Raises `NotFound`, `Conflict` when it cannot be read, and `Unavailable`."""
        return loadout_of(await self.loadouts.get(self.origin.tenant, name))

    async def chosen_tools(self, loadout: Loadout) -> Selection:
        """The tools that a loadout chooses. Raises `NotFound` when one is missing that must not be."""
        choosing = Choosing(
            self.origin.tenant, assignment_of(self.command), self.tools, self.catalogs, self.embedder
        )
        return await choosing.selection(loadout)

    async def chosen_memories(self, loadout: Loadout) -> list[RecalledMemory]:
        """The memories that a loadout chooses. Raises `Unavailable`, and `InvalidCommand` for too long a task."""
        remembering = LoadoutMemories(
            self.origin.tenant,
            assignment_of(self.command),
            self.memories,
            self.vectors,
            self.projections,
            self.embedder,
            self.reranker,
        )
        found: list[RecalledMemory] = []
        for place, choice in enumerate(loadout.memories):
            found += await remembering.chosen(choice, f"memories.{place}", choice.max_tokens)
        return found

    def _recall(self, top_k: int, wanted: MemoryFilter) -> Recall:
        """The query for memories of a section."""
        command = QueryMemory(
            query=self.command.task,
            agent_id=self.command.agent_id,
            top_k=top_k,
            preferences=self.command.preferences,
        )
        filtered = command.model_copy(update={"filter": _both(wanted, self.command.filter)})
        return Recall(
            self.origin.tenant,
            filtered,
            self.memories,
            self.vectors,
            self.projections,
            self.embedder,
            self.reranker,
        )


def assignment_of(command: RequestContext) -> Assignment:
    """The task and the agent, as a loadout takes them."""
    return Assignment(task=command.task, agent_id=command.agent_id, agent_capabilities=command.agent_capabilities)


def _both(one: MemoryFilter, other: MemoryFilter | None) -> MemoryFilter:
    """Two filters that a memory must meet; not validated again, for the two may be one level too deep together."""
    return one if other is None else MemoryFilter.model_construct(and_=[one, other])
