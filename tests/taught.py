"""Learning on a real ledger, as one worker does it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from builders import Rooms, origin
from toolbox import Toolbox, tool

from memos.discovery import Catalogs
from memos.events.learning import (
    Learning,
    LearningRecorded,
    LessonLearned,
    ListLearnings,
    MemoryJudged,
    RecordLearning,
)
from memos.handlers.learning.learn import list_learnings, record_learning
from memos.records import Memory, Origin
from memos.stores.learning import PostgresLearnings
from memos.stores.tools import PostgresTools

TASK = "write the monthly sales report for the board"
LESSON = "always convert amounts to euros before adding them up"


@dataclass
class School:
    """Every port that learning needs, on a ledger; `ports` given take their places."""

    rooms: Rooms
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def ports(self) -> dict[str, Any]:
        """The ports of the handler that learns."""
        tools = PostgresTools(self.rooms.pool)
        return {
            **self.rooms.engines,
            "memories": self.rooms.memories,
            "embedder": self.rooms.embedder,
            "learnings": PostgresLearnings(self.rooms.pool),
            "tools": tools,
            "catalogs": Catalogs(tools, self.rooms.embedder, 1_000_000),
            **self.given,
        }

    async def learn(self, *lessons: Any, of: Origin | None = None, **fields: Any) -> LearningRecorded:
        """Tell how a task ended, a success unless told otherwise."""
        said = [{"content": one} if isinstance(one, str) else one for one in lessons]
        complete: dict[str, Any] = {
            "task": TASK,
            "outcome": "success",
            "agent_id": "ann",
            "lessons": said,
            **fields,
        }
        command = RecordLearning.model_validate(complete)
        return await record_learning(command, origin=of or origin(), **self.ports)

    async def taught(self, lesson: Any = LESSON, **fields: Any) -> LessonLearned:
        """What became of one lesson."""
        [learned] = (await self.learn(lesson, **fields)).lessons
        assert isinstance(learned, LessonLearned), learned
        return learned

    async def judged(self, memory_id: UUID, *, helped: bool | None = None, **fields: Any) -> float:
        """The usefulness of a memory after one more report of it."""
        use = {"memory_id": memory_id, "helped": helped}
        [judged] = (await self.learn(memories=[use], **fields)).memories
        assert isinstance(judged, MemoryJudged), judged
        return judged.usefulness

    async def memory(self, memory_id: UUID, agent_id: str = "ann") -> Memory:
        """A memory as an agent sees it."""
        return await self.rooms.memories.get("default", agent_id, memory_id)

    async def listed(self, *, tenant: str = "default", **fields: Any) -> list[Learning]:
        """A page of what was told."""
        command = ListLearnings(**fields)
        listed = await list_learnings(command, origin=origin(tenant=tenant), learnings=self.ports["learnings"])
        return listed.results

    async def register(self, *tool_ids: str) -> None:
        """Have tools that can be reported of."""
        await Toolbox(self.rooms.pool).register(*map(tool, tool_ids))
