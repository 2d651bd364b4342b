"""Migrations: plain SQL files, applied once and in order, each in its own transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

import memos
from memos.errors import ConfigurationError
from memos.stores.locks import MIGRATING
from memos.stores.postgres import reached

OLDEST_SERVER = 15

PATIENCE = 60.0
"""Seconds that another process, or a transaction that uses a table, may hold up a migration."""

CREATE_MIGRATIONS = """
create table if not exists schema_migrations (
    name text primary key, checksum bytea not null, applied_at timestamptz not null default now()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of SQL; it must never change once it has been applied somewhere."""

    name: str
    statements: str

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file's text."""
        return hashlib.sha256(self.statements.encode()).digest()


def find_migrations() -> list[Migration]:
    """The migrations that come with this version, in order: in the wheel, or beside the source tree."""
    package = Path(memos.__file__).parent
    folder = next(path for path in (package / "migrations", package.parent / "migrations") if path.is_dir())
    return [Migration(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))]


async def migrate(
    dsn: str, migrations: Sequence[Migration] | None = None, *, patience: float = PATIENCE
) -> list[str]:
    """Apply what is missing and return its names.

    Safe when several processes start at once: they take turns under an advisory lock, and no lock is waited
    for longer than `patience` seconds. Raises `ConfigurationError` when it was, and for an old server, an
    applied file that was changed, or a newer schema.
    """
    session = {"lock_timeout": f"{patience * 1000:.0f}ms"}
    with reached():
        connection = await asyncpg.connect(dsn, timeout=10, server_settings=session)
    try:
        require_server(connection)
        await connection.execute("select pg_advisory_lock($1)", MIGRATING)
        return await _apply(connection, migrations or find_migrations())
    except asyncpg.LockNotAvailableError as error:
        raise ConfigurationError(
            f"Another process has been migrating the ledger, or using what is to be changed, for {patience:g} "
            "seconds. Wait until it is done, or end it, and migrate again."
        ) from error
    finally:
        await connection.close()


def require_server(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raise `ConfigurationError` when the server is older than memOS supports."""
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        raise ConfigurationError(
            f"PostgreSQL {version.major} is too old: memOS needs {OLDEST_SERVER} or newer. Upgrade the server."
        )


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migrations: Sequence[Migration]) -> list[str]:
    await connection.execute(CREATE_MIGRATIONS)
    rows = await connection.fetch("select name, checksum from schema_migrations")
    applied = {row["name"]: row["checksum"] for row in rows}
    _check(applied, migrations)
    missing = [migration for migration in migrations if migration.name not in applied]
    for migration in missing:
        async with connection.transaction():
            await connection.execute(migration.statements)
            await connection.execute(
                "insert into schema_migrations (name, checksum) values ($1, $2)",
                migration.name,
                migration.checksum,
            )
    return [migration.name for migration in missing]


def _check(applied: dict[str, bytes], migrations: Sequence[Migration]) -> None:
    known = {migration.name: migration.checksum for migration in migrations}
    if unknown := sorted(applied.keys() - known.keys()):
        raise ConfigurationError(
            f"The ledger has migrations that this version does not know ({', '.join(unknown)}): "
            "it was used by a newer memOS. Start that version or a newer one."
        )
    if changed := sorted(name for name in applied if applied[name] != known[name]):
        raise ConfigurationError(
            f"The migration {changed[0]} was changed after it had been applied. "
            "Restore the file and put the change into a new migration."
        )
