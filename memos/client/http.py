"""The REST facade as a transport."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from memos.client.http_request import Request, body_of
from memos.client.llm_requests import LLM
from memos.client.refusals import closed, json_in, unreachable
from memos.client.sse import follow
from memos.client.working_requests import WORKING
from memos.errors import ConfigurationError, DeadlineExceeded, InvalidCommand
from memos.events.commands import Command
from memos.events.context import RequestContext
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.equipment import EquipAgent
from memos.events.facts import ReadFacts
from memos.events.health import CheckBulkHealth, CheckHealth
from memos.events.learning import ListLearnings, RecordLearning
from memos.events.loadouts import DeleteLoadout, GetLoadout, ListLoadouts, SaveLoadout
from memos.events.memories import (
    DeleteMemory,
    GetHistory,
    GetMemory,
    IngestBatch,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    UpdateMemory,
)
from memos.events.tools import (
    DeregisterTool,
    DiscoverTools,
    GetTool,
    ListTools,
    RegisterTool,
    RegisterTools,
    ToolOutcome,
    ToolOutcomes,
)
from memos.records import Fact


def _update(command: UpdateMemory) -> Request:
    params = {"agent_id": command.agent_id}
    if command.expected_version is not None:
        params["expected_version"] = str(command.expected_version)
    return Request("PATCH", f"/v1/memory/{command.memory_id}", body_of(command.changes), params)


def _read_facts(command: ReadFacts) -> Request:
    params: dict[str, Any] = {"after": command.after, "limit": command.limit, "types": command.types}
    return Request("GET", "/v1/facts", params=params)


def _get_tool(command: GetTool) -> Request:
    params = {"format": command.format} if command.format else {}
    return Request("GET", f"/v1/tools/{command.tool_id}", params=params)


def _equip(command: EquipAgent) -> Request:
    return Request("POST", f"/v1/loadouts/{command.loadout}/equip", body_of(command, "loadout"))


REQUESTS: Mapping[type[Command], Callable[[Any], Request]] = {
    StoreMemory: lambda command: Request("POST", "/v1/memory/store", body_of(command)),
    StoreMemories: lambda command: Request("POST", "/v1/memory/store/batch", body_of(command)),
    IngestBatch: lambda command: Request("POST", "/v1/ingest/batch", body_of(command)),
    QueryMemory: lambda command: Request("POST", "/v1/memory/query", body_of(command)),
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
    DeleteMemories: lambda command: Request("POST", "/v1/memory/delete", body_of(command)),
    PurgeMemories: lambda command: Request("POST", "/v1/memory/purge", body_of(command)),
    RegisterTool: lambda command: Request("POST", "/v1/tools/register", body_of(command)),
    RegisterTools: lambda command: Request("POST", "/v1/tools/register/batch", body_of(command)),
    GetTool: _get_tool,
    ListTools: lambda command: Request("GET", "/v1/tools", params=command.model_dump(exclude_defaults=True)),
    DeregisterTool: lambda command: Request("DELETE", f"/v1/tools/{command.tool_id}"),
    DiscoverTools: lambda command: Request("POST", "/v1/tools/discover", body_of(command)),
    ToolOutcome: lambda command: Request("POST", "/v1/tools/outcomes", body_of(command)),
    ToolOutcomes: lambda command: Request("POST", "/v1/tools/outcomes/batch", body_of(command)),
    SaveLoadout: lambda command: Request("POST", "/v1/loadouts", body_of(command.loadout)),
    GetLoadout: lambda command: Request("GET", f"/v1/loadouts/{command.name}"),
    ListLoadouts: lambda command: Request("GET", "/v1/loadouts", params=command.model_dump()),
    DeleteLoadout: lambda command: Request("DELETE", f"/v1/loadouts/{command.name}"),
    EquipAgent: _equip,
    RequestContext: lambda command: Request("POST", "/v1/context", body_of(command)),
    RecordLearning: lambda command: Request("POST", "/v1/learning", body_of(command)),
    ListLearnings: lambda command: Request(
        "GET", "/v1/learning", params=command.model_dump(mode="json", exclude_none=True)
    ),
    **WORKING,
    **LLM,
    CheckHealth: lambda command: Request("GET", "/health/ready/interactive"),
    CheckBulkHealth: lambda command: Request("GET", "/health/ready/bulk"),
}


GRACE = 1.0
"""Seconds that the facade has to say that the time is up."""


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
        if self._http.is_closed:
            raise closed(self._http)
        try:
            async with asyncio.timeout(timeout + GRACE):
                response = await self._http.request(
                    request.method,
                    request.path,
                    json=request.body,
                    params=dict(request.params),
                    headers={b"Idempotency-Key": command_id.encode(), b"Request-Timeout": f"{timeout:g}".encode()},
                    timeout=timeout + GRACE,
                )
        except (httpx.TimeoutException, TimeoutError) as error:
            raise DeadlineExceeded(
                f"The facade did not answer command {command_id} within {timeout:g} s. "
                "Send it again with the same id to learn the outcome."
            ) from error
        except httpx.HTTPError as error:
            raise unreachable(self._http, error) from error
        return json_in(response)


@asynccontextmanager
async def open_http(url: str) -> AsyncIterator[Http]:
    """A transport to the facade at `url`, `http://…` or `https://…`. Raises `ConfigurationError` for another."""
    try:
        client = httpx.AsyncClient(base_url=url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"The address of the facade is not valid: {error}. Give http://…:8090.") from error
    async with client as http:
        yield Http(http)
