"""Memories, commands and ports for tests: complete unless told otherwise."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from noted import NotedAnswers

from memos.discovery import Catalogs
from memos.events.facts import FACTS
from memos.events.memories import MemoriesFound, QueryMemory, RecalledMemory, StoreMemory, StoreOutcome
from memos.handlers.memories.query import query_memory
from memos.handlers.memories.remember import Outcome
from memos.handlers.memories.store import store_memory
from memos.ports import Derived, Reranker, Vectors
from memos.projection.derived import DerivedVectors
from memos.projection.points import memories_collection
from memos.projection.projector import project, reproject, withdraw
from memos.records import (
    Change,
    Draft,
    Embedding,
    Memory,
    Origin,
    Point,
    Record,
    RecordKey,
    Stored,
    Vector,
    content_hash,
    memory_id_for,
)
from memos.stores.deletions import PostgresDeletions
from memos.stores.generations import PostgresGenerations
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import Pool
from memos.stores.projections import PostgresProjections
from memos.stores.tools import PostgresTools
from memos.testing import TwinVectors

MODEL = "words"
DIMENSION = 64
COLLECTION = memories_collection(MODEL, DIMENSION)


class WordsEmbedder:
    """Unit vectors of how often each word occurs, the words hashed to dimensions; notes what it was asked."""

    model = MODEL
    dimension = DIMENSION

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.asked.extend(texts)
        return [vector_of(text) for text in texts]


@dataclass(frozen=True)
class Rooms:
    """Every port, on a real ledger and with an in-memory vector engine unless told otherwise."""

    pool: Pool
    memories: PostgresMemories
    projections: PostgresProjections
    vectors: TwinVectors
    embedder: WordsEmbedder
    reranker: Reranker | None = None
    answers: NotedAnswers = field(default_factory=NotedAnswers)

    @property
    def ports(self) -> dict[str, Any]:
        """The ports of a handler that writes."""
        return {
            **self.engines,
            "memories": self.memories,
            "embedder": self.embedder,
            "answers": self.answers,
        }

    @property
    def deleting(self) -> dict[str, Any]:
        """The ports of a handler that deletes one memory."""
        return {"memories": self.memories, "derived": self.derived}

    @property
    def deleting_many(self) -> dict[str, Any]:
        """The ports of a handler that deletes or purges many."""
        return {"deletions": PostgresDeletions(self.pool), "derived": self.derived}

    @property
    def derived(self) -> list[Derived]:
        """What deletions reach beside the ledger."""
        return [DerivedVectors(self.vectors, self.projections)]

    @property
    def storing(self) -> dict[str, Any]:
        """The same and `ready`, which a handler that stores calls between embedding and writing."""
        return {**self.ports, "ready": lambda: None}

    @property
    def engines(self) -> dict[str, Any]:
        """The ports that a projector takes."""
        return {"vectors": self.vectors, "projections": self.projections}

    async def store(self, *commands: StoreMemory, origins: Sequence[Origin] | None = None) -> list[Outcome]:
        """Handle commands together."""
        senders = origins or [origin() for _ in commands]
        return await store_memory(commands, origins=senders, **self.storing)

    async def commit(self, *drafts: Draft) -> list[Stored]:
        """Store drafts in the ledger alone; each must succeed."""
        return [succeeded(outcome) for outcome in await self.memories.store(drafts)]

    async def remember(self, content: str, *, tenant: str = "default", **fields: Any) -> UUID:
        """Store one memory that is new and searchable; return its id."""
        command = StoreMemory(content=content, **fields)
        [outcome] = await self.store(command, origins=[origin(tenant=tenant)])
        assert isinstance(outcome, StoreOutcome)
        assert outcome.status == "stored"
        return outcome.memory_id

    async def query(self, query: str, *, tenant: str = "default", **fields: Any) -> MemoriesFound:
        """Answer a query."""
        return await query_memory(
            QueryMemory(query=query, **fields),
            origin=origin(tenant=tenant),
            memories=self.memories,
            vectors=self.vectors,
            projections=self.projections,
            embedder=self.embedder,
            reranker=self.reranker,
            catalogs=Catalogs(PostgresTools(self.pool), self.embedder, 1_000_000),
        )

    async def recalled(self, query: str, **fields: Any) -> list[str]:
        """The contents that answer a query, best first."""
        return [found.content for found in (await self.query(query, **fields)).memories.results]

    async def project(self, points: Sequence[Point], vectors: Vectors | None = None) -> None:
        await project(points, vectors=vectors or self.vectors, projections=self.projections)

    async def reproject(self, records: Sequence[RecordKey], vectors: Vectors | None = None) -> None:
        await reproject(records, vectors=vectors or self.vectors, projections=self.projections)

    async def withdraw(self, records: Sequence[RecordKey]) -> None:
        await withdraw(records, vectors=self.vectors, projections=self.projections)


async def rooms_on(pool: Pool) -> Rooms:
    """The ports on an empty, migrated ledger."""
    await PostgresGenerations(pool, COLLECTION.name).first("minilm", MODEL, DIMENSION)
    projections = PostgresProjections(pool, COLLECTION)
    return Rooms(pool, PostgresMemories(pool), projections, TwinVectors(COLLECTION), WordsEmbedder())


def vector_of(text: str) -> Vector:
    """The unit vector of a text's words."""
    counts = [0.0] * DIMENSION
    for word in text.lower().split() or [""]:
        counts[hashlib.sha256(word.encode()).digest()[0] % DIMENSION] += 1
    length = math.hypot(*counts)
    return [count / length for count in counts]


