"""From working to episodic memory: messages and values of sessions become memories, each once."""

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from memos.errors import Conflict, EmbeddingRefused, Gone, InvalidCommand, MemosError, TooLarge, Unavailable
from memos.events.memories import StoreMemory, StoreOutcome
from memos.events.sessions import Message, PromotedMemory
from memos.events.texts import MOST_CONTENT_BYTES
from memos.handlers.batching import Wish, nobody_waits
from memos.handlers.memories.remember import Outcome, remember
from memos.ports import Embedder, Memories, Projections, Vectors, Working
from memos.records import (
    MOST_PLACES,
    KeptMessage,
    KeptSession,
    KeptValue,
    Origin,
    Vector,
    Visibility,
    content_hash,
    message_memory_id,
    message_source,
    value_memory_id,
)

log = logging.getLogger(__name__)

SOURCE = "memos.working"
"""The source of the commands by which messages and values are stored."""

SLICE = 64
"""Messages that become memories at a time."""

BEGINNINGS = (8_000, 2_000, 500)
"""Characters of a text that the embedder refuses: the vector of its longest such beginning stands for it."""


class Promotable(NamedTuple):
    """A memory to be, and what it comes from: the number of a message, or a key."""

    command: StoreMemory
    memory_id: UUID
    sequence: int | None = None
    key: str | None = None

    def wish(self, tenant: str) -> Wish[StoreMemory]:
        """The wish to store it, which is the same whenever it is promoted, and by whomever."""
        of = "message" if self.key is None else "value"
        origin = Origin(tenant, SOURCE, f"{of}:{self.memory_id}")
        return Wish(origin, self.command, content_hash(origin.command_id))

    def promoted(self, outcome: StoreOutcome) -> PromotedMemory:
        """What became of it."""
        told = {"memory_id": outcome.memory_id, "status": outcome.status}
        return PromotedMemory.model_validate({**told, "sequence": self.sequence, "key": self.key})


class Promoted(NamedTuple):
    """The memories that there are of what was promoted, in order, and how many of them were `made` now.

    `through` is the number of the last message of it, or 0.
    """

    results: list[PromotedMemory]
    made: int
    through: int = 0


def of_message(session: KeptSession, message: KeptMessage, before: int, visibility: Visibility) -> Promotable:
    """A message as the memory to be: its place after those `before` the session, who said it, and when."""
    said = Message.model_validate(message.document)
    command = StoreMemory.model_construct(
        id=message.memory_id,
        content=said.content,
        agent_id=session.key.agent_id,
        session_id=session.key.session_id,
        source=message_source(session.key, session.epoch, message.sequence),
        sequence=min(before + message.sequence, MOST_PLACES),
        occurred_at=said.occurred_at,
        visibility=visibility,
        metadata={"role": said.role, "speaker": said.name or said.role, **said.metadata},
    )
    return Promotable(command, message.memory_id, sequence=message.sequence)


def of_value(session: KeptSession, kept: KeptValue, visibility: Visibility) -> Promotable:
    """A version of a key as the memory to be. Raises `TooLarge` when it is longer than a memory may be."""
    text = kept.value if isinstance(kept.value, str) else to_json(kept.value).decode()
    content = f"{kept.key}: {text}"
    if len(content.encode()) >= MOST_CONTENT_BYTES:
        raise TooLarge(
            f"The value of {kept.key!r} is longer than a memory may be, {MOST_CONTENT_BYTES} bytes. "
            "Keep it in parts, or store what matters of it."
        )
    memory_id = value_memory_id(session.key, session.epoch, kept.key, kept.version)
    command = StoreMemory.model_construct(
        id=memory_id,
        content=content,
        agent_id=session.key.agent_id,
        session_id=session.key.session_id,
        occurred_at=kept.updated_at,
        visibility=visibility,
        metadata={"working_key": kept.key, "working_version": kept.version},
    )
    return Promotable(command, memory_id, key=kept.key)


async def slices_of_log(
    working: Working, session: KeptSession, *, after: int, through: int
) -> AsyncIterator[Sequence[KeptMessage]]:
    """The messages of a session with numbers above `after` and up to `through`, some at a time, in order.

    It ends when the session has: what is under its id then is another one's.
    """
    after = max(after, session.newest - session.messages)
    while after < through:
        until = min(after + SLICE, through)
        found = await working.messages(session.key, after=after, through=until)
        if any(one.memory_id != message_memory_id(session.key, session.epoch, one.sequence) for one in found):
            return
        if found:
            yield found
        after = until


