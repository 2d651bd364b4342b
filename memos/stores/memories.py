"""The ledger's memories in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from memos.errors import Conflict, MemosError
from memos.records import (
    MOST_PLACES,
    Change,
    CommandKey,
    Deleted,
    Draft,
    Memory,
    Origin,
    RecordKey,
    SessionKey,
    Stored,
    TextKey,
    Vector,
    duplicate_key,
    session_record_id,
)
from memos.stores.claims import WORKING, Shape, claim, claim_or_replay, correct_replies, recorded
from memos.stores.postgres import Connection, Pool, pack, transacted, translated, unpack
from memos.stores.recalling import PostgresRecall, not_found
from memos.stores.rows import columns, memory_of, version_of
from memos.stores.sql import load_queries
from memos.stores.superseding import require_dispensable, store_in_turn

UPDATED = Shape(frozenset({"memory_id", "version"}), may_have=frozenset(Memory.model_fields))
"""What is recorded of the answer to an update. Version 0.1 recorded all of it."""

DELETED = Shape(frozenset({"memory_id", "version", "found"}), may_have=frozenset({"reached"}))
"""What is recorded of the answer to a deletion. Version 0.1 did not say how far it reached."""


ROOM = 2**24
"""Places that are left for the messages of one session."""


class PostgresMemories(PostgresRecall):
    """Fulfils the port `Memories`."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._sql: Mapping[str, str] = {**load_queries("memories.sql"), **load_queries("superseding.sql")}

    async def handled(self, keys: Sequence[CommandKey]) -> set[CommandKey]:
        """Those of the commands that were handled before."""
        if not keys:
            return set()
        with translated():
            rows = await self._pool.fetch(self._sql["handled_commands"], *columns(keys))
        return {CommandKey(*row) for row in rows}

    async def known_vectors(self, model: str, texts: Sequence[TextKey]) -> Mapping[TextKey, Vector]:
        """Vectors computed before, by tenant and content hash."""
        if not texts:
            return {}
        with translated():
            rows = await self._pool.fetch(self._sql["known_vectors"], model, *columns(texts))
        return {TextKey(row["tenant"], row["content_hash"]): unpack(row["vector"]) for row in rows}

    async def store(self, drafts: Sequence[Draft]) -> list[Stored | MemosError]:
        """Store drafts with their vectors, commands and facts in one transaction."""
        if not drafts:
            return []
        return await transacted(self._pool, lambda connection: store_in_turn(connection, self._sql, drafts))

    async def update(self, change: Change) -> Memory:
        """Change a memory and keep its former version."""

        async def work(connection: Connection) -> Memory:
            if reply := await claim_or_replay(connection, self._sql, change.origin, change.digest, UPDATED):
                return await self._as_of(connection, change, reply["version"])
            memory = await self._update(connection, change)
            reply = {"memory_id": str(memory.memory_id), "version": memory.version}
            await correct_replies(connection, self._sql, [(change.origin, reply)])
            return memory

        return await transacted(self._pool, work)

    async def delete(self, origin: Origin, digest: bytes, agent_id: str, memory_id: UUID) -> Deleted:
        """Leave a tombstone, also for a memory that is yet to come."""

        async def work(connection: Connection) -> Deleted:
            if reply := await claim_or_replay(connection, self._sql, origin, digest, DELETED):
                reached = reply.get("reached", {})
                return Deleted(UUID(reply["memory_id"]), reply["version"], reply["found"], reached)
            deleted = await self._delete(connection, origin.tenant, agent_id, memory_id)
            await correct_replies(connection, self._sql, [(origin, deleted._asdict())])
            return deleted

        return await transacted(self._pool, work)

    async def note_reach(self, origin: Origin, deleted: Deleted) -> None:
        """Keep how far a deletion reached, for the answer when it is asked again."""
        with translated():
            await self._pool.execute(self._sql["correct_replies"], *columns([(*origin.key, deleted._asdict())]))

    async def bury_expired(self, limit: int) -> list[RecordKey]:
        """Leave tombstones for at most `limit` memories whose time is over; return which those were."""

        async def work(connection: Connection) -> list[RecordKey]:
            expired = await connection.fetch(self._sql["expired_memories"], limit)
            if expired:
                await connection.execute(
                    self._sql["bury_memories"], *columns([tuple(row) for row in expired]), "expired"
                )
            return [RecordKey(*row) for row in expired]

        return await transacted(self._pool, work)

    async def claim(self, digests: Mapping[CommandKey, bytes]) -> Mapping[CommandKey, bytes]:
        """Take the ids of batches with what they say; return what each id was taken with first."""
        if not digests:
            return {}
        rows = [(*key, digest) for key, digest in digests.items()]
        with translated():
            taken = await self._pool.fetch(self._sql["claim_batches"], *columns(rows))
        firsts = {CommandKey(*row[:3]): row["digest"] for row in taken}
        purged = {CommandKey(*row[:3]) for row in taken if row["purged"]}
        return {key: digests[key] if key in purged else first for key, first in firsts.items()}

    async def places_before(self, session: SessionKey, epoch: str) -> int:
        """The last place in a session when this was first asked of an epoch, kept as the reply to a command.

        Somebody may have given a memory a place so high that there is no room after it; it is not counted.
        """
        record_id = session_record_id(session, epoch)
        key = CommandKey(session.tenant, WORKING, f"begin:{record_id}")

        async def work(connection: Connection) -> int:
            last = await connection.fetchval(self._sql["last_place"], *session, MOST_PLACES - ROOM)
            if not await claim(connection, self._sql, [(key, record_id.bytes, {"place": last})]):
                last = (await recorded(connection, self._sql, [key]))[key].reply["place"]
            return int(last)

        return await transacted(self._pool, work)

    async def ping(self) -> None:
        """Return when the ledger answers."""
        with translated():
            await self._pool.fetchval("select 1", timeout=5)

    async def _as_of(self, connection: Connection, change: Change, version: int) -> Memory:
        """The memory as a change that was made before left it; of one deleted since nothing is shown."""
        key = (change.origin.tenant, change.memory_id)
        row = await connection.fetchrow(
            self._sql["lock_visible_memory"], change.origin.tenant, change.agent_id, change.memory_id
        )
        if row is None:
            raise not_found(change.memory_id, change.agent_id)
        present = memory_of(row)
        former = await connection.fetchrow(self._sql["memory_version"], *key, version)
        return present if former is None else present.model_copy(update=dict(version_of(former)))

    async def _update(self, connection: Connection, change: Change) -> Memory:
        key = (change.origin.tenant, change.memory_id)
        row = await connection.fetchrow(
            self._sql["lock_visible_memory"], change.origin.tenant, change.agent_id, change.memory_id
        )
        if row is None:
            raise not_found(change.memory_id, change.agent_id)
        _require_version(row["version"], change)
        await connection.execute(self._sql["keep_versions"], change.origin.tenant, [change.memory_id])
        memory = await self._write(connection, change.origin.tenant, memory_of(row), change)
        if change.embedding:
            await connection.execute(
                self._sql["insert_embedding"],
                *key,
                memory.version,
                change.embedding.model,
                pack(change.embedding.vector),
                change.content_hash,
                change.embedding.computed,
            )
        return memory

    async def _write(self, connection: Connection, tenant: str, memory: Memory, change: Change) -> Memory:
        new = memory.model_copy(update=dict(change.values))
        if (memory.visibility, new.visibility) == ("shared", "private"):
            await require_dispensable(connection, self._sql, tenant, memory)
        if duplicate_key(tenant, new) != duplicate_key(tenant, memory):
            await self._bury_expired_twin(connection, tenant, new)
        try:
            row = await connection.fetchrow(
                self._sql["update_memory"],
                tenant,
                new.memory_id,
                new.content,
                new.content_hash,
                duplicate_key(tenant, new),
                new.metadata,
                new.tags,
                new.importance,
                new.visibility,
                new.expires_at,
            )
        except asyncpg.UniqueViolationError as error:
            raise Conflict(
                f"Memory {new.memory_id} cannot be changed so: another memory of agent {new.agent_id} "
                "already says this in the same session and source. Delete one of the two."
            ) from error
        assert row is not None  # the row is locked by this transaction  # noqa: S101
        return memory_of(row)

    async def _bury_expired_twin(self, connection: Connection, tenant: str, new: Memory) -> None:
        twin = await connection.fetchval(
            self._sql["find_expired_twin"], tenant, duplicate_key(tenant, new), new.memory_id
        )
        if twin:
            await connection.execute(self._sql["bury_memories"], [tenant], [twin], "expired")

    async def _delete(self, connection: Connection, tenant: str, agent_id: str, memory_id: UUID) -> Deleted:
        version = await connection.fetchval(self._sql["leave_tombstone"], tenant, memory_id, agent_id)
        if version is not None:
            return Deleted(memory_id, version, found=False)
        row = (await connection.fetch(self._sql["lock_memory"], tenant, memory_id))[0]
        if agent_id != row["agent_id"] and row["visibility"] != "shared":
            raise not_found(memory_id, agent_id)
        reason = "expired" if row["gone"] else "requested"
        buried = await connection.fetchrow(self._sql["bury_memories"], [tenant], [memory_id], reason)
        version = buried["version"] if buried else row["version"]
        return Deleted(memory_id, version, found=not row["gone"])


def _require_version(version: int, change: Change) -> None:
    if change.expected_version not in {None, version}:
        raise Conflict(
            f"Memory {change.memory_id} is at version {version}, not {change.expected_version}: "
            "it was changed meanwhile. Read it again and repeat the change."
        )
