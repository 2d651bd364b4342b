"""Commands that delete many memories, and that purge what was deleted, with their receipts."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import Command, Reply
from memos.events.filters import MemoryFilter
from memos.events.memories import StoreReceipt
from memos.events.texts import Identifier, Moment

MOST_IDS = 1000

MemoryIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)]


class DeleteMemories(Command):
    """Forget every memory of the tenant that meets all conditions, whichever agent it belongs to.

    At least one condition is required. `dry_run`, the default, deletes nothing and says what it would delete.
    Of `memory_ids` without a `filter` also those are meant that are no memory yet: their store is refused.
    """

    memory_ids: MemoryIds | None = None
    agent_id: Identifier | None = None
    filter: MemoryFilter | None = None
    dry_run: bool = True

    @model_validator(mode="after")
    def _says_which(self) -> "DeleteMemories":
        unfiltered = self.filter is None or self.filter.asks_nothing
        if self.memory_ids is None and self.agent_id is None and unfiltered:
            raise PydanticCustomError(
                "no_condition", "at least one condition must be given: memory_ids, agent_id or one in filter"
            )
        return self


class DeletionReceipt(Reply):
    """What a deletion of many memories did, or as a dry run would do.

    `deleted`: in no answer and in no store any more. `accepted`: in no answer any more; a store that was
    away still has some, and drops them once it is back. `matched` counts the memories, `absent` the ids for
    which there was none and whose store is refused from now on. `examples` are up to 100 of the ids.
    """

    success: Literal[True] = True
    deletion_id: UUID | None
    dry_run: bool
    status: Literal["deleted", "accepted", "dry-run"]
    matched: int
    absent: int
    stores: list[StoreReceipt]
    examples: list[UUID]
    message: str


class PurgeMemories(Command):
    """Remove for good the content of memories of the tenant that were deleted; their tombstones stay.

    At least one condition is required. `dry_run`, the default, removes nothing and says what it would remove.
    """

    deleted_before: Moment | None = None
    memory_ids: MemoryIds | None = None
    dry_run: bool = True

    @model_validator(mode="after")
    def _says_which(self) -> "PurgeMemories":
        if self.deleted_before is None and self.memory_ids is None:
            raise PydanticCustomError(
                "no_condition", "at least one condition must be given: deleted_before or memory_ids"
            )
        return self


class PurgeReceipt(Reply):
    """What a purge removed, or as a dry run would remove.

    `tables` counts the rows of the ledger that were emptied or deleted, `stores` what was still elsewhere.
    `accepted`: gone from the ledger, but a store was away that may still have something of it.
    """

    success: Literal[True] = True
    purge_id: UUID | None
    dry_run: bool
    status: Literal["purged", "accepted", "dry-run"]
    purged: int
    tables: dict[str, int]
    stores: list[StoreReceipt]
    message: str
