"""The cache of answers on real engines, asked as handlers are, with ports of a test's own."""

from dataclasses import dataclass, field
from typing import Any

from builders import WordsEmbedder, origin
from chats import answer, request
from redis.asyncio import Redis

from memos.answering import Questions
from memos.events.answers import LookUpAnswer, StoreAnswer
from memos.handlers.answers.keeping import store_answer
from memos.handlers.answers.looking_up import look_up_answer
from memos.ports import Embedder, Provenance
from memos.records import CachePolicy
from memos.stores.answers import RedisAnswers
from memos.stores.postgres import Pool
from memos.stores.provenance import PostgresProvenance
from memos.stores.usage import RedisUsage

POLICY = CachePolicy(ttl=100, jitter=0, most_bytes=1_000_000, answer_bytes=100_000, eviction="lru")


@dataclass
class Answering:
    """A cache that asks the ledger and the embedder which a test gives it, or else ones that answer."""

    redis: Redis
    pool: Pool
    embedder: Embedder = field(default_factory=WordsEmbedder)

    def __post_init__(self) -> None:
        self.answers = RedisAnswers(self.redis, POLICY)
        self.questions = Questions(self.answers, 1_000_000)
        self.ledger = PostgresProvenance(self.pool)
        self.usage = RedisUsage(self.redis, 1)

    async def store(self, question: str, provenance: Provenance | None = None, **fields: Any) -> str:
        """What becomes of an answer to a question."""
        stored = await store_answer(
            StoreAnswer(request=request(question), answer=answer(), **fields),
            origin=origin(),
            answers=self.answers,
            provenance=provenance or self.ledger,
            usage=self.usage,
            embedder=self.embedder,
            cache_policy=POLICY,
        )
        return stored.status

    async def look_up(self, question: str, provenance: Provenance | None = None, **fields: Any) -> str:
        """What is found of an answer to a question."""
        found = await look_up_answer(
            LookUpAnswer(request=request(question), **fields),
            origin=origin(),
            answers=self.answers,
            provenance=provenance or self.ledger,
            usage=self.usage,
            questions=self.questions,
            embedder=self.embedder,
            cache_threshold=None,
        )
        return found.status
