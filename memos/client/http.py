"""The REST facade as a transport."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from memos.client.refusals import error_in
from memos.client.sse import follow
from memos.errors import ConfigurationError, DeadlineExceeded, InvalidCommand, Unavailable
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.facts import ReadFacts
from memos.events.health import CheckBulkHealth, CheckHealth
from memos.events.memories import (
    Command,
    DeleteMemory,
    GetHistory,
    GetMemory,
    IngestBatch,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    UpdateMemory,
)
from memos.records import Fact, Record


class Request(NamedTuple):
    """A command as an HTTP request."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = {}


def _body(record: Record) -> Any:
    return record.model_dump(mode="json", exclude_unset=True)


def _update(command: UpdateMemory) -> Request:
    params = {"agent_id": command.agent_id}
    if command.expected_version is not None:
        params["expected_version"] = str(command.expected_version)
    return Request("PATCH", f"/v1/memory/{command.memory_id}", _body(command.changes), params)


def _read_facts(command: ReadFacts) -> Request:
    params: dict[str, Any] = {"after": command.after, "limit": command.limit, "types": command.types}
    return Request("GET", "/v1/facts", params=params)


REQUESTS: Mapping[type[Command], Callable[[Any], Request]] = {
    StoreMemory: lambda command: Request("POST", "/v1/memory/store", _body(command)),
    StoreMemories: lambda command: Request("POST", "/v1/memory/store/batch", _body(command)),
    IngestBatch: lambda command: Request("POST", "/v1/ingest/batch", _body(command)),
    QueryMemory: lambda command: Request("POST", "/v1/memory/query", _body(command)),
    GetMemory: lambda command: Request(
        "GET", f"/v1/memory/{command.memory_id}", params={"agent_id": command.agent_id}
    ),
    GetHistory: lambda command: Request(
        "GET", f"/v1/memory/{command.memory_id}/history", params={"agent_id": command.agent_id}
    ),
    UpdateMemory: _update,
    DeleteMemory: lambda command: Request(
        "DELETE", f"/v1/memory/{command.memory_id}", params={"agent_id": command.agent_id}
    ),
    ReadFacts: _read_facts,
    DeleteMemories: lambda command: Request("POST", "/v1/memory/delete", _body(command)),
    PurgeMemories: lambda command: Request("POST", "/v1/memory/purge", _body(command)),
    CheckHealth: lambda command: Request("GET", "/health/ready/interactive"),
    CheckBulkHealth: lambda command: Request("GET", "/health/ready/bulk"),
}


class Http:
    """Sends commands to the REST facade."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def send(self, command: Command, command_id: str, timeout: float) -> Any:
        """The data of the reply to a command."""
        request = REQUESTS[type(command)](command)
        return await self._exchange(request, command_id, timeout)

    async def post(self, command: Command, command_id: str) -> None:
        """Have the facade put a command on its stream."""
        request = REQUESTS[type(command)](command)
        await self._exchange(request._replace(body={**request.body, "wait": False}), command_id, 30.0)

    def follow(
        self, after: int | None, types: Sequence[str], *, group: str | None = None, consumer: str | None = None
    ) -> AsyncIterator[Fact]:
        """Facts without end, from the facade's server-sent events. Raises `InvalidCommand` for a group."""
        if group is not None or consumer is not None:
            raise InvalidCommand(
                "Groups are kept in Redis and cannot be followed over HTTP. Connect to redis://… or unix://…, or "
                "follow without a group and remember the position of the last fact."
            )
        return follow(self._http, after, types)

    async def _exchange(self, request: Request, command_id: str, timeout: float) -> Any:
        try:
            response = await self._http.request(
                request.method,
                request.path,
                json=request.body,
                params=dict(request.params),
                headers={b"Idempotency-Key": command_id.encode(), b"Request-Timeout": f"{timeout:g}".encode()},
                timeout=timeout + 1,
            )
        except httpx.TimeoutException as error:
            raise DeadlineExceeded(
                f"The facade did not answer command {command_id} within {timeout:g} s. "
                "Send it again with the same id to learn the outcome."
            ) from error
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The facade at {self._http.base_url} could not be reached: {error}. See that it runs."
            ) from error
        if response.is_error:
            raise error_in(response)
        return response.json()


@asynccontextmanager
async def open_http(url: str) -> AsyncIterator[Http]:
    """A transport to the facade at `url`, `http://…` or `https://…`. Raises `ConfigurationError` for another."""
    try:
        client = httpx.AsyncClient(base_url=url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"The address of the facade is not valid: {error}. Give http://…:8090.") from error
    async with client as http:
        yield Http(http)
