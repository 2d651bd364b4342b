"""The ledger's loadouts."""

from collections.abc import Mapping
from typing import Any, Protocol

from memos.records import KeptLoadout, LoadoutChange, Origin


class Loadouts(Protocol):
    """The ledger's loadouts, each a definition under a name of its tenant.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def save(self, origin: Origin, digest: bytes, name: str, definition: Mapping[str, Any]) -> LoadoutChange:
        """Keep a definition under a name, with a fact, unless it is there just so. Raises `Conflict`.

        It is kept as it is written: another order of keys is another definition. One whose name was deleted is
        `saved` at the next version.
        """
        ...

    async def get(self, tenant: str, name: str) -> KeptLoadout:
        """The loadout. Raises `NotFound`."""
        ...

    async def page(self, tenant: str, after: str, limit: int) -> list[KeptLoadout]:
        """The next `limit` loadouts in the order of their names, from the one after `after`."""
        ...

    async def delete(self, origin: Origin, digest: bytes, name: str) -> LoadoutChange:
        """Forget a loadout, with a fact. Raises `Conflict`."""
        ...
