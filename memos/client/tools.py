"""What an agent does with tools, as methods: `client.tools`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Unpack

from memos.client.options import CallOptions, DiscoveryOptions, OutcomeOptions, SelectionOptions
from memos.client.sending import Sender, build
from memos.client.tool_answers import ToolAnswer
from memos.events.commands import DEFAULT_AGENT
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
    ToolOutcome,
    ToolOutcomes,
    ToolsFound,
    ToolsListed,
)
from memos.records import SpecFormat, Tool, ToolDefinition

PAGE = 200
"""How many tools are read together where all are wanted; their schemas can be large."""

Definition = ToolDefinition | Mapping[str, Any]
"""A tool as it is registered, or a tool that was read, of which the definition is meant."""


class Tools:
    """Registers tools, finds them for a task, and reports what became of their calls.

    Every method raises what those of `Client` do.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def register(
        self, definition: Definition | None = None, *, command_id: str | None = None, **fields: Any
    ) -> RegisterOutcome:
        """Make a tool known, or change it; `fields` are those of `RegisterTool` and go before the definition's."""
        command = build(RegisterTool, **{**_fields_of(definition or {}), **fields})
        return await self._sender.send(command, RegisterOutcome, command_id)

    async def register_many(
        self, definitions: Sequence[Definition], *, command_id: str | None = None, timeout: float | None = None
    ) -> RegisterOutcomes:
        """Make up to 256 tools known at low priority; one outcome or problem each, in order."""
        tools = [one if isinstance(one, RegisterTool) else _fields_of(one) for one in definitions]
        command = build(RegisterTools, tools=tools)
        return await self._sender.send(command, RegisterOutcomes, command_id, timeout=timeout)

    async def get(self, tool_id: str, *, format: SpecFormat | None = None) -> ToolFound:  # noqa: A002
        """One tool as it is now; with `format` also as a model's provider wants it. Raises `NotFound`."""
        return await self._sender.send(build(GetTool, tool_id=tool_id, format=format), ToolFound)

    async def list(
        self, *, after: str = "", limit: int = 100, **selection: Unpack[SelectionOptions]
    ) -> ToolsListed:
        """A page of tools in the order of their ids; `selection` are the other fields of `ListTools`."""
        command = build(ListTools, after=after, limit=limit, **selection)
        return await self._sender.send(command, ToolsListed)

    async def every(self, **selection: Unpack[SelectionOptions]) -> AsyncIterator[Tool]:
        """All tools that are meant, in the order of their ids, read page by page."""
        after: str | None = ""
        while after is not None:
            page = await self.list(after=after, limit=PAGE, **selection)
            for tool in page.results:
                yield tool
            after = page.next

    async def deregister(self, tool_id: str, *, command_id: str | None = None) -> DeregisterOutcome:
        """Remove a tool, with all that was reported of it; one that is not there is no error."""
        return await self._sender.send(build(DeregisterTool, tool_id=tool_id), DeregisterOutcome, command_id)

    async def discover(self, query: str | None = None, **options: Unpack[DiscoveryOptions]) -> ToolsFound:
        """The tools for a task, best first; `options` are the other fields of `DiscoverTools`."""
        return await self._sender.send(build(DiscoverTools, query=query, **options), ToolsFound)

    async def report(
        self, tool_id: str, *, success: bool, command_id: str | None = None, **outcome: Unpack[OutcomeOptions]
    ) -> OutcomeRecorded:
        """Tell what became of a call; `outcome` are the other fields of `ToolOutcome`. Raises `NotFound`."""
        command = build(ToolOutcome, tool_id=tool_id, success=success, **outcome)
        return await self._sender.send(command, OutcomeRecorded, command_id)

    async def report_later(
        self, tool_id: str, *, success: bool, command_id: str | None = None, **outcome: Unpack[OutcomeOptions]
    ) -> str:
        """Tell what became of a call without awaiting that it is recorded; return the command's id."""
        return await self._sender.post(build(ToolOutcome, tool_id=tool_id, success=success, **outcome), command_id)

    async def report_many(
        self,
        outcomes: Sequence[ToolOutcome | Mapping[str, Any]],
        *,
        command_id: str | None = None,
        timeout: float | None = None,
    ) -> OutcomesRecorded:
        """Tell what became of up to 256 calls; one record or problem each, in order."""
        command = build(ToolOutcomes, outcomes=[*outcomes])
        return await self._sender.send(command, OutcomesRecorded, command_id, timeout=timeout)

    async def call(
        self,
        tool: str | ToolDefinition,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        agent_id: str = DEFAULT_AGENT,
        task: str | None = None,
        report: bool = True,
        **options: Unpack[CallOptions],
    ) -> ToolAnswer:
        """Call a tool, or the one of an id, with arguments as an object or as the JSON that a model gives.

        They are checked before anything is sent, and so is the answer before it is given; then what became of the
        call is reported, with the `task` that the tool was called for. Raises `InvalidCommand` naming each argument
        that does not fit, and `ToolFailed` when the tool does not answer as it should.
        """
        from memos.client.calling import Purpose, call

        definition = await self.get(tool) if isinstance(tool, str) else tool
        purpose = Purpose(self if report else None, agent_id, task)
        return await call(definition, arguments or {}, purpose, **options)


def _fields_of(definition: Definition) -> Mapping[str, Any]:
    if isinstance(definition, ToolDefinition):
        return {name: getattr(definition, name) for name in ToolDefinition.model_fields}
    return definition
