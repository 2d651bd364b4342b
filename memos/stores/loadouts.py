"""The ledger's loadouts in PostgreSQL."""

from collections.abc import Mapping
from typing import Any

from memos.errors import NotFound
from memos.records import KeptLoadout, LoadoutChange, Origin, loadout_record_id
from memos.stores.claims import Shape, claim_or_replay, correct_replies
from memos.stores.noting import Noted, note
from memos.stores.postgres import Connection, Pool, transacted, translated
from memos.stores.sql import load_queries

CHANGED = Shape(frozenset(LoadoutChange._fields))
"""What is recorded of the answer to a change."""


class PostgresLoadouts:
    """Fulfils the port `Loadouts`. A deleted one is a tombstone: saved again, it has its next version."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        files = ("memories.sql", "facts.sql", "loadouts.sql")
        self._sql: Mapping[str, str] = {name: query for file in files for name, query in load_queries(file).items()}

    async def save(self, origin: Origin, digest: bytes, name: str, definition: Mapping[str, Any]) -> LoadoutChange:
        """Keep a definition under a name, with a fact, unless it is there just so."""

        async def work(connection: Connection) -> LoadoutChange:
            if reply := await claim_or_replay(connection, self._sql, origin, digest, CHANGED):
                return LoadoutChange(**reply)
            change = await self._save(connection, origin.tenant, name, definition)
            await self._finish(connection, origin, change)
            return change

        return await transacted(self._pool, work)

    async def get(self, tenant: str, name: str) -> KeptLoadout:
        """The loadout."""
        with translated():
            row = await self._pool.fetchrow(self._sql["get_loadout"], tenant, name)
        if row is None:
            raise NotFound(f"No loadout {name!r} is saved. Check the name, or save the loadout first.")
        return KeptLoadout(*row)

    async def page(self, tenant: str, after: str, limit: int) -> list[KeptLoadout]:
        """The next `limit` loadouts in the order of their names."""
        with translated():
            rows = await self._pool.fetch(self._sql["page_of_loadouts"], tenant, after, limit)
        return [KeptLoadout(*row) for row in rows]

    async def delete(self, origin: Origin, digest: bytes, name: str) -> LoadoutChange:
        """Forget a loadout, with a fact."""

        async def work(connection: Connection) -> LoadoutChange:
            if reply := await claim_or_replay(connection, self._sql, origin, digest, CHANGED):
                return LoadoutChange(**reply)
            version = await connection.fetchval(self._sql["bury_loadout"], origin.tenant, name)
            change = LoadoutChange(name, version or 0, "deleted" if version else "absent")
            await self._finish(connection, origin, change)
            return change

        return await transacted(self._pool, work)

    async def _save(
        self, connection: Connection, tenant: str, name: str, definition: Mapping[str, Any]
    ) -> LoadoutChange:
        saved = await connection.fetchrow(self._sql["save_loadout"], tenant, name, dict(definition))
        if saved is None:
            row = await connection.fetchrow(self._sql["get_loadout"], tenant, name)
            assert row is not None  # the row is locked by this transaction  # noqa: S101
            return LoadoutChange(name, row["version"], "unchanged")
        return LoadoutChange(name, saved["version"], "saved" if saved["begun"] else "updated")

    async def _finish(self, connection: Connection, origin: Origin, change: LoadoutChange) -> None:
        """Record the reply to a change, and note the fact if there is one."""
        await correct_replies(connection, self._sql, [(origin, change._asdict())])
        if change.status in {"unchanged", "absent"}:
            return
        kind = "memos.loadout.deleted.v1" if change.status == "deleted" else "memos.loadout.saved.v1"
        data = {"name": change.name, "version": change.version}
        record_id = loadout_record_id(origin.tenant, change.name)
        fact = Noted(origin.tenant, kind, record_id, change.version, data)
        await note(connection, self._sql, [fact])
