"""The routes of working memory's values; those of its sessions are added to them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response

from memos.api.paths import EncodedPath
from memos.api.requests import Asked, json_response, problems
from memos.api.sessions import Place, add_session_routes
from memos.api.working_bodies import (
    AppendRequest,
    DeleteValuesRequest,
    GetValuesRequest,
    IncrementRequest,
    SetValueRequest,
    SetValuesRequest,
)
from memos.api.working_examples import DELETED, ITEMS, KEYS, SETTINGS, STEPS, VALUES
from memos.client.sending import build
from memos.client.working import absent
from memos.events.working import (
    MOST_LISTED,
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    ListWorking,
    SetWorking,
    ValueSet,
    ValueToSet,
    WorkingAppended,
    WorkingDeleted,
    WorkingFound,
    WorkingIncremented,
    WorkingKey,
    WorkingListed,
    WorkingSet,
    WorkingValue,
)

Key = Annotated[WorkingKey, Path(description="The key; it may have slashes in it.")]
Prefix = Annotated[str, Query(max_length=255, description="With what the keys begin.")]
After = Annotated[str, Query(max_length=255, description="The key after which to go on.")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="The most keys to read.")]
IfVersion = Annotated[int | None, Query(ge=1, description="Refuse unless the key is at this version.")]


def working_router() -> APIRouter:
    """Routes under `/working`."""
    router = APIRouter(tags=["working"], route_class=EncodedPath)
    _add_routes_of_keys(router.add_api_route)
    _add_routes_of_a_key(router.add_api_route)
    add_session_routes(router.add_api_route)
    return router


def _add_routes_of_keys(add: Callable[..., None]) -> None:
    path, post = "/working/{session_id}/keys", partial(add, methods=["POST"])
    add(path, list_keys, methods=["GET"], response_model=WorkingListed, responses=problems())
    post(path, set_values, response_model=WorkingSet, responses=problems(409, 413))
    post(f"{path}/get", get_values, response_model=WorkingFound, responses=problems())
    post(f"{path}/delete", delete_values, response_model=WorkingDeleted, responses=problems(409))


def _add_routes_of_a_key(add: Callable[..., None]) -> None:
    path, refused = "/working/{session_id}/keys/{key:path}", problems(409, 413)
    add(f"{path}/increment", increment, methods=["POST"], response_model=WorkingIncremented, responses=refused)
    add(f"{path}/append", append, methods=["POST"], response_model=WorkingAppended, responses=refused)
    add(path, set_value, methods=["PUT"], response_model=ValueSet, responses=refused)
    add(path, get_value, methods=["GET"], response_model=WorkingValue, responses=problems(404))
    add(path, delete_value, methods=["DELETE"], response_model=WorkingDeleted, responses=problems(409))


async def set_values(
    body: Annotated[SetValuesRequest, Body(openapi_examples=VALUES)], place: Place, exchange: Asked
) -> Response:
    """Keep values under keys of a session, which begins by it: all of them, or none when one cannot be."""
    return await exchange.answer(SetWorking.model_construct(**place, values=body.values))


async def get_values(
    body: Annotated[GetValuesRequest, Body(openapi_examples=KEYS)], place: Place, exchange: Asked
) -> Response:
    """Read the values of keys; those that there are not are named as `missing`."""
    return await exchange.answer(GetWorking.model_construct(**place, keys=body.keys))


async def list_keys(
    place: Place, exchange: Asked, prefix: Prefix = "", after: After = "", limit: Limit = 100
) -> Response:
    """Read the keys that begin with a prefix, with their values, in order, a page at a time."""
    command = ListWorking.model_construct(**place, prefix=prefix, after=after, limit=limit)
    return await exchange.answer(command)


async def delete_values(
    body: Annotated[DeleteValuesRequest, Body(openapi_examples=DELETED)], place: Place, exchange: Asked
) -> Response:
    """Delete keys; those that were there are named."""
    return await exchange.answer(build(DeleteWorking, **place, keys=body.keys, if_version=body.if_version))


async def set_value(
    key: Key, body: Annotated[SetValueRequest, Body(openapi_examples=SETTINGS)], place: Place, exchange: Asked
) -> Response:
    """Keep a value under a key of a session, which begins by it."""
    value = ValueToSet.model_construct(key=key, **dict(body))
    done: Any = await exchange.ask(SetWorking.model_construct(**place, values=[value]))
    return json_response(done["results"][0])


async def get_value(key: Key, place: Place, exchange: Asked) -> Response:
    """Read the value of a key."""
    found: Any = await exchange.ask(GetWorking.model_construct(**place, keys=[key]))
    if found["missing"]:
        raise absent(**place, key=key)
    return json_response(found["results"][0])


async def delete_value(key: Key, place: Place, exchange: Asked, if_version: IfVersion = None) -> Response:
    """Delete a key; one that is not there is no error."""
    command = DeleteWorking.model_construct(**place, keys=[key], if_version=if_version)
    return await exchange.answer(command)


async def increment(
    key: Key,
    place: Place,
    exchange: Asked,
    body: Annotated[IncrementRequest | None, Body(openapi_examples=STEPS)] = None,
) -> Response:
    """Add to a number, 1 unless said otherwise; a key that is not there counts as 0."""
    command = IncrementWorking.model_construct(**place, key=key, **dict(body or IncrementRequest()))
    return await exchange.answer(command)


async def append(
    key: Key, body: Annotated[AppendRequest, Body(openapi_examples=ITEMS)], place: Place, exchange: Asked
) -> Response:
    """Append items to a list; a key that is not there counts as an empty one."""
    return await exchange.answer(AppendWorking.model_construct(**place, key=key, **dict(body)))
