"""Handlers of the events that tell what became of calls of tools."""

from collections.abc import Mapping, Sequence
from functools import partial

from memos.bisect import onwards
from memos.discovery import Catalog, Catalogs, is_plausible, query_of
from memos.errors import MemosError
from memos.events.tools import OutcomeRecorded, OutcomesRecorded, ToolOutcome, ToolOutcomes
from memos.handlers.batching import Wish, in_batches, items_of, wishes_of
from memos.handlers.embed import text_key, vectors_of
from memos.ports import Embedder, Memories, Ready, Tools
from memos.records import Origin, OutcomeDraft, OutcomeKept, TextKey, TextVector, Vector

MESSAGE = "The outcome is recorded; the next search for tools goes by it."


async def record_outcome(
    commands: Sequence[ToolOutcome],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    tools: Tools,
    catalogs: Catalogs,
    embedder: Embedder,
    ready: Ready,
) -> list[OutcomeRecorded | MemosError]:
    """Record outcomes that came one by one."""
    wishes = wishes_of(origins, commands)
    return await record(wishes, memories=memories, tools=tools, catalogs=catalogs, embedder=embedder, ready=ready)


async def record_outcomes(
    commands: Sequence[ToolOutcomes],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    tools: Tools,
    catalogs: Catalogs,
    embedder: Embedder,
    ready: Ready,
) -> list[OutcomesRecorded | MemosError]:
    """Record outcomes that came in batches; one whose id was used for another batch is a conflict as a whole."""
    batches = [items_of(origin, command.outcomes) for origin, command in zip(origins, commands, strict=True)]
    run = partial(record, memories=memories, tools=tools, catalogs=catalogs, embedder=embedder, ready=ready)
    answers = await in_batches(origins, batches, run, memories=memories)
    return [
        answer if isinstance(answer, MemosError) else OutcomesRecorded.model_construct(results=answer)
        for answer in answers
    ]


async def record(
    wishes: Sequence[Wish[ToolOutcome]],
    *,
    memories: Memories,
    tools: Tools,
    catalogs: Catalogs,
    embedder: Embedder,
    ready: Ready,
) -> list[OutcomeRecorded | MemosError]:
    """Record outcomes; one result each, in order. Raises `Unavailable`, and then nothing is lost."""
    handled = await memories.handled([wish.origin.key for wish in wishes])
    new = [wish for wish in wishes if wish.origin.key not in handled]
    texts = {text_key(wish.origin.tenant, task): task for wish in new if (task := wish.command.task) is not None}
    vectors = await vectors_of(texts, known=tools.known_vectors, embedder=embedder)
    ready()
    known = {tenant: await catalogs.of(tenant) for tenant in {wish.origin.tenant for wish in new}}
    drafts = [
        _draft(wish, vectors, embedder.model, None if wish.origin.key in handled else known[wish.origin.tenant])
        for wish in wishes
    ]
    recorded = await onwards(drafts, tools.record)
    return [result if isinstance(result, MemosError) else _recorded(result) for result in recorded]


def _draft(
    wish: Wish[ToolOutcome], vectors: Mapping[TextKey, Vector | MemosError], model: str, catalog: Catalog | None
) -> OutcomeDraft | MemosError:
    """What is to be written, or the error that says why the task has no vector; a repeat needs no catalog."""
    command, task, plausible = wish.command, None, None
    if command.task is not None and catalog is not None:
        vector = vectors[text_key(wish.origin.tenant, command.task)]
        if isinstance(vector, MemosError):
            return vector
        task = TextVector(command.task, vector)
        plausible = is_plausible(catalog, command.tool_id, query_of(command.task, vector))
    return OutcomeDraft(
        origin=wish.origin,
        digest=wish.digest,
        tool_id=command.tool_id,
        agent_id=command.agent_id,
        success=command.success,
        latency_ms=command.latency_ms,
        error=command.error,
        task=task,
        model=model,
        plausible=plausible,
    )


def _recorded(result: OutcomeKept) -> OutcomeRecorded:
    return OutcomeRecorded(tool_id=result.tool_id, message=MESSAGE)
