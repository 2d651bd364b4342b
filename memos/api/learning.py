"""The routes of learning."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from memos.api.learning_examples import LEARNINGS
from memos.api.requests import Asked, json_response, problems
from memos.events.commands import Reply
from memos.events.learning import LearningRecorded, LearningsListed, ListLearnings, RecordLearning
from memos.records import learning_id_for


class LearningRequest(RecordLearning):
    """How a task ended, and what was learned; with `wait` false it is only put on the stream, and answered 202."""

    wait: bool = True

    def command(self) -> RecordLearning:
        """The command in this request."""
        return RecordLearning.model_construct(
            **{name: getattr(self, name) for name in self.model_fields_set & RecordLearning.model_fields.keys()}
        )


class LearningQueued(Reply):
    """What was learned is on the stream, and in the ledger as soon as a worker has read it."""

    success: Literal[True] = True
    learning_id: UUID
    status: Literal["queued"] = "queued"
    message: str


def learning_router() -> APIRouter:
    """Routes under `/learning`."""
    router = APIRouter(tags=["learning"])
    add, path = router.add_api_route, "/learning"
    queued = {"model": LearningQueued, "description": "On the stream only; the answer with `wait` false."}
    responses = {202: queued, **problems(409)}
    add(path, record, methods=["POST"], response_model=LearningRecorded, responses=responses)
    add(path, list_page, methods=["GET"], response_model=LearningsListed, responses=problems(404))
    return router


async def record(body: Annotated[LearningRequest, Body(openapi_examples=LEARNINGS)], exchange: Asked) -> Response:
    """Tell how a task ended, what was learned, and what of memory and tools helped.

    One result or problem comes back for each lesson, memory and tool, in order.
    """
    if body.wait:
        return await exchange.answer(body.command())
    await exchange.post(body.command())
    queued = LearningQueued(
        learning_id=learning_id_for(exchange.key),
        message=f"It is on the stream. Ask with Idempotency-Key {exchange.command_id} what became of it.",
    )
    return json_response(queued, 202)


async def list_page(selection: Annotated[ListLearnings, Query()], exchange: Asked) -> Response:
    """Read what agents told of their tasks, the newest first, a page at a time."""
    return await exchange.answer(selection)
