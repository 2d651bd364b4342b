"""Fixtures of tests that need every port: one ledger for all of them, emptied before each."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from builders import COLLECTION, Rooms, rooms_on
from conftest import Engines, execute, with_database

from memos.ports import Vectors
from memos.stores.edge import open_edge
from memos.stores.postgres import Pool, open_pool

TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'"


@pytest.fixture(scope="session")
async def shared_ledger(engines: Engines, template: str) -> AsyncIterator[Pool]:
    name = f"memos_shared_{uuid4().hex[:8]}"
    await execute(engines.postgres_dsn, f"create database {name} template {template}")
    async with open_pool(with_database(engines.postgres_dsn, name)) as connections:
        yield connections
    await execute(engines.postgres_dsn, f"drop database {name} with (force)")


@pytest.fixture
async def rooms(shared_ledger: Pool) -> Rooms:
    tables = await shared_ledger.fetch(TABLES)
    await shared_ledger.execute(";".join(f"delete from {table}" for (table,) in tables))  # noqa: S608
    return await rooms_on(shared_ledger)


@pytest.fixture
async def edge(engines: Engines) -> AsyncIterator[Vectors]:
    """A collection of the real embedded vector engine."""
    collection = replace(COLLECTION, name=f"t{uuid4().hex}")
    async with open_edge(engines.edge_socket, collection) as opened:
        yield opened


@pytest.fixture(params=["edge", "twin"])
def both(request: pytest.FixtureRequest, rooms: Rooms) -> Rooms:
    """The ports with the real embedded vector engine, and with its twin."""
    return replace(rooms, vectors=request.getfixturevalue("edge")) if request.param == "edge" else rooms
