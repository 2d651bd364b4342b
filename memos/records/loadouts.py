"""Loadouts as the ledger keeps them."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from memos.records.memories import MEMORY_NAMESPACE, SEPARATOR


class KeptLoadout(NamedTuple):
    """A loadout as it is now."""

    name: str
    version: int
    definition: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class LoadoutChange(NamedTuple):
    """What saving or deleting a loadout did; the version is the last one, or 0 when there was none."""

    name: str
    version: int
    status: Literal["saved", "updated", "unchanged", "deleted", "absent"]


def loadout_record_id(tenant: str, name: str) -> UUID:
    """The id under which facts tell of a loadout: UUIDv5."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("loadout", tenant, name)))
