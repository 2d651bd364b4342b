"""The engines that make and keep vectors: which ones the settings name, and which one the ledger asks for."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from memos.errors import ConfigurationError, ModelMismatch
from memos.ports import Embedder, Reranker, Vectors
from memos.projection.points import collection_of
from memos.records import Collection, Generation
from memos.settings import Settings
from memos.stores.edge import open_edge
from memos.stores.generations import PostgresGenerations

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_embedder(settings: Settings) -> AsyncIterator[Embedder]:
    """The embedder that the settings name."""
    if settings.embedder == "openai":
        from memos.embeddings.openai_compatible import open_openai_compatible

        if not settings.embedding_model:
            raise ConfigurationError("MEMOS_EMBEDDER is openai, so MEMOS_EMBEDDING_MODEL must name its model.")
        async with open_openai_compatible(
            settings.embedding_url,
            settings.embedding_model,
            dimension=settings.embedding_dimension,
            api_key=settings.embedding_api_key,
            timeout=settings.embedding_timeout,
        ) as remote:
            yield remote
    else:
        from memos.embeddings.minilm import MiniLM

        async with MiniLM(threads=settings.embedding_threads or None) as embedded:
            yield embedded


@asynccontextmanager
async def open_reranker(settings: Settings) -> AsyncIterator[Reranker | None]:
    """The second stage of ranking that the settings name; none by default."""
    if settings.rerank_url is None:
        yield None
        return
    from memos.embeddings.rerank import RerankServer, open_remote_reranker

    server = RerankServer(
        settings.rerank_url,
        api=settings.rerank_api,
        model=settings.rerank_model,
        api_key=settings.rerank_api_key,
        timeout=settings.rerank_timeout,
        top=settings.rerank_top,
        characters=settings.rerank_characters,
    )
    async with open_remote_reranker(server) as remote:
        yield remote


@asynccontextmanager
async def open_vectors(settings: Settings, collection: Collection, *, make: bool = True) -> AsyncIterator[Vectors]:
    """The vector engine that the settings name: a Qdrant server, or the Edge process."""
    if settings.qdrant_url:
        from memos.stores.qdrant import open_qdrant

        async with open_qdrant(settings.qdrant_url, settings.qdrant_api_key, collection, make=make) as server:
            yield server
    elif settings.edge_socket:
        async with open_edge(settings.edge_socket, collection, make=make) as edge:
            yield edge
    else:
        raise ConfigurationError(
            f"No memOS runs in {settings.home}, and MEMOS_QDRANT_URL is not set. "
            "Start one with `memos up`, or set the variable."
        )


@asynccontextmanager
async def open_generation(
    settings: Settings, generation: Generation, *, make: bool = True
) -> AsyncIterator[Vectors]:
    """The vectors of one generation of the memories, made if missing unless it may not be."""
    async with open_vectors(settings, collection_of(generation), make=make) as vectors:
        yield vectors


async def current_generation(
    settings: Settings, generations: PostgresGenerations, stack: AsyncExitStack
) -> tuple[Generation, Embedder]:
    """The generation that queries are answered from, and an embedder of its model.

    The first is begun with the settings' model. Raises `ModelMismatch` when they name one that the ledger
    does not know.
    """
    if current := await generations.current():
        settings = following(settings, current, await generations.known())
    embedder = await stack.enter_async_context(open_embedder(settings))
    if current is None:
        current = await generations.first(settings.embedder, embedder.model, embedder.dimension)
    if (embedder.model, embedder.dimension) != (current.model, current.dimension):
        raise mismatch(current, f"{embedder.model} ({embedder.dimension})")
    return current, embedder


def following(settings: Settings, current: Generation, known: Sequence[Generation]) -> Settings:
    """The settings with the embedder of the current generation, wherever they say it is reached.

    Raises `ModelMismatch` unless they name its model, or one that was current before or is to be current next.
    """
    if not names(settings, current):
        if not any(names(settings, one) for one in known if one.retired_at or not one.dropped_at):
            raise mismatch(current, named(settings))
        log.warning(
            "The settings name %s, but the memories are embedded with %s now, which is used; "
            "set MEMOS_EMBEDDER=%s and MEMOS_EMBEDDING_MODEL=%s, or move them with `memos rebuild`",
            named(settings),
            current.model,
            current.embedder,
            current.model,
        )
    made_by = {"embedder": current.embedder, "embedding_model": current.model}
    return settings.model_copy(update={**made_by, "embedding_dimension": current.dimension})


def names(settings: Settings, generation: Generation) -> bool:
    """Whether the settings name the embedder of a generation; a dimension of 0 may be any."""
    if settings.embedder != generation.embedder:
        return False
    asked = (settings.embedding_model, settings.embedding_dimension or generation.dimension)
    return settings.embedder == "minilm" or asked == (generation.model, generation.dimension)


def named(settings: Settings) -> str:
    """The model that the settings name, as errors call it."""
    dimension = f" ({settings.embedding_dimension})" if settings.embedding_dimension else ""
    return f"{settings.embedding_model or settings.embedder}{dimension}"


def mismatch(current: Generation, wanted: str) -> ModelMismatch:
    """The error for settings that name a model which the memories were never embedded with."""
    return ModelMismatch(
        f"The memories of this ledger are embedded with {current.model} ({current.dimension} dimensions), but the "
        f"settings name {wanted}. Start with MEMOS_EMBEDDER={current.embedder} and "
        f"MEMOS_EMBEDDING_MODEL={current.model}, and then run `memos rebuild` with the new settings to move them."
    )
