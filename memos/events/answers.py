"""The LLM cache: looking answers up, storing and forgetting them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.texts import Identifier, storable_json
from memos.events.working import Ttl
from memos.records import Looked, source_in

MOST_SOURCES = 1000
MOST_FORGOTTEN = 1000
MOST_DEPTH = 64
LONGEST_LEASE = 600

KEY = r"^[0-9a-f]{64}$"


def _deep(value: Any) -> Any:
    return storable_json(value, most=MOST_DEPTH)


def _source(text: str) -> str:
    if source_in(text) is None:
        raise PydanticCustomError(
            "source", "must be memory:<id>, tool:<id> or fact:<id>, with @<version> behind it where that is known"
        )
    return text


def _chat(request: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no OpenAI-compatible server would take as a request for a chat completion."""
    if not isinstance(request.get("model"), str) or not request["model"]:
        raise PydanticCustomError("no_model", "must have a model, which is a text")
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise PydanticCustomError("no_messages", "must have messages, a list of objects")
    return request


ChatRequest = Annotated[dict[str, Any], BeforeValidator(_deep), AfterValidator(_chat)]
DeepObject = Annotated[dict[str, Any], BeforeValidator(_deep)]
ChatAnswer = DeepObject
AnswerKey = Annotated[str, Field(pattern=KEY, description="The key of an answer: SHA-256 in hexadecimal.")]
SourceText = Annotated[str, AfterValidator(_source)]
Sources = Annotated[
    list[SourceText],
    Field(max_length=MOST_SOURCES, description="What went into the answer: when it changes, the answer goes."),
]
Upstream = Annotated[str, Field(max_length=2048, description="The server that answers; its answers are its own.")]
LeaseSeconds = Annotated[float, Field(gt=0, le=LONGEST_LEASE)]
Tokens = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, description="How long the server took.")]
Shared = Annotated[
    dict[Identifier, Annotated[int, Field(ge=1)]],
    Field(description="By agent, how many got the very same without a call of their own."),
]
Moment = Annotated[
    int, Field(ge=0, lt=2**53, description="A microsecond of the cache's own clock, as a look-up told it.")
]


class OfChat(Command):
    """What every command on one answer of a model names: the request to the model, whole.

    Everything in `request` that changes the answer is part of the key; what does not is `stream`,
    `stream_options`, `user`, `metadata`, `store`, `service_tier`, `safety_identifier` and `prompt_cache_…`.
    """

    request: ChatRequest
    upstream: Upstream = ""
    agent_id: Identifier = DEFAULT_AGENT


class LookUpAnswer(OfChat):
    """Look for the answer to a request.

    With `semantic`, one to a question that asks the same, in the same surroundings, is an answer too. With
    `lease_seconds`, the first who finds none is given a lease, and is to send `StoreAnswer` or `ReleaseAnswer`
    with it; others are told that an answer is `pending`. With `refresh` what is kept is not looked at.
    """

    semantic: bool = False
    threshold: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Least likeness of another question; by default as the settings say."
    )
    max_age: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Most seconds that it is old.")
    min_fresh: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Least seconds that it is to be kept yet."
    )
    refresh: bool = False
    lease_seconds: LeaseSeconds | None = None
    sources: Sources = []


class AnswerLookedUp(Reply):
    """What was found: the answer as it was stored, if any, with its own `key` and `sources`.

    A hit was made from all sources that the command names, at whatever version they were read, or else it is none.
    `sources` of a miss are those of the command, each with the version that it has now, and `moment` is when it was
    looked for: give both with the answer, so that it is not kept when one changes, or when answers like it are
    forgotten, while it is made. `asked` is the question that a semantic answer is
    of, and `likeness` how like it is; `refused` says why a near one was not taken.
    """

    status: Looked
    key: str
    answer: dict[str, Any] | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    lease: str | None = None
    asked: str | None = None
    likeness: float | None = None
    refused: str | None = None
    sources: list[str] = []
    moment: Moment | None = None


class StoreAnswer(OfChat):
    """Keep the answer to a request, count the call, and give the lease back.

    `moment` is that of the look-up which found none: what was forgotten since then is not kept. Without it the call
    is taken to have begun `seconds` before it is stored. An answer in place of another has the sources of both.
    """

    answer: ChatAnswer
    ttl: Ttl | None = None
    semantic: bool = False
    sources: Sources = []
    lease: Identifier | None = None
    moment: Moment | None = None
    seconds: Seconds = 0.0
    shared: Shared = {}


class AnswerStored(Reply):
    """Whether an answer is kept, until when, and if not, why."""

    success: Literal[True] = True
    key: str
    status: Literal["stored", "not-stored"]
    expires_at: datetime | None
    message: str


class ReleaseAnswer(OfChat):
    """Say that no answer will be stored: give the lease back, and count the call, if there was one."""

    lease: Identifier | None = None
    outcome: Literal["miss", "error", "none"] = "error"
    prompt_tokens: Tokens = 0
    completion_tokens: Tokens = 0
    seconds: Seconds = 0.0
    shared: Shared = {}


class AnswerReleased(Reply):
    """The lease is another's to take."""

    success: Literal[True] = True
    key: str


class RenewLease(Command):
    """Keep a lease for some seconds more, while the answer is being made."""

    key: AnswerKey
    lease: Identifier
    lease_seconds: LeaseSeconds = 30.0


class LeaseRenewed(Reply):
    """Whether the lease is still held; if not, another makes the answer too."""

    held: bool


class ForgetAnswers(Command):
    """Forget cached answers: by `keys`, those made from any of `sources`, those of a `model`, or `everything`.

    Those of them that are being made now are not kept when they come.
    """

    keys: Annotated[list[AnswerKey], Field(min_length=1, max_length=MOST_FORGOTTEN)] | None = None
    sources: Annotated[list[SourceText], Field(min_length=1, max_length=MOST_SOURCES)] | None = None
    model: Identifier | None = None
    everything: bool = False

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if sum((self.keys is not None, self.sources is not None, self.model is not None, self.everything)) != 1:
            raise PydanticCustomError("which", "must have exactly one of keys, sources, model and everything")
        return self


class AnswersForgotten(Reply):
    """How many answers were forgotten; those that were being made are not counted."""

    success: Literal[True] = True
    forgotten: int


class ReadCache(Command):
    """Read how much the tenant's cache holds."""


class CacheRead(Reply):
    """What the cache holds, and may hold; `questions` are those that semantic hits are looked for among."""

    entries: int
    bytes: int
    most_bytes: int
    answer_bytes: int
    questions: int
    evicted: int
    eviction: str
    ttl: int
