"""Cached answers that were made from memories, as deletions reach them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from memos.ports import Answers
from memos.records import AnswerSource, RecordKey


class DerivedAnswers:
    """The answers in the LLM cache; fulfils the port `Derived`."""

    name = "answers"

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def count(self, records: Sequence[RecordKey]) -> int:
        """How many answers were made from any of these records. Raises `Unavailable`."""
        sources = _sources(records)
        return sum(
            [await self._answers.count_made_from(tenant, made_from) for tenant, made_from in sources.items()]
        )

    async def forget(self, records: Sequence[RecordKey]) -> int:
        """Forget the answers that were made from these buried records. Raises `Unavailable`."""
        sources = _sources(records)
        return sum(
            [await self._answers.forget_made_from(tenant, made_from) for tenant, made_from in sources.items()]
        )


def _sources(records: Sequence[RecordKey]) -> Mapping[str, list[AnswerSource]]:
    """The records as sources, by tenant."""
    sources: defaultdict[str, list[AnswerSource]] = defaultdict(list)
    for record in records:
        sources[record.tenant].append(AnswerSource("memory", str(record.memory_id)))
    return sources
