"""What an agent is told of its task: the task itself, and what memory has for it."""

from collections.abc import Sequence

from devenviro.messages import AgentCard, Briefing, OfferedTool, Task
from devenviro.trace import Trace
from memos.client import Client
from memos.errors import MemosError
from memos.events.context import TaskContext


class Briefer:
    """Asks memOS what there is for a task, in at most `max_tokens`; what it cannot give is told."""

    def __init__(self, client: Client, trace: Trace, *, max_tokens: int, deadline_ms: int) -> None:
        self._client = client
        self._trace = trace
        self._max_tokens = max_tokens
        self._deadline_ms = deadline_ms

    async def briefing(self, task: Task, agent: AgentCard) -> Briefing:
        """What memory has for a task that an agent is to do; nothing while memOS is away."""
        try:
            found = await self._client.context(
                task.text,
                agent_id=agent.name,
                agent_capabilities=list(agent.capabilities),
                max_tokens=self._max_tokens,
                deadline_ms=self._deadline_ms,
            )
        except MemosError as error:
            await self._trace.tell("missing", task.task_id, section="any context", reason=error.detail)
            return Briefing(missing=[f"all: {error.detail}"])
        await self._tell(task, found)
        return Briefing(
            block=found.context,
            tools=_offered(found),
            lessons=[lesson.memory_id for lesson in found.lessons],
            memories=[memory.memory_id for memory in found.memories],
            missing=[f"{one.section}: {one.detail}" for one in found.missing],
        )

    async def _tell(self, task: Task, found: TaskContext) -> None:
        await self._trace.tell(
            "asked",
            task.task_id,
            lessons=len(found.lessons),
            memories=len(found.memories),
            tools=len(found.tools),
            tokens=found.tokens.total,
            took_ms=found.took_ms,
        )
        for lesson in found.lessons:
            told = {"memory_id": str(lesson.memory_id), "lesson": lesson.content, "times": lesson.times}
            await self._trace.tell("reminded", task.task_id, **told)
        for one in found.missing:
            await self._trace.tell("missing", task.task_id, section=one.section, reason=one.detail)


def _offered(found: TaskContext) -> Sequence[OfferedTool]:
    return [OfferedTool(tool_id=tool.tool_id, call_name=tool.call_name, spec=tool.spec) for tool in found.tools]
