"""Facts, noted in the transaction of what they tell of."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from memos.stores.postgres import Connection
from memos.stores.rows import columns


class Noted(NamedTuple):
    """A fact that has no position yet; `version` is that of the record that it tells of."""

    tenant: str
    type: str
    record_id: UUID
    version: int
    data: Mapping[str, Any]


async def note(connection: Connection, sql: Mapping[str, str], facts: Sequence[Noted]) -> None:
    """Note facts, in order."""
    if facts:
        await connection.execute(sql["note_facts"], *columns(facts))
