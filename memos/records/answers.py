"""The LLM cache as it is kept: answers, what they were made from, and who computes one now."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

SourceKind = Literal["memory", "tool", "fact"]
Eviction = Literal["lru", "lfu"]
CallKind = Literal["chat", "embeddings"]
Looked = Literal["hit", "semantic", "miss", "pending"]
Unkept = Literal["no-room", "forgotten", "sources"]
"""Why an answer is not kept: it is too large, was forgotten while it was made, or has too many sources."""

SOURCE = r"^(memory|tool|fact):([^\x00-\x1f\x7f]{1,255}?)(?:@([1-9][0-9]{0,17}))?$"


class AnswerSource(NamedTuple):
    """What an answer was made from; without a `version`, whatever it is when it is first looked at."""

    kind: SourceKind
    id: str
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" + (f"@{self.version}" if self.version is not None else "")


def source_in(text: str) -> AnswerSource | None:
    """The source that a text such as `memory:<id>@3` names, the id of a memory in its one form; none if none."""
    if not (found := re.fullmatch(SOURCE, text)):
        return None
    kind, name, version = found.groups()
    if kind == "memory":
        try:
            name = str(UUID(name))
        except ValueError:
            return None
    return AnswerSource(kind, name, int(version) if version else None)  # type: ignore[arg-type]


class CachePolicy(NamedTuple):
    """How a tenant's answers are kept: seconds, a share of them, bytes, and what goes first when they are full."""

    ttl: int
    jitter: float
    most_bytes: int
    answer_bytes: int
    eviction: Eviction


class CallUsage(NamedTuple):
    """What a call of a model cost: tokens, and seconds at the server."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class AnswerDraft(NamedTuple):
    """An answer to be kept under a key.

    With a `question`, whose `vector` of float32 in bytes was made by `embedding_model`, questions like it in the
    same `context` find it too.
    """

    key: str
    kind: CallKind
    document: bytes
    usage: CallUsage
    ttl: int | None
    sources: Sequence[AnswerSource]
    context: str | None = None
    question: str | None = None
    vector: bytes | None = None
    embedding_model: str | None = None


class KeptAnswer(NamedTuple):
    """An answer that is kept, as JSON in UTF-8."""

    key: str
    document: bytes
    usage: CallUsage
    sources: Sequence[AnswerSource]
    created_at: datetime
    expires_at: datetime


class LookedUp(NamedTuple):
    """What is kept under a key. `leased` is true for who is to compute the answer, `pending` while another does.

    Where nothing is kept, `moment` is when that was so, in microseconds of the cache's clock.
    """

    answer: KeptAnswer | None
    leased: bool = False
    pending: bool = False
    moment: int | None = None


class KeptQuestion(NamedTuple):
    """A question that an answer is kept for, with its vector of float32; `revision` orders them as they came."""

    revision: int
    key: str
    question: str
    vector: bytes


class CacheSize(NamedTuple):
    """How much a tenant's cache holds."""

    entries: int
    bytes: int
    questions: int
    evicted: int


class Call(NamedTuple):
    """A call to be counted: whose, and what became of it. `shared` counts those who got the same answer.

    With `none` there was no call, and only those who shared are counted.
    """

    agent_id: str
    kind: CallKind
    outcome: Literal["hit", "semantic", "miss", "error", "none"]
    usage: CallUsage
    shared: Mapping[str, int] = {}


class DayUsage(NamedTuple):
    """What was counted of a day, a model, an agent and a kind of call: numbers by name.

    Those that were never counted are absent. The names are `hits`, `semantic_hits`, `misses`, `errors`,
    `calls`, `prompt_tokens`, `completion_tokens` and `upstream_seconds` of calls of the server, which are fewer
    than misses and errors where some shared an error, and `saved_prompt_tokens`, `saved_completion_tokens` and
    `saved_seconds` of hits of both kinds.
    """

    day: date
    model: str
    agent_id: str
    kind: CallKind
    counts: Mapping[str, float]


class Price(NamedTuple):
    """What a million tokens cost; none where it is not known."""

    prompt: float | None
    completion: float | None


def price_of(model: str, prices: Mapping[str, Any]) -> Price | None:
    """The price of a model: of its name, or of the longest name in the table that its own begins with."""
    names = [name for name in prices if model == name or model.startswith(f"{name}-")]
    return prices[max(names, key=len)] if names else None
