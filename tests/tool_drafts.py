"""Tools and outcomes as handlers give them to the ledger: complete unless told otherwise."""

from typing import Any

from builders import MODEL, origin, vector_of

from memos.records import (
    Origin,
    OutcomeDraft,
    OutcomeKept,
    Registered,
    TextVector,
    ToolDefinition,
    ToolDraft,
    content_hash,
    said_by,
)
from memos.stores.tools import PostgresTools


def tool(tool_id: str = "web.search", **fields: Any) -> ToolDefinition:
    """A tool, which says one text unless it has examples."""
    complete = {"name": "Web Search", "description": "finds pages", "endpoint_url": "https://tools.test/search"}
    return ToolDefinition(tool_id=tool_id, **{**complete, **fields})


def text_of(text: str) -> TextVector:
    """A text with its vector."""
    return TextVector(text, vector_of(text))


def tool_draft(definition: ToolDefinition, *, of: Origin | None = None, model: str = MODEL) -> ToolDraft:
    """A draft that the ledger writes; its digest follows from the definition."""
    said = [text_of(text) for text in said_by(definition)]
    return ToolDraft(of or origin(), content_hash(definition.model_dump_json()), definition, model, said)


def outcome(
    tool_id: str = "web.search", task: str | None = None, *, of: Origin | None = None, **fields: Any
) -> OutcomeDraft:
    """An outcome that the ledger keeps, of a success unless told otherwise."""
    sender = of or origin()
    complete: dict[str, Any] = {
        "agent_id": "cortex",
        "success": True,
        "latency_ms": None,
        "error": None,
        "plausible": None,
        **fields,
    }
    digest = content_hash(ascii((tool_id, task, complete)))
    said = text_of(task) if task else None
    return OutcomeDraft(sender, digest, tool_id, task=said, model=MODEL, **complete)


async def register(tools: PostgresTools, *definitions: ToolDefinition, tenant: str = "default") -> list[Registered]:
    """Register tools together; each must succeed."""
    outcomes = await tools.register([tool_draft(one, of=origin(tenant=tenant)) for one in definitions])
    made = [one for one in outcomes if isinstance(one, Registered)]
    assert len(made) == len(outcomes), outcomes
    return made


async def record(tools: PostgresTools, *drafts: OutcomeDraft) -> None:
    """Keep outcomes together; each must succeed."""
    outcomes = await tools.record(drafts)
    assert all(isinstance(one, OutcomeKept) for one in outcomes), outcomes
