"""Every engine behind the port `Vectors`, each in turn, with an empty collection."""

import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from edge_process import EdgeServer
from qdrant_client import AsyncQdrantClient
from vector_engines import INDEXES, Engine, open_imitation

from memos.ports import Vectors
from memos.records import Collection
from memos.stores.edge import open_edge
from memos.stores.qdrant import open_qdrant
from memos.testing import TwinMemory, open_twin

QDRANT_URL = os.environ.get("MEMOS_TEST_QDRANT_URL")
QDRANT_API_KEY = os.environ.get("MEMOS_TEST_QDRANT_API_KEY")


@pytest.fixture(scope="session")
def contract_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeServer]:
    server = EdgeServer(tmp_path_factory.mktemp("edge"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["twin", "edge", "imitation", "server"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "twin":
        kept: TwinMemory = {}
        return Engine(lambda collection: open_twin(collection, kept=kept))
    if request.param == "edge":
        socket = request.getfixturevalue("contract_edge").socket
        return Engine(lambda collection: open_edge(socket, collection))
    if request.param == "imitation":
        client = AsyncQdrantClient(":memory:")
        return Engine(lambda collection: open_imitation(client, collection))
    if not QDRANT_URL:
        pytest.skip("MEMOS_TEST_QDRANT_URL names no Qdrant server")
    return Engine(lambda collection: open_qdrant(QDRANT_URL, QDRANT_API_KEY, collection))


@pytest.fixture
def collection() -> Collection:
    return Collection(f"t{uuid4().hex}", "model-a", 4, INDEXES)


@pytest.fixture
async def vectors(engine: Engine, collection: Collection) -> AsyncIterator[Vectors]:
    async with engine.open(collection) as opened:
        yield opened
