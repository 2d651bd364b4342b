"""Handlers of the commands that make tools known, show them, and remove them."""

from collections.abc import Mapping, Sequence
from functools import partial

from memos.bisect import onwards
from memos.errors import MemosError
from memos.events.tools import (
    DeregisterOutcome,
    DeregisterTool,
    GetTool,
    ListTools,
    RegisterOutcome,
    RegisterOutcomes,
    RegisterTool,
    RegisterTools,
    ToolFound,
    ToolsListed,
)
from memos.handlers.answers.stale import forget_stale
from memos.handlers.batching import Wish, in_batches, items_of, wishes_of
from memos.handlers.digests import digest_of
from memos.handlers.embed import text_key, vectors_of
from memos.ports import Answers, Embedder, Memories, Ready, Tools
from memos.records import (
    Origin,
    Registered,
    TextKey,
    TextVector,
    ToolDraft,
    ToolKey,
    ToolSelection,
    Vector,
    said_by,
)
from memos.specs import call_name, spec_of

MESSAGES: Mapping[str, str] = {
    "registered": "The tool is registered; the next search for tools finds it.",
    "updated": "The tool has a new version; the next search for tools goes by it.",
    "unchanged": "The tool was registered just so before.",
    "deregistered": "The tool is removed, with all that was reported of it.",
    "absent": "There was no such tool.",
}


async def register_tool(
    commands: Sequence[RegisterTool],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    tools: Tools,
    embedder: Embedder,
    answers: Answers,
    ready: Ready,
) -> list[RegisterOutcome | MemosError]:
    """Register tools that came one by one."""
    wishes = wishes_of(origins, commands)
    return await register(wishes, memories=memories, tools=tools, embedder=embedder, answers=answers, ready=ready)


async def register_tools(
    commands: Sequence[RegisterTools],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    tools: Tools,
    embedder: Embedder,
    answers: Answers,
    ready: Ready,
) -> list[RegisterOutcomes | MemosError]:
    """Register tools that came in batches; one whose id was used for another batch is a conflict as a whole."""
    batches = [items_of(origin, command.tools) for origin, command in zip(origins, commands, strict=True)]
    run = partial(register, memories=memories, tools=tools, embedder=embedder, answers=answers, ready=ready)
    replies = await in_batches(origins, batches, run, memories=memories)
    return [
        reply if isinstance(reply, MemosError) else RegisterOutcomes.model_construct(results=reply)
        for reply in replies
    ]


async def register(
    wishes: Sequence[Wish[RegisterTool]],
    *,
    memories: Memories,
    tools: Tools,
    embedder: Embedder,
    answers: Answers,
    ready: Ready,
) -> list[RegisterOutcome | MemosError]:
    """Register what is wished; one outcome each, in order. Raises `Unavailable`, and then nothing is lost.

    Answers that were made from a former version of a tool are forgotten.
    """
    handled = await memories.handled([wish.origin.key for wish in wishes])
    new = [wish for wish in wishes if wish.origin.key not in handled]
    texts = {text_key(wish.origin.tenant, text): text for wish in new for text in said_by(wish.command)}
    vectors = await vectors_of(texts, known=tools.known_vectors, embedder=embedder)
    ready()
    drafts = [_draft(wish, embedder.model, vectors, repeated=wish.origin.key in handled) for wish in wishes]
    registered = await onwards(drafts, tools.register)
    await forget_stale("tool", _changed(wishes, registered), answers=answers)
    return [result if isinstance(result, MemosError) else _outcome(result) for result in registered]


async def get_tool(command: GetTool, *, origin: Origin, tools: Tools) -> ToolFound:
    """Read one tool, and how a model calls it."""
    tool = await tools.get(origin.tenant, command.tool_id)
    spec = spec_of(tool, command.format) if command.format else None
    return ToolFound.model_construct(**dict(tool), call_name=call_name(tool.tool_id), spec=spec)


async def list_tools(command: ListTools, *, origin: Origin, tools: Tools) -> ToolsListed:
    """Read a page of tools, and where the next one begins; large tools make it shorter than its limit."""
    selection = ToolSelection(command.capabilities, command.match, command.tags, command.contains)
    page = await tools.page(origin.tenant, selection, command.after, command.limit)
    following = page.tools[-1].tool_id if page.more else None
    return ToolsListed.model_construct(count=len(page.tools), results=list(page.tools), next=following)


async def deregister_tool(
    command: DeregisterTool, *, origin: Origin, tools: Tools, answers: Answers
) -> DeregisterOutcome:
    """Remove a tool, with all that was reported of it and the answers that were made from it."""
    removed = await tools.deregister(origin, digest_of(command), command.tool_id)
    await forget_stale("tool", [ToolKey(origin.tenant, removed.tool_id)], answers=answers)
    status = "deregistered" if removed.found else "absent"
    return DeregisterOutcome(tool_id=removed.tool_id, status=status, message=MESSAGES[status])


def _draft(
    wish: Wish[RegisterTool], model: str, vectors: Mapping[TextKey, Vector | MemosError], *, repeated: bool
) -> ToolDraft | MemosError:
    """What is to be written, or the error that says why one of its texts has no vector."""
    said: list[TextVector] = []
    for text in () if repeated else said_by(wish.command):
        vector = vectors[text_key(wish.origin.tenant, text)]
        if isinstance(vector, MemosError):
            return vector
        said.append(TextVector(text, vector))
    return ToolDraft(wish.origin, wish.digest, wish.command, model, said)


def _changed(wishes: Sequence[Wish[RegisterTool]], registered: Sequence[Registered | MemosError]) -> list[ToolKey]:
    return [
        ToolKey(wish.origin.tenant, result.tool_id)
        for wish, result in zip(wishes, registered, strict=True)
        if isinstance(result, Registered) and result.status != "unchanged"
    ]


def _outcome(result: Registered) -> RegisterOutcome:
    return RegisterOutcome(
        tool_id=result.tool_id, version=result.version, status=result.status, message=MESSAGES[result.status]
    )
