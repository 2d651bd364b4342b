"""Whether what answers were made from is still as it was, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from memos.records import AnswerSource
from memos.stores.postgres import Pool, translated
from memos.stores.sql import load_queries


class PostgresProvenance:
    """Fulfils the port `Provenance`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._sql = load_queries("provenance.sql")

    async def versions(self, tenant: str, sources: Sequence[AnswerSource]) -> Mapping[AnswerSource, int]:
        """The present versions of the memories and tools that are there; facts are not asked about."""
        memories = {source: found for source in sources if (found := _memory_id(source))}
        tools = {source: source.id for source in sources if source.kind == "tool"}
        if not memories and not tools:
            return {}
        named = ([tenant] * len(memories), [*memories.values()], [tenant] * len(tools), [*tools.values()])
        with translated():
            rows = await self._pool.fetch(self._sql["present_versions"], *named)
        present = {(row["memory_id"], row["tool_id"]): row["version"] for row in rows}
        wanted: Mapping[AnswerSource, tuple[UUID | None, str | None]] = {
            **{source: (memory_id, None) for source, memory_id in memories.items()},
            **{source: (None, tool_id) for source, tool_id in tools.items()},
        }
        return {source: present[one] for source, one in wanted.items() if one in present}


def _memory_id(source: AnswerSource) -> UUID | None:
    """The id of a memory; none of what is no memory, or has an id that no memory can have."""
    try:
        return UUID(source.id) if source.kind == "memory" else None
    except ValueError:
        return None
