"""Texts to remember in the first tier: messages of a session of working memory."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from memos.api.requests import Exchange
from memos.client.sending import build
from memos.errors import Fault, InvalidCommand
from memos.events.commands import Reply
from memos.events.memories import StoreMemory
from memos.events.problems import summary_of
from memos.events.sessions import ROLES, AppendMessage, Message

WORKING = 1
SESSION = "default"
"""The session of a text that names none."""

LOST = "has no place in working memory"

WITHOUT_PLACE: Mapping[str, str] = {
    **dict.fromkeys(("id", "supersedes", "sequence", "embedding", "embedding_model"), LOST),
    "expires_at": f"{LOST}: a message is kept as long as its session, whose ttl PATCH /working/{{session_id}} sets",
}
"""What a memory can say that would be lost in a message, and what is said of it."""

IN_METADATA = ("tags", "kind", "importance", "visibility", "source")
"""What a memory can say that a message keeps in its metadata, unless that says something else."""


class TierOutcome(Reply):
    """What became of a text, and the tier that keeps it.

    Tier 1 keeps it as a message: `memory_id` is that of the memory which it becomes if it is promoted, and is not
    known of one that is queued.
    """

    success: Literal[True] = True
    memory_id: UUID | None
    status: Literal["stored", "accepted", "queued", "duplicate"]
    message: str
    tier: Literal[1, 2]


async def store_message(text: StoreMemory, exchange: Exchange, *, wait: bool) -> TierOutcome:
    """Append a text to the log of its session.

    Raises `InvalidCommand` for what would be lost in a message, and what appending one raises.
    """
    append = _append(text)
    if wait:
        appended: Any = await exchange.ask(append)
        said = f"The message is number {appended['sequences'][0]} of session {append.session_id!r}."
        return _outcome("stored", said, appended["message_ids"][0])
    await exchange.post(append)
    key = exchange.command_id
    return _outcome("queued", f"The message is on the stream. Ask with Idempotency-Key {key} what became of it.")


def _outcome(status: str, message: str, memory_id: str | None = None) -> TierOutcome:
    told = {"memory_id": memory_id, "status": status, "message": message, "tier": WORKING}
    return TierOutcome.model_validate(told)


def _append(text: StoreMemory) -> Any:
    """The command that keeps a text as a message; its metadata says who speaks."""
    faults = [Fault(name, why) for name, why in WITHOUT_PLACE.items() if getattr(text, name) not in (None, [])]
    if faults:
        raise InvalidCommand(f"The message is not valid: {summary_of(faults)}.", faults=faults)
    role, name = (text.metadata.get(field) for field in ("role", "name"))
    given = text.model_dump(mode="json", include=set(IN_METADATA) & text.model_fields_set)
    message = build(
        Message,
        role=role if role in ROLES else "user",
        content=text.content,
        name=name if isinstance(name, str) else None,
        occurred_at=text.occurred_at,
        metadata={**given, **text.metadata},
    )
    return build(AppendMessage, session_id=text.session_id or SESSION, agent_id=text.agent_id, message=message)
