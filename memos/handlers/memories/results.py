"""What a query answers: memories with their scores, and how those came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from pydantic import JsonValue

from memos.cues import speakers
from memos.events.memories import RecalledMemory
from memos.lexical import gist, term_count
from memos.ranking import DEFINITIONS, READ_OF_CONTENT, Factors, Fused, QueryContext, standing
from memos.records import Memory

Beside: TypeAlias = tuple[list[Memory], list[Memory]]
"""What stands before and after a memory, in order."""

DIGITS = 9
"""Decimal places of a score."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A memory that answers a query, and what speaks for it; a `note` is for the asker, `repeats` say the same."""

    memory: Memory
    factors: Factors
    repeats: Sequence[UUID] = ()
    note: str | None = None

    @property
    def score(self) -> float:
        """The sum of what its factors add, to as many digits as do not depend on the order of adding."""
        return round(sum(factor.contribution for factor in self.factors.values()), DIGITS)

    @property
    def gist(self) -> tuple[object, ...]:
        """What it says, who says so, of which day, and what it defines where: what repeats it has the same."""
        memory = self.memory
        said = gist(memory.content) if len(memory.content) <= READ_OF_CONTENT else (memory.content_hash,)
        told = memory.occurred_at and memory.occurred_at.date()
        defined = memory.source if memory.kind in DEFINITIONS else None
        return said, gist(" ".join(speakers(memory.content, memory.metadata))), told, defined


def answer_of(memory: Memory, found: Fused, context: QueryContext) -> Answer:
    """A memory that the ledger shows, as an answer."""
    length = term_count(memory.content[:READ_OF_CONTENT])
    return Answer(memory, found.factors | standing(memory, length, context))


def recalled(answer: Answer, rank: int, beside: Beside, *, explain: bool, as_of: datetime | None) -> RecalledMemory:
    """An answer as the reply has it."""
    before, after = beside
    return RecalledMemory.model_construct(
        **dict(answer.memory),
        score=answer.score,
        before=before,
        after=after,
        repeats=list(answer.repeats),
        explanation=_explanation(answer, rank, as_of) if explain else None,
    )


def _explanation(answer: Answer, rank: int, as_of: datetime | None) -> dict[str, JsonValue]:
    factors: Mapping[str, JsonValue] = {
        name: {"value": round(factor.value, 6), "contribution": round(factor.contribution, 6)}
        for name, factor in answer.factors.items()
    }
    note: Mapping[str, JsonValue] = {"note": answer.note} if answer.note else {}
    moment: Mapping[str, JsonValue] = {"as_of": as_of.isoformat()} if as_of else {}
    return {"rank": rank, **moment, "factors": dict(factors), **note}
