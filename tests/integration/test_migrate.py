"""Migrations on a real PostgreSQL."""

import asyncio

import asyncpg
import pytest
from builders import origin
from pydantic import TypeAdapter

from memos.errors import ConfigurationError
from memos.events.tools import ToolId
from memos.records import ToolSelection, content_hash
from memos.stores.facts import PostgresFacts
from memos.stores.locks import MIGRATING
from memos.stores.migrate import Migration, find_migrations, migrate
from memos.stores.postgres import Pool, open_pool
from memos.stores.tools import PostgresTools

COLUMNS = """
select column_name, data_type, is_nullable, column_default, character_maximum_length
from information_schema.columns where table_name = 'registered_tools' order by ordinal_position
"""


async def test_every_migration_is_applied_once_and_in_order(empty_database: str) -> None:
    names = [migration.name for migration in find_migrations()]

    assert await migrate(empty_database) == names
    assert await migrate(empty_database) == []


async def test_two_processes_that_start_at_once_apply_each_migration_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))

    assert sorted(applied, key=len)[:3] == [[], [], []]
    assert max(applied, key=len) == [migration.name for migration in find_migrations()]


async def test_a_ledger_is_migrated_while_a_relay_works(pool: Pool, postgres_dsn: str) -> None:
    async with PostgresFacts(pool, postgres_dsn).placing() as relay:
        assert await relay.granted()
        assert await migrate(
            postgres_dsn, [*find_migrations(), Migration("9999_next", "select 1")], patience=1
        ) == ["9999_next"]
        assert await relay.place(1) == 0


@pytest.mark.parametrize("held", [f"select pg_advisory_xact_lock({MIGRATING})", "lock table facts"])
async def test_a_migration_that_is_held_up_is_given_up_in_one_line(postgres_dsn: str, held: str) -> None:
    migrations = [*find_migrations(), Migration("9999_next", "alter table facts add column colour text")]
    connection = await asyncpg.connect(postgres_dsn)
    try:
        async with connection.transaction():
            await connection.execute(held)
            with pytest.raises(
                ConfigurationError, match=r"^Another process .* 0\.1 seconds\. Wait until .*again\.$"
            ):
                await migrate(postgres_dsn, migrations, patience=0.1)
    finally:
        await connection.close()
    assert await migrate(postgres_dsn, migrations) == ["9999_next"]


async def test_a_migration_that_was_changed_after_it_was_applied_is_refused(empty_database: str) -> None:
    await migrate(empty_database, [Migration("0001_one", "create table one ()")])

    with pytest.raises(ConfigurationError, match="0001_one was changed after it had been applied"):
        await migrate(empty_database, [Migration("0001_one", "create table another ()")])


async def test_a_ledger_of_a_newer_version_is_refused(empty_database: str) -> None:
    await migrate(empty_database, [Migration("9999_future", "select 1")])

    with pytest.raises(ConfigurationError, match=r"9999_future.*newer memOS"):
        await migrate(empty_database)


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty_database: str) -> None:
    broken = Migration("0001_broken", "create table kept (); create table kept ()")

    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty_database, [broken])

    assert await migrate(empty_database, [Migration("0001_broken", "create table kept ()")]) == ["0001_broken"]


async def test_the_first_migration_makes_registered_tools_as_specified(empty_database: str) -> None:
    await migrate(empty_database, find_migrations()[:1])

    connection = await asyncpg.connect(empty_database)
    columns = [tuple(row) for row in await connection.fetch(COLUMNS)]
    indexes = await connection.fetch("select indexdef from pg_indexes where tablename = 'registered_tools'")
    await connection.close()

    assert columns == [
        ("id", "integer", "NO", "nextval('registered_tools_id_seq'::regclass)", None),
        ("tool_id", "character varying", "NO", None, 255),
        ("name", "character varying", "NO", None, 255),
        ("description", "text", "NO", None, None),
        ("endpoint_url", "character varying", "NO", None, 1024),
        ("request_schema", "jsonb", "YES", None, None),
        ("response_schema", "jsonb", "YES", None, None),
        ("required_capabilities", "ARRAY", "YES", None, None),
        ("created_at", "timestamp with time zone", "YES", "CURRENT_TIMESTAMP", None),
        ("updated_at", "timestamp with time zone", "YES", "CURRENT_TIMESTAMP", None),
    ]
    definitions = {row["indexdef"].split(" ON public.")[1] for row in indexes}
    assert definitions == {
        "registered_tools USING btree (id)",
        "registered_tools USING btree (tool_id)",
        "registered_tools USING btree (name)",
        "registered_tools USING gin (required_capabilities)",
    }


