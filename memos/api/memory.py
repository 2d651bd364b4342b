"""The routes of memories."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response

from memos.api.examples import QUERIES
from memos.api.messages import WORKING, TierOutcome, store_message
from memos.api.requests import Asked, Exchange, json_response, problems
from memos.api.working_examples import TEXTS
from memos.errors import NotFound
from memos.events.commands import DEFAULT_AGENT
from memos.events.memories import (
    DeleteMemory,
    DeleteOutcome,
    GetHistory,
    GetMemory,
    IngestBatch,
    MemoriesFound,
    MemoryChanges,
    MemoryFound,
    MemoryHistory,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
    UpdateMemory,
)
from memos.events.texts import Identifier

EPISODIC = 2

AgentId = Annotated[Identifier, Query(description="The agent on whose behalf this is asked.")]
MemoryId = Annotated[UUID, Path(description="The memory's id.")]
ExpectedVersion = Annotated[int | None, Query(ge=1, description="Refuse unless the memory is at this version.")]


class StoreRequest(StoreMemory):
    """A text to remember; with `wait` false it is only put on the stream, and answered 202."""

    wait: bool = True

    def command(self) -> StoreMemory:
        """The command in this request."""
        return StoreMemory.model_construct(**{name: getattr(self, name) for name in StoreMemory.model_fields})


def memory_router() -> APIRouter:
    """Routes under `/memory` and `/ingest`; the static ones come before those with an id."""
    router = APIRouter(tags=["memory"])
    _add_static_routes(router.add_api_route)
    _add_id_routes(router.add_api_route)
    return router


def _add_static_routes(add: Callable[..., None]) -> None:
    post = partial(add, methods=["POST"])
    post("/memory/store", store, response_model=StoreOutcome, responses=_stored())
    post("/memory/store/batch", store_batch, response_model=StoreOutcomes, responses=problems())
    post("/memory/query", query, response_model=MemoriesFound, responses=problems())
    post("/ingest/batch", ingest, response_model=StoreOutcomes, responses=problems())
    post("/memory/{tier}/store", store_in_tier, response_model=TierOutcome, responses=_stored(404, 413))


def _add_id_routes(add: Callable[..., None]) -> None:
    path, changed = "/memory/{memory_id}", problems(404, 409)
    add(path, get, methods=["GET"], response_model=MemoryFound, responses=problems(404))
    add(path, update, methods=["PATCH"], response_model=MemoryFound, responses=changed)
    add(path, delete, methods=["DELETE"], response_model=DeleteOutcome, responses=changed)
    add(f"{path}/history", history, methods=["GET"], response_model=MemoryHistory, responses=problems(404))


async def store(body: StoreRequest, exchange: Asked) -> Response:
    """Remember a text."""
    return await _store(body, exchange)


async def store_batch(body: StoreMemories, exchange: Asked) -> Response:
    """Remember up to 100 texts; one outcome or problem each, in order."""
    return await exchange.answer(body)


async def store_in_tier(
    tier: Annotated[int, Path(ge=1, le=3)],
    body: Annotated[StoreRequest, Body(openapi_examples=TEXTS)],
    exchange: Asked,
) -> Response:
    """Remember a text in a tier: 1 is working memory, as a message of its session; 2 is episodic memory."""
    if tier == WORKING:
        return json_response(await store_message(body, exchange, wait=body.wait))
    if tier != EPISODIC:
        raise NotFound(
            f"Tier {tier} is not served by this version. Store in tier {WORKING}, working memory, or in tier "
            f"{EPISODIC}, episodic memory."
        )
    return await _store(body, exchange, status=200, tier=tier)


async def query(body: Annotated[QueryMemory, Body(openapi_examples=QUERIES)], exchange: Asked) -> Response:
    """Find the memories that answer a text best, by what they mean and by their words."""
    return await exchange.answer(body)


async def ingest(body: IngestBatch, exchange: Asked) -> Response:
    """Remember up to 256 passages of documents at low priority, shared by all agents."""
    return await exchange.answer(body)


async def get(memory_id: MemoryId, exchange: Asked, agent_id: AgentId = DEFAULT_AGENT) -> Response:
    """Read one memory."""
    return await exchange.answer(GetMemory(memory_id=memory_id, agent_id=agent_id))


async def update(
    memory_id: MemoryId,
    body: MemoryChanges,
    exchange: Asked,
    agent_id: AgentId = DEFAULT_AGENT,
    expected_version: ExpectedVersion = None,
) -> Response:
    """Change a memory; its former version is kept."""
    command = UpdateMemory.model_construct(
        memory_id=memory_id, agent_id=agent_id, changes=body, expected_version=expected_version
    )
    return await exchange.answer(command)


async def delete(memory_id: MemoryId, exchange: Asked, agent_id: AgentId = DEFAULT_AGENT) -> Response:
    """Forget a memory, even one whose store has not arrived yet."""
    return await exchange.answer(DeleteMemory(memory_id=memory_id, agent_id=agent_id))


async def history(memory_id: MemoryId, exchange: Asked, agent_id: AgentId = DEFAULT_AGENT) -> Response:
    """Read every version of a memory, oldest first."""
    return await exchange.answer(GetHistory(memory_id=memory_id, agent_id=agent_id))


async def _store(body: StoreRequest, exchange: Exchange, status: int = 202, **more: Any) -> Response:
    command = body.command()
    if body.wait:
        return await exchange.answer(command, **more)
    await exchange.post(command)
    outcome = StoreOutcome(
        memory_id=command.id or exchange.memory_id,
        status="queued",
        message=f"The memory is on the stream. Ask with Idempotency-Key {exchange.command_id} what became of it.",
    )
    return json_response({**outcome.model_dump(), **more}, status)


def _stored(*statuses: int) -> dict[int | str, dict[str, Any]]:
    queued = {"model": StoreOutcome, "description": "On the stream only; the answer with `wait` false."}
    return {202: queued, **problems(409, 410, *statuses)}
