"""Handlers of the commands on what agents learned."""

from collections.abc import Mapping, Sequence

from memos.discovery import Catalogs
from memos.errors import Conflict, MemosError, NotFound
from memos.events.learning import (
    Learning,
    LearningRecorded,
    LearningsListed,
    ListLearnings,
    MemoryUse,
    RecordLearning,
    ToolJudged,
    ToolUse,
)
from memos.events.tools import ToolOutcome
from memos.handlers.batching import Wish, nobody_waits
from memos.handlers.digests import digest_of
from memos.handlers.learning.learned import recorded_of, told_of
from memos.handlers.learning.lessons import Learned, Teacher
from memos.handlers.tools.outcomes import record
from memos.ports import Embedder, Learnings, Memories, Projections, Tools, Vectors
from memos.records import (
    LearningDraft,
    LearningOutcome,
    LearningSelection,
    Origin,
    UseOfMemory,
    learning_id_for,
    task_key,
)

IMPLIED = 0.25
"""What a report counts that is taken from how the task ended, beside one that is said."""

LEANS: Mapping[LearningOutcome, float] = {"success": IMPLIED, "partial": 0.0, "failure": -IMPLIED}


async def record_learning(
    command: RecordLearning,
    *,
    origin: Origin,
    learnings: Learnings,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    tools: Tools,
    catalogs: Catalogs,
) -> LearningRecorded:
    """Learn from a task that is over, once, however often the command comes, or is broken off in between.

    Raises `Conflict` when its id was used for another, and `Unavailable`, after which it can be sent again.
    """
    digest = digest_of(command)
    if kept := await learnings.replayed(origin, digest):
        return recorded_of(kept)
    teacher = Teacher(command, origin, learnings, memories, vectors, projections, embedder)
    lessons = await teacher.learned()
    judged = await _tools(command, origin, memories=memories, tools=tools, catalogs=catalogs, embedder=embedder)
    return recorded_of(await learnings.record(_draft(command, origin, digest, lessons, judged)))


async def list_learnings(command: ListLearnings, *, origin: Origin, learnings: Learnings) -> LearningsListed:
    """Read a page of what agents told. Raises `NotFound` for the learning after which to go on."""
    selection = LearningSelection(command.agent_id, command.task_id, command.outcome)
    kept = await learnings.page(origin.tenant, selection, command.before, command.limit + 1)
    results = [Learning.model_construct(**one._asdict()) for one in kept[: command.limit]]
    more = len(kept) > command.limit
    return LearningsListed.model_construct(
        count=len(results), results=results, next=results[-1].learning_id if more else None
    )


async def _tools(
    command: RecordLearning,
    origin: Origin,
    *,
    memories: Memories,
    tools: Tools,
    catalogs: Catalogs,
    embedder: Embedder,
) -> list[ToolJudged | MemosError]:
    """Record what became of the calls of tools; one result for each, in order. Raises `Unavailable`, `Conflict`."""
    wishes = {
        place: _outcome(command, origin, place, use)
        for place, use in enumerate(command.tools)
        if not use.reported and _succeeded(use, command.outcome) is not None
    }
    recorded = await record(
        [*wishes.values()], memories=memories, tools=tools, catalogs=catalogs, embedder=embedder, ready=nobody_waits
    )
    outcomes = dict(zip(wishes, recorded, strict=True))
    results: list[ToolJudged | MemosError] = []
    for place, use in enumerate(command.tools):
        outcome = outcomes[place] if place in outcomes else await _known(tools, origin.tenant, use.tool_id)
        if isinstance(outcome, Conflict):
            raise outcome
        judged = ToolJudged(tool_id=use.tool_id, recorded=place in outcomes)
        results.append(outcome if isinstance(outcome, MemosError) else judged)
    return results


def _outcome(command: RecordLearning, origin: Origin, place: int, use: ToolUse) -> Wish[ToolOutcome]:
    """What is reported of a tool, under an id of its own that follows from the command's.

    Every agent sees what it tells of the tool: of a private task it has no words.
    """
    outcome = ToolOutcome.model_construct(
        tool_id=use.tool_id,
        agent_id=command.agent_id,
        success=bool(_succeeded(use, command.outcome)),
        latency_ms=use.latency_ms,
        error=use.error if command.visibility == "shared" else None,
        task=command.task if command.visibility == "shared" else None,
    )
    of_tool = Origin(origin.tenant, origin.source, f"{origin.command_id}/tools/{place}")
    return Wish(of_tool, outcome, digest_of(outcome))


def _succeeded(use: ToolUse, outcome: LearningOutcome) -> bool | None:
    """Whether a tool helped; of one of which that is not said, only by a success of the task."""
    return use.helped if use.helped is not None or outcome != "success" else True


async def _known(tools: Tools, tenant: str, tool_id: str) -> NotFound | None:
    """The refusal of a tool of which nothing is recorded, if there is none."""
    try:
        await tools.get(tenant, tool_id)
    except NotFound as error:
        return error
    return None


def _draft(
    command: RecordLearning,
    origin: Origin,
    digest: bytes,
    lessons: Sequence[Learned | MemosError],
    tools: Sequence[ToolJudged | MemosError],
) -> LearningDraft:
    return LearningDraft(
        origin=origin,
        digest=digest,
        learning_id=learning_id_for(origin.key),
        agent_id=command.agent_id,
        task_id=command.task_id,
        session_id=command.session_id,
        task=task_key(command.task),
        outcome=command.outcome,
        visibility=command.visibility,
        lessons=[one.kept for one in lessons if not isinstance(one, MemosError)],
        memories=[UseOfMemory(use.memory_id, _weight(use, command.outcome)) for use in command.memories],
        tools=[one.tool_id for one in tools if not isinstance(one, MemosError)],
        cost=command.cost,
        tokens=command.tokens,
        seconds=command.seconds,
        occurred_at=command.occurred_at,
        reply=told_of(command, origin, lessons, tools),
    )


def _weight(use: MemoryUse, outcome: LearningOutcome) -> float:
    """How much a memory helped, from -1 to 1."""
    return LEANS[outcome] if use.helped is None else 1.0 if use.helped else -1.0
