"""The routes of tools."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Query, Response

from memos.api.requests import Asked, json_response, problems
from memos.api.tool_examples import DISCOVERIES, OUTCOMES, REGISTRATIONS
from memos.events.commands import Reply
from memos.events.tools import (
    DeregisterOutcome,
    DeregisterTool,
    DiscoverTools,
    GetTool,
    ListTools,
    OutcomeRecorded,
    OutcomesRecorded,
    RegisterOutcome,
    RegisterOutcomes,
    RegisterTool,
    RegisterTools,
    ToolFound,
    ToolId,
    ToolOutcome,
    ToolOutcomes,
    ToolsFound,
    ToolsListed,
)
from memos.records import SpecFormat

Id = Annotated[ToolId, Path(description="The tool's id.")]
Format = Annotated[SpecFormat | None, Query(description="In whose form to add the tool's `spec`.")]


class OutcomeRequest(ToolOutcome):
    """What became of a call; with `wait` false it is only put on the stream, and answered 202."""

    wait: bool = True

    def command(self) -> ToolOutcome:
        """The command in this request."""
        return ToolOutcome.model_construct(
            **{name: getattr(self, name) for name in self.model_fields_set & ToolOutcome.model_fields.keys()}
        )


class OutcomeQueued(Reply):
    """An outcome is on the stream, and in the ledger as soon as a worker has read it."""

    success: Literal[True] = True
    tool_id: str
    status: Literal["queued"] = "queued"
    message: str


def tools_router() -> APIRouter:
    """Routes under `/tools`; the static ones come before those with an id."""
    router = APIRouter(tags=["tools"])
    _add_static_routes(router.add_api_route)
    _add_id_routes(router.add_api_route)
    return router


def _add_static_routes(add: Callable[..., None]) -> None:
    post, conflicts = partial(add, methods=["POST"]), problems(409)
    recorded = {202: {"model": OutcomeQueued, "description": "On the stream only; the answer with `wait` false."}}
    post("/tools/register", register, response_model=RegisterOutcome, responses=conflicts)
    post("/tools/register/batch", register_batch, response_model=RegisterOutcomes, responses=conflicts)
    post("/tools/discover", discover, response_model=ToolsFound, responses=problems())
    post("/tools/outcomes", report, response_model=OutcomeRecorded, responses={**recorded, **problems(404, 409)})
    post("/tools/outcomes/batch", report_batch, response_model=OutcomesRecorded, responses=conflicts)
    add("/tools", list_page, methods=["GET"], response_model=ToolsListed, responses=problems())


def _add_id_routes(add: Callable[..., None]) -> None:
    path, responses = "/tools/{tool_id}", problems(404)
    add(path, get, methods=["GET"], response_model=ToolFound, responses=responses)
    add(path, deregister, methods=["DELETE"], response_model=DeregisterOutcome, responses=problems(409))


async def register(
    body: Annotated[RegisterTool, Body(openapi_examples=REGISTRATIONS)], exchange: Asked
) -> Response:
    """Make a tool known, or change it: the definition takes the place of the one that its id had before."""
    return await exchange.answer(body)


async def register_batch(body: RegisterTools, exchange: Asked) -> Response:
    """Make up to 256 tools known at low priority; one outcome or problem each, in order."""
    return await exchange.answer(body)


async def discover(body: Annotated[DiscoverTools, Body(openapi_examples=DISCOVERIES)], exchange: Asked) -> Response:
    """Find the tools for a task, or with capabilities, or both."""
    return await exchange.answer(body)


async def report(body: Annotated[OutcomeRequest, Body(openapi_examples=OUTCOMES)], exchange: Asked) -> Response:
    """Tell what became of a call of a tool: discovery learns from it for which tasks the tool is right."""
    if body.wait:
        return await exchange.answer(body.command())
    await exchange.post(body.command())
    message = f"The outcome is on the stream. Ask with Idempotency-Key {exchange.command_id} what became of it."
    return json_response(OutcomeQueued(tool_id=body.tool_id, message=message), 202)


async def report_batch(body: ToolOutcomes, exchange: Asked) -> Response:
    """Tell what became of up to 256 calls; one record or problem each, in order."""
    return await exchange.answer(body)


async def list_page(selection: Annotated[ListTools, Query()], exchange: Asked) -> Response:
    """Read the tools in the order of their ids, a page at a time."""
    return await exchange.answer(selection)


async def get(tool_id: Id, exchange: Asked, format: Format = None) -> Response:  # noqa: A002
    """Read one tool; with `format` also as a model's provider wants it."""
    return await exchange.answer(GetTool(tool_id=tool_id, format=format))


async def deregister(tool_id: Id, exchange: Asked) -> Response:
    """Remove a tool, with all that was reported of it."""
    return await exchange.answer(DeregisterTool(tool_id=tool_id))