@dataclass(frozen=True, slots=True)
class Promoting:
    """Makes memories by the path of every other memory: the ledger first, then what is searched."""

    memories: Memories
    vectors: Vectors
    projections: Projections
    embedder: Embedder

    async def messages(
        self, session: KeptSession, messages: Sequence[KeptMessage], visibility: Visibility = "private"
    ) -> Promoted:
        """Make memories of messages of a session, in their order. Raises `Unavailable`."""
        before = await self.memories.places_before(session.key, session.epoch)
        some = [of_message(session, message, before, visibility) for message in messages]
        promoted = await self.promote(session.key.tenant, some)
        return promoted._replace(through=messages[-1].sequence)

    async def promote(self, tenant: str, some: Sequence[Promotable]) -> Promoted:
        """Store what is to be promoted, in order; what was before, or was deleted since, is done already.

        No message is given up: one whose id another memory has gets an id of its own, one that the embedder
        refuses is stored with the vector of its beginning, and one that the ledger cannot hold is stored without
        its metadata and its moment. Raises `Unavailable`.
        """
        wishes = [one.wish(tenant) for one in some]
        handled = await self.memories.handled([wish.origin.key for wish in wishes])
        outcomes = await self._remember(wishes)
        stored: list[tuple[Promotable, StoreOutcome]] = []
        known: set[UUID] = set()
        made = 0
        for one, wish, first in zip(some, wishes, outcomes, strict=True):
            outcome = await self._stored(wish, first)
            if outcome is None:
                continue
            stored.append((one, outcome))
            if wish.origin.key in handled:
                known.add(outcome.memory_id)
            else:
                made += outcome.status != "duplicate"
        gone = await self._gone(tenant, some[0].command.agent_id, known) if known else set[UUID]()
        return Promoted([one.promoted(outcome) for one, outcome in stored if outcome.memory_id not in gone], made)

    async def _gone(self, tenant: str, agent_id: str, known: Collection[UUID]) -> set[UUID]:
        """Those of memories made before that were deleted since, or have expired."""
        shown = await self.memories.visible(tenant, agent_id, list(known), superseded=True)
        return set(known) - shown.keys()

    async def _stored(self, wish: Wish[StoreMemory], first: Outcome) -> StoreOutcome | None:
        """What became of a wish in the end; `None` when it was deleted before. Raises what cannot be helped."""
        outcome = await self._mended(wish, first)
        if isinstance(outcome, Gone):
            return None
        if isinstance(outcome, MemosError):
            raise outcome
        return outcome

    async def _remember(self, wishes: Sequence[Wish[StoreMemory]]) -> list[Outcome]:
        return await remember(
            wishes,
            memories=self.memories,
            vectors=self.vectors,
            projections=self.projections,
            embedder=self.embedder,
            ready=nobody_waits,
        )

    async def _mended(self, wish: Wish[StoreMemory], outcome: Outcome) -> Outcome:
        """The outcome or, of what was refused for a reason that can be helped, that of another attempt."""
        changes: dict[str, Any]
        if isinstance(outcome, EmbeddingRefused):
            vector = await self._standing_for(wish.command, outcome)
            changes = {"embedding": list(vector), "embedding_model": self.embedder.model}
        elif isinstance(outcome, Conflict):
            changes = {"id": None}
        elif isinstance(outcome, InvalidCommand):
            changes = {"metadata": {"speaker": _said_by(wish.command)}, "occurred_at": None}
        else:
            return outcome
        log.warning("%s is stored in another way, since it was refused: %s", wish.origin.command_id, outcome)
        [again] = await self._remember([wish._replace(command=wish.command.model_copy(update=changes))])
        return again

    async def _standing_for(self, command: StoreMemory, refusal: EmbeddingRefused) -> Vector:
        """The vector of the beginning of a text or, if need be, of who said it. Raises `Unavailable`."""
        said_by = _said_by(command)
        for text in (*(command.content[:most] for most in BEGINNINGS), said_by):
            try:
                [vector] = await self.embedder.embed([text])
            except EmbeddingRefused:
                continue
            return vector
        raise Unavailable(
            f"The embedder refuses a message, and {said_by!r} as well, as if it could embed nothing now: {refusal}"
        ) from refusal


def _said_by(command: StoreMemory) -> str:
    """Who said what is promoted, or under which key it was."""
    return str(command.metadata.get("speaker") or command.metadata.get("working_key"))
