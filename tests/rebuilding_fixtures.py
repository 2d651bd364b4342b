"""A ledger on which tests rebuild, with little patience."""

from uuid import uuid4

import pytest
from builders import Rooms
from conftest import Engines
from rebuilding import Site

from memos.stores.generations import PostgresGenerations


@pytest.fixture
def site(rooms: Rooms, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr("memos.projection.rebuild.LINGERING_SECONDS", 0.1)
    monkeypatch.setattr("memos.projection.verify.PAUSES", (0.01, 0.05))
    return Site(rooms, PostgresGenerations(rooms.pool, "memories"), engines, f"t{uuid4().hex}")
