"""The cache of language models' answers, and what calls cost, as methods: `client.llm`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Unpack

from memos.client.options import (
    AnsweringOptions,
    CountingOptions,
    EmbeddingOptions,
    KeepingOptions,
    LookUpOptions,
    ReleaseOptions,
)
from memos.client.sending import Sender, build
from memos.client.single_flight import Compute, SingleFlight
from memos.events.answers import (
    AnswerLookedUp,
    AnswerReleased,
    AnswersForgotten,
    AnswerStored,
    CacheRead,
    ForgetAnswers,
    LeaseRenewed,
    LookUpAnswer,
    ReadCache,
    ReleaseAnswer,
    RenewLease,
    StoreAnswer,
)
from memos.events.embeddings import (
    CountEmbeddings,
    EmbeddingsCounted,
    EmbeddingsLookedUp,
    EmbeddingsStored,
    LookUpEmbeddings,
    StoreEmbeddings,
)
from memos.events.usage import By, ReadUsage, UsageRead

Request = Mapping[str, Any]
"""A request for a chat completion, as an OpenAI-compatible server takes it."""


class Llm:
    """Keeps answers of language models and finds them again, and tells what calls cost.

    Agents that call a model by themselves use `answered`, which does what `look_up`, `store`, `renew` and
    `release` are for. Every method raises what those of `Client` do.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def answered(
        self, request: Request, compute: Compute, **options: Unpack[AnsweringOptions]
    ) -> AnswerLookedUp:
        """The answer to a request: one that is kept, or else what `compute` returns, which is kept then.

        `compute` calls the model and returns its answer as a mapping. Of all who ask the same at once, in whichever
        process, one computes and the others wait for its answer; if that fails or is cancelled, another computes.
        What `compute` raises is raised to whoever it was called for. Where the cache is out of reach the answer is
        computed without it.
        """
        return await SingleFlight(self, request, compute, options).answer()

    async def look_up(self, request: Request, **options: Unpack[LookUpOptions]) -> AnswerLookedUp:
        """What is kept for a request; `options` are the other fields of `LookUpAnswer`."""
        return await self._sender.send(build(LookUpAnswer, request=request, **options), AnswerLookedUp)

    async def store(
        self,
        request: Request,
        answer: Mapping[str, Any],
        *,
        command_id: str | None = None,
        **options: Unpack[KeepingOptions],
    ) -> AnswerStored:
        """Keep the answer to a request, and count the call; `options` are the other fields of `StoreAnswer`."""
        command = build(StoreAnswer, request=request, answer=answer, **options)
        return await self._sender.send(command, AnswerStored, command_id)

    async def renew(self, key: str, lease: str, *, lease_seconds: float = 30.0) -> LeaseRenewed:
        """Keep the lease of the answer under a key for some seconds more."""
        command = build(RenewLease, key=key, lease=lease, lease_seconds=lease_seconds)
        return await self._sender.send(command, LeaseRenewed)

    async def release(
        self,
        request: Request,
        *,
        command_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[ReleaseOptions],
    ) -> AnswerReleased:
        """Give a lease back without an answer; `options` are the other fields of `ReleaseAnswer`."""
        command = build(ReleaseAnswer, request=request, **options)
        return await self._sender.send(command, AnswerReleased, command_id, timeout=timeout)

    async def forget(
        self,
        *,
        keys: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
        model: str | None = None,
        everything: bool = False,
        command_id: str | None = None,
    ) -> AnswersForgotten:
        """Forget cached answers: under `keys`, made from any of `sources`, of a `model`, or, if it says so, all."""
        command = build(ForgetAnswers, keys=keys, sources=sources, model=model, everything=everything)
        return await self._sender.send(command, AnswersForgotten, command_id)

    async def cache(self) -> CacheRead:
        """How much the cache holds."""
        return await self._sender.send(ReadCache(), CacheRead)

    async def look_up_embeddings(
        self, model: str, inputs: Sequence[str | Sequence[int]], **options: Unpack[EmbeddingOptions]
    ) -> EmbeddingsLookedUp:
        """The embeddings of inputs that are kept, in order, and none for each of the others."""
        command = build(LookUpEmbeddings, model=model, inputs=inputs, **options)
        return await self._sender.send(command, EmbeddingsLookedUp)

    async def store_embeddings(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        embeddings: Sequence[Sequence[float] | str],
        *,
        prompt_tokens: int = 0,
        seconds: float = 0.0,
        shared: Mapping[str, int] | None = None,
        command_id: str | None = None,
        **options: Unpack[EmbeddingOptions],
    ) -> EmbeddingsStored:
        """Keep the embeddings of inputs, one each, and count the call, which others may have `shared`."""
        made = {"model": model, "inputs": inputs, "embeddings": embeddings}
        spent = {"prompt_tokens": prompt_tokens, "seconds": seconds, "shared": shared or {}}
        command = build(StoreEmbeddings, **made, **spent, **options)
        return await self._sender.send(command, EmbeddingsStored, command_id)

    async def count_embeddings(
        self, model: str, *, command_id: str | None = None, **options: Unpack[CountingOptions]
    ) -> EmbeddingsCounted:
        """Count a call for embeddings of which none are kept; `options` are the fields of `CountEmbeddings`."""
        command = build(CountEmbeddings, model=model, **options)
        return await self._sender.send(command, EmbeddingsCounted, command_id)

    async def usage(
        self,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        by: Sequence[By] = ("day", "model", "agent_id", "kind"),
        **selection: Any,
    ) -> UsageRead:
        """What calls cost and hits saved, by default in the last seven days (UTC), added up `by` what is named.

        `selection` can have `model`, `agent_id` and `kind`.
        """
        return await self._sender.send(build(ReadUsage, since=since, until=until, by=by, **selection), UsageRead)
