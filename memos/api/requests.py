"""From a request to the bus and back."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from pydantic_core import to_json

from memos.client.bus import Bus
from memos.client.ids import uuid7
from memos.events.commands import Command
from memos.events.envelope import DEFAULT_TENANT
from memos.events.problems import Problem
from memos.events.texts import Identifier
from memos.records import CommandKey, memory_id_for

IdempotencyKey = Annotated[
    Identifier | None,
    Header(description="Id of the command: the same key again gives the first answer and does nothing twice."),
]
RequestTimeout = Annotated[
    float | None,
    Header(gt=0, le=3600, description="Seconds to wait for a worker before 504."),
]


class Exchange:
    """One request's way over the bus, with its tenant, command id and deadline."""

    def __init__(self, bus: Bus, command_id: str, timeout: float) -> None:
        self._bus = bus
        self._timeout = timeout
        self.tenant = DEFAULT_TENANT
        self.command_id = command_id

    @property
    def key(self) -> CommandKey:
        """What tells this command from every other."""
        return CommandKey(self.tenant, self._bus.source, self.command_id)

    @property
    def memory_id(self) -> UUID:
        """The id of the memory that this command stores, unless it names one."""
        return memory_id_for(self.key)

    def at_least(self, seconds: float) -> Self:
        """This exchange, waiting for an answer no shorter than that."""
        self._timeout = max(self._timeout, seconds)
        return self

    async def ask(self, command: Command) -> Any:
        """The data of the reply to a command."""
        return await self._bus.send(command, self.command_id, self._timeout, self.tenant)

    async def answer(self, command: Command, **more: Any) -> Response:
        """The reply to a command as a response; its shape was made by the worker from the contract."""
        data = await self.ask(command)
        return json_response({**data, **more} if more else data)

    async def post(self, command: Command) -> None:
        """Put a command on its stream without awaiting a reply."""
        await self._bus.post(command, self.command_id, self.tenant)


async def exchange(
    request: Request, idempotency_key: IdempotencyKey = None, request_timeout: RequestTimeout = None
) -> Exchange:
    """The exchange of a request; a coroutine, since FastAPI runs what is none in a thread of its own."""
    state = request.app.state
    command_id = request.state.command_id = as_sent(idempotency_key) if idempotency_key else str(uuid7())
    return Exchange(state.bus, command_id, request_timeout or state.timeout)


def as_sent(header: str) -> str:
    """A header's text: its bytes are read as Latin-1, but clients send UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


Asked = Annotated[Exchange, Depends(exchange)]


def json_response(data: Any, status: int = 200) -> Response:
    """Data as a JSON response."""
    return Response(to_json(data), status, media_type="application/json")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its documentation."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"model": Problem, "description": "Problem details", "content": content}
        for status in (422, *statuses, 429, 503, 504)
    }
