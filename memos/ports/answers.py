"""The LLM cache, what its answers were made from, and the account of calls."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from memos.records import (
    AnswerDraft,
    AnswerSource,
    CacheSize,
    Call,
    CallKind,
    DayUsage,
    KeptAnswer,
    KeptQuestion,
    LookedUp,
    Unkept,
)


class Answers(Protocol):
    """A tenant's cached answers. Every method raises `Unavailable` when the engine does not answer.

    What does not fit within the policy's bytes goes, least recently or least frequently used first.
    """

    async def look_up(
        self, tenant: str, key: str, *, lease: str | None = None, lease_seconds: float = 0, fresh: bool = False
    ) -> LookedUp:
        """The answer under a key, as used now. With `fresh` one that is kept is not looked at.

        Where there is none, a `lease` is given to who asks first, for some seconds; whoever else asks is told
        that it is pending. The same lease again is leased again.
        """
        ...

    async def look_up_many(self, tenant: str, keys: Sequence[str]) -> list[KeptAnswer | None]:
        """The answers under keys, in order, as used now; no leases."""
        ...

    async def keep(
        self,
        tenant: str,
        drafts: Sequence[AnswerDraft],
        *,
        lease: str | None = None,
        moment: int | None = None,
        seconds: float = 0,
    ) -> list[datetime | Unkept]:
        """Keep answers in place of those under the same keys, and give back the lease of the first.

        An answer in place of another has the sources of that too, with their versions then. What was barred since
        the `moment` of the look-up, or else in the last `seconds`, is not kept. Returns until when each is kept, or
        why not.
        """
        ...

    async def renew(self, tenant: str, key: str, lease: str, seconds: float) -> bool:
        """Keep a lease for some seconds more; false when it is another's by now."""
        ...

    async def release(self, tenant: str, key: str, lease: str) -> None:
        """Give back a lease, unless it is another's by now."""
        ...

    async def bar(
        self,
        tenant: str,
        *,
        keys: Sequence[str] = (),
        sources: Sequence[AnswerSource] = (),
        models: Sequence[str] = (),
        everything: bool = False,
    ) -> None:
        """Have answers not be kept that are under way now: under keys, made from sources, of models, or all.

        For an hour; an answer that was looked for before that is not kept anyway.
        """
        ...

    async def forget(self, tenant: str, keys: Sequence[str]) -> int:
        """Forget answers; return how many there were."""
        ...

    async def forget_made_from(self, tenant: str, sources: Sequence[AnswerSource]) -> int:
        """Forget all answers that were made from any of these, at whatever version; return how many there were."""
        ...

    async def count_made_from(self, tenant: str, sources: Sequence[AnswerSource]) -> int:
        """How many answers were made from any of these."""
        ...

    async def forget_model(self, tenant: str, model: str | None) -> int:
        """Forget all answers of a model, or, without one, of the tenant; return how many there were."""
        ...

    async def questions(
        self, tenant: str, context: str, embedding_model: str, after: int, limit: int
    ) -> list[KeptQuestion]:
        """At most `limit` questions of a context with revisions above `after`, in order.

        Some may be of answers that went meanwhile. Revisions go on growing also when all that was kept is gone.
        """
        ...

    async def size(self, tenant: str) -> CacheSize:
        """How much is kept."""
        ...


class Provenance(Protocol):
    """Whether what answers were made from is still as it was; asked of the ledger."""

    async def versions(self, tenant: str, sources: Sequence[AnswerSource]) -> Mapping[AnswerSource, int]:
        """The present versions of those memories and tools that are there; facts are not asked about.

        What was deleted, superseded or has expired is not there. Raises `Unavailable`.
        """
        ...


class Usage(Protocol):
    """The account of calls. Every method raises `Unavailable` when the engine does not answer."""

    async def count(self, tenant: str, calls: Sequence[Call]) -> None:
        """Count calls today (UTC); about a second later they are in what is read anywhere."""
        ...

    async def read(
        self,
        tenant: str,
        since: date,
        until: date,
        *,
        model: str | None = None,
        agent_id: str | None = None,
        kind: CallKind | None = None,
    ) -> list[DayUsage]:
        """What was counted from a day up to and including another, ordered by day, model, agent and kind."""
        ...