def origin(*, tenant: str = "default", source: str = "tests", command_id: str | None = None) -> Origin:
    """A sender; the command's id is new unless given."""
    return Origin(tenant, source, command_id or uuid4().hex)


def draft(content: str = "the sky is blue", *, of: Origin | None = None, **fields: Any) -> Draft:
    """A draft that the ledger stores; its digest follows from its fields."""
    sender = of or origin()
    complete: dict[str, Any] = {
        "memory_id": memory_id_for(sender.key),
        "agent_id": "ada",
        "visibility": "private",
        "kind": "episodic",
        "metadata": {},
        "tags": [],
        "importance": None,
        "source": None,
        "session_id": None,
        "sequence": None,
        "occurred_at": None,
        "expires_at": None,
        "embedding": Embedding(MODEL, vector_of(content), computed=True),
        **fields,
    }
    return Draft(origin=sender, digest=content_hash(ascii((content, fields))), content=content, **complete)


def memory() -> Memory:
    """What the ledger makes of `draft()`."""
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    return Memory(
        memory_id=UUID(int=1),
        agent_id="ada",
        visibility="private",
        kind="episodic",
        content="the sky is blue",
        metadata={},
        tags=[],
        importance=None,
        source=None,
        session_id=None,
        sequence=None,
        occurred_at=None,
        created_at=moment,
        updated_at=moment,
        expires_at=None,
        version=1,
        times_stored=1,
    )


def repeated(one: Draft, **fields: Any) -> Draft:
    """The same memory by another command."""
    return replace(one, **{"origin": origin(tenant=one.origin.tenant), **fields})


def change(memory_id: UUID, *, agent_id: str = "ada", of: Origin | None = None, **values: Any) -> Change:
    """A change of some fields of a memory."""
    expected = values.pop("expected_version", None)
    embedding = Embedding(MODEL, vector_of(values["content"]), computed=True) if "content" in values else None
    digest = content_hash(ascii((memory_id, agent_id, values, expected)))
    return Change(of or origin(), digest, memory_id, agent_id, values, expected, embedding)


def succeeded(outcome: object) -> Stored:
    """The outcome, which must not be an error."""
    assert isinstance(outcome, Stored), outcome
    return outcome


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    """What became of each memory: a status, or the code of an error."""
    return [outcome.status if isinstance(outcome, StoreOutcome) else outcome.code for outcome in outcomes]


def factors_of(found: RecalledMemory) -> dict[str, dict[str, float]]:
    """What made up the score of a result that explains itself: by name a value and its contribution."""
    factors: Any = (found.explanation or {})["factors"]
    return dict(factors)


def contributed(found: RecalledMemory) -> float:
    """What all factors of a result that explains itself add up to."""
    return sum(factor["contribution"] for factor in factors_of(found).values())


async def facts_in(pool: Pool) -> list[tuple[str, Record]]:
    """Every fact in order, its data read by its contract."""
    rows = await pool.fetch("select type, record_id, version, data from facts order by sequence")
    facts = [(row, FACTS[row["type"]].model_validate(row["data"])) for row in rows]
    for row, fact in facts:
        assert (fact.memory_id, fact.version) == (row["record_id"], row["version"])  # type: ignore[attr-defined]
    return [(row["type"], fact) for row, fact in facts]


async def count(pool: Pool, table: str) -> int:
    """How many rows a table has."""
    rows: int = await pool.fetchval(f"select count(*) from {table}")  # noqa: S608
    return rows
