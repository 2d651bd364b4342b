"""Forgetting cached answers when what they were made from has changed."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

from memos.errors import MemosError
from memos.events.memories import StoreMemory
from memos.handlers.batching import Wish
from memos.ports import Answers
from memos.records import AnswerSource, RecordKey, SourceKind, ToolKey

log = logging.getLogger(__name__)


async def forget_stale(kind: SourceKind, changed: Iterable[RecordKey | ToolKey], *, answers: Answers) -> None:
    """Forget the answers that were made from memories or tools which have changed. Never fails what changed them.

    One that stays since the cache is away is not given for that: whoever finds it asks the ledger whether what it
    was made from is still as it was.
    """
    sources: defaultdict[str, set[AnswerSource]] = defaultdict(set)
    for tenant, name in changed:
        sources[tenant].add(AnswerSource(kind, str(name)))
    for tenant, made_from in sources.items():
        try:
            await answers.forget_made_from(tenant, sorted(made_from))
        except MemosError as error:
            log.warning("Answers made from %d that changed stay until they are found: %s", len(made_from), error)


async def forget_superseded(
    wishes: Sequence[Wish[StoreMemory]], outcomes: Sequence[object], *, answers: Answers
) -> None:
    """Forget the answers that were made from what new memories supersede."""
    superseded = [
        RecordKey(wish.origin.tenant, memory_id)
        for wish, outcome in zip(wishes, outcomes, strict=True)
        if not isinstance(outcome, MemosError)
        for memory_id in wish.command.supersedes
    ]
    await forget_stale("memory", superseded, answers=answers)
