"""The routes that delete many memories, and that purge what was deleted."""

from fastapi import APIRouter, Response

from memos.api.requests import Asked, problems
from memos.events.deletions import DeleteMemories, DeletionReceipt, PurgeMemories, PurgeReceipt


def deletions_router() -> APIRouter:
    """Routes under `/memory`, both without an effect unless the body says `dry_run` false."""
    router = APIRouter(tags=["memory"])
    add, failures = router.add_api_route, problems(409)
    add("/memory/delete", delete_many, methods=["POST"], response_model=DeletionReceipt, responses=failures)
    add("/memory/purge", purge, methods=["POST"], response_model=PurgeReceipt, responses=failures)
    return router


async def delete_many(body: DeleteMemories, exchange: Asked) -> Response:
    """Forget all memories that meet every condition, of whichever agent; by default only say which."""
    return await exchange.answer(body)


async def purge(body: PurgeMemories, exchange: Asked) -> Response:
    """Remove the content of deleted memories for good; by default only say how much that is."""
    return await exchange.answer(body)
