"""The routes of loadouts."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.openapi.models import Example

from memos.api.requests import Asked, json_response, problems
from memos.events.equipment import Assignment, EquipAgent, Equipment
from memos.events.loadouts import (
    DeleteLoadout,
    DeleteLoadoutOutcome,
    GetLoadout,
    ListLoadouts,
    Loadout,
    LoadoutFound,
    LoadoutName,
    LoadoutsListed,
    SaveLoadout,
    SaveLoadoutOutcome,
    loadout_schema,
)

Name = Annotated[LoadoutName, Path(description="The loadout's name.")]

LOADOUTS: dict[str, Example] = {
    "researcher": {
        "summary": "A researcher: a tool that must be there, the best tools for the task, and what is remembered.",
        "value": {
            "name": "researcher",
            "persona": "You are {agent}, a careful researcher.",
            "instructions": ["Find out: {task}", "Cite the memories that you use by their numbers."],
            "tools": [{"id": "tools_as__web_search", "missing": "error"}, {"discover": "{task}", "top_k": 2}],
            "memories": [{"query": "{task}", "filter": {"kind": "document"}, "top_k": 5}],
            "max_tokens": 4000,
            "model": {"name": "gpt-4o-mini", "temperature": 0.2},
            "working": {"ttl": 3600, "values": {"question": "{task}", "sources": []}},
        },
    },
}
"""Loadouts that show what one can say."""

ASSIGNMENTS: dict[str, Example] = {
    "task": {
        "summary": "Equip an agent, of whose capabilities one is known, for a task.",
        "value": {
            "agent_id": "cortex",
            "task": "What is new in PostgreSQL 18?",
            "agent_capabilities": ["internet"],
            "format": "anthropic",
            "session_id": "postgres-18",
        },
    },
}
"""Requests that show how an agent is equipped."""


def loadouts_router() -> APIRouter:
    """Routes under `/loadouts`, and the JSON Schema of a loadout."""
    router = APIRouter(tags=["loadouts"])
    add, path = router.add_api_route, "/loadouts/{name}"
    add("/loadouts", save, methods=["POST"], response_model=SaveLoadoutOutcome, responses=problems(409))
    add("/loadouts", list_page, methods=["GET"], response_model=LoadoutsListed, responses=problems())
    add(path, get, methods=["GET"], response_model=LoadoutFound, responses=problems(404))
    add(path, delete, methods=["DELETE"], response_model=DeleteLoadoutOutcome, responses=problems(409))
    add(f"{path}/equip", equip, methods=["POST"], response_model=Equipment, responses=problems(404))
    add("/schemas/loadout.json", schema, methods=["GET"])
    return router


async def save(body: Annotated[Loadout, Body(openapi_examples=LOADOUTS)], exchange: Asked) -> Response:
    """Keep a loadout; it takes the place of the one that its name had before."""
    return await exchange.answer(SaveLoadout(loadout=body))


async def list_page(selection: Annotated[ListLoadouts, Query()], exchange: Asked) -> Response:
    """Read the loadouts in the order of their names, a page at a time."""
    return await exchange.answer(selection)


async def get(name: Name, exchange: Asked) -> Response:
    """Read one loadout."""
    return await exchange.answer(GetLoadout(name=name))


async def delete(name: Name, exchange: Asked) -> Response:
    """Forget a loadout."""
    return await exchange.answer(DeleteLoadout(name=name))


async def equip(
    name: Name, body: Annotated[Assignment, Body(openapi_examples=ASSIGNMENTS)], exchange: Asked
) -> Response:
    """Make everything ready that a loadout equips an agent with for a task.

    With `session_id` the loadout's working values that are not in that session yet are set in it; nothing else is
    changed by it.
    """
    return await exchange.answer(EquipAgent(loadout=name, **dict(body)))


async def schema() -> Response:
    """The JSON Schema of a loadout, for editors and validators of YAML."""
    return json_response(loadout_schema())