async def test_a_tool_id_is_unique_within_its_tenant_alone(postgres_dsn: str) -> None:
    insert = """
    insert into registered_tools (tenant, tool_id, name, description, endpoint_url) values ($1, 't', '', '', '')
    """
    connection = await asyncpg.connect(postgres_dsn)
    try:
        await connection.execute(insert, "a")
        await connection.execute(insert, "b")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(insert, "a")
    finally:
        await connection.close()


async def test_tools_of_a_former_version_are_found_by_readers_of_the_catalog(empty_database: str) -> None:
    migrations = find_migrations()
    await migrate(empty_database, [one for one in migrations if one.name < "0006"])
    async with open_pool(empty_database) as pool:
        await pool.execute(
            "insert into registered_tools (tenant, tool_id, name, description, endpoint_url) "
            "values ('ada', 'search', 'Search', 'finds', 'https://tools.test'), "
            "('ada', 'again', 'Search', 'finds', 'https://tools.test')"
        )
        await migrate(empty_database, migrations)

        changes = await PostgresTools(pool).changes("ada", 0)
        said = content_hash("Search: finds")
        texts = await PostgresTools(pool).texts("a model", "ada", [said])

    assert changes.revision == 1
    assert {(one.tool_id, one.tool and one.tool.version) for one in changes.tools} == {("search", 1), ("again", 1)}
    assert texts[said].text == "Search: finds"


async def test_tools_that_a_former_version_let_in_can_be_read_and_removed(empty_database: str) -> None:
    migrations = find_migrations()
    ids = ["Web Search", "Web_Search", "Web/Search", "../up", "", ".", "a\u2003b\\\x1f\x85c?#%", "x/" + "y" * 253]
    await migrate(empty_database, [one for one in migrations if one.name < "0006"])
    async with open_pool(empty_database) as pool:
        await pool.executemany(
            "insert into registered_tools "
            "(tool_id, name, description, endpoint_url, request_schema, response_schema, required_capabilities) "
            "values ($1, '', '', '', $2, $3, $4)",
            [(tool_id, [], 1, ["web", None, "a"]) for tool_id in ids]
            + [("plain", {"type": "object"}, {}, [["a", "b"], ["c", None]])],
        )
        await migrate(empty_database, migrations)
        tools = PostgresTools(pool)

        found = {one.tool_id: one for one in (await tools.page("default", ToolSelection(), "", 100)).tools}
        read = [one.tool_id for one in (await tools.changes("default", 0)).tools]
        removed = [await tools.deregister(origin(), b"", tool_id) for tool_id in found]

    assert {"plain", "Web_Search", "_._up", "a_b___c___", "x_" + "y" * 253} < found.keys()
    assert sorted(len(tool_id) for tool_id in found if tool_id.startswith("Web_Search_")) == [43, 43]
    assert sorted(len(tool_id) for tool_id in found if tool_id.startswith("__")) == [34, 34]
    assert sorted(read) == sorted(TypeAdapter(list[ToolId]).validate_python(list(found)))
    assert (len(found), all(one.found for one in removed)) == (len(ids) + 1, True)
    plain, up = found["plain"], found["_._up"]
    assert (plain.request_schema, plain.required_capabilities) == ({"type": "object"}, ["a", "b", "c"])
    assert (up.request_schema, up.response_schema, up.required_capabilities) == (None, None, ["web", "a"])
