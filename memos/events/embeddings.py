"""Cached embeddings: looking them up input by input, keeping them, and counting calls."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from memos.events.answers import DeepObject, Seconds, Shared, Tokens, Upstream
from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.texts import Identifier

MOST_INPUTS = 2048


class OfEmbeddings(Command):
    """What commands on embeddings in the cache name: a model, the other fields of the request, and its inputs."""

    model: Identifier
    options: DeepObject = {}
    upstream: Upstream = ""
    agent_id: Identifier = DEFAULT_AGENT
    inputs: Annotated[list[str | list[int]], Field(min_length=1, max_length=MOST_INPUTS)]


class LookUpEmbeddings(OfEmbeddings):
    """Look for the embeddings of inputs, one by one."""


class EmbeddingsLookedUp(Reply):
    """The embeddings that are kept, as the server gave them; `null` for inputs that it is to be asked about.

    When all are kept a hit is counted, which saved `saved_prompt_tokens`; else these are 0, and the call for those
    that are missing is to be counted by `StoreEmbeddings` or `CountEmbeddings`.
    """

    results: list[list[float] | str | None]
    saved_prompt_tokens: int = 0


class StoreEmbeddings(OfEmbeddings):
    """Keep the embeddings of inputs, one each, and count the call as a miss, and as hits of those who shared it.

    Those of a model that was forgotten within the last `seconds` are not kept, and the call counts all the same.
    """

    embeddings: list[list[float] | str]
    prompt_tokens: Tokens = 0
    seconds: Seconds = 0.0
    shared: Shared = {}

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len(self.embeddings) != len(self.inputs):
            raise PydanticCustomError("one_each", "must have as many embeddings as inputs")
        return self


class EmbeddingsStored(Reply):
    """How many embeddings are kept."""

    success: Literal[True] = True
    stored: int


class CountEmbeddings(Command):
    """Count a call for embeddings of which none are kept, since it failed (`error`) or they are not to be (`miss`).

    Those who shared count as hits of so many tokens, or the same error. With `none` there was no call, and only
    those who shared are counted: in a hit, whose tokens `EmbeddingsLookedUp` says.
    """

    model: Identifier
    agent_id: Identifier = DEFAULT_AGENT
    outcome: Literal["miss", "error", "none"] = "error"
    prompt_tokens: Tokens = 0
    seconds: Seconds = 0.0
    shared: Shared = {}


class EmbeddingsCounted(Reply):
    """The call is counted."""

    success: Literal[True] = True
