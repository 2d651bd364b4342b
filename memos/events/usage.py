"""What calls of language models cost, and what the cache saved."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import Command, Reply
from memos.events.texts import Identifier
from memos.records import CallKind, Record

MOST_DAYS = 366

By = Literal["day", "model", "agent_id", "kind"]


class ReadUsage(Command):
    """Read what was used: from a day up to and including another (UTC; by default the last seven), `by` what."""

    since: date | None = None
    until: date | None = None
    model: Identifier | None = None
    agent_id: Identifier | None = None
    kind: CallKind | None = None
    by: Annotated[list[By], Field(min_length=1, max_length=4)] = ["day", "model", "agent_id", "kind"]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and not 0 <= (self.until - self.since).days < MOST_DAYS:
            raise PydanticCustomError(
                "days", "must have since not after until, and at most {most} days", {"most": MOST_DAYS}
            )
        return self


class UsageTotals(Record):
    """Calls and what they cost; `saved_…` is what hits would have cost.

    `requests` are hits, semantic hits, misses and errors together, and `hit_rate` the share of hits of both
    kinds. `cost` and `saved` are in the currency of the price table, and absent where that has not every model.
    """

    requests: int
    hits: int
    semantic_hits: int
    misses: int
    errors: int
    hit_rate: float
    prompt_tokens: int
    completion_tokens: int
    saved_prompt_tokens: int
    saved_completion_tokens: int
    upstream_seconds: float
    saved_seconds: float
    mean_upstream_seconds: float | None
    cost: float | None
    saved: float | None


class UsageRow(UsageTotals):
    """The totals of what the row names; a name by which nothing was asked to be told apart is absent."""

    day: date | None = None
    model: str | None = None
    agent_id: str | None = None
    kind: CallKind | None = None


class UsageRead(Reply):
    """What was used, and all of it together."""

    since: date
    until: date
    totals: UsageTotals
    results: list[UsageRow]
