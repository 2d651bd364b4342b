"""Stand-ins for a cache of answers that note what they are told; the real one is tested beside a real Redis."""

from collections.abc import Sequence

from memos.errors import Unavailable
from memos.records import AnswerSource, RecordKey


class NotedAnswers:
    """A cache that has nothing, and notes what it was asked to forget the answers of; it may be away."""

    def __init__(self) -> None:
        self.stale: list[tuple[str, AnswerSource]] = []
        self.away = False

    async def forget_made_from(self, tenant: str, sources: Sequence[AnswerSource]) -> int:
        if self.away:
            raise Unavailable("The cache is away.")
        self.stale.extend((tenant, source) for source in sources)
        return 0


class NotedDerived:
    """Something derived from memories that has nothing, and notes what it was asked to forget."""

    name = "answers"

    def __init__(self) -> None:
        self.forgotten: list[RecordKey] = []

    async def count(self, records: Sequence[RecordKey]) -> int:
        return 0

    async def forget(self, records: Sequence[RecordKey]) -> int:
        self.forgotten.extend(records)
        return 0
