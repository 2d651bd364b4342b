"""Calling a tool: arguments are checked, sent, the answer is checked, and what became of it is reported."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol, Unpack

from pydantic_core import from_json, to_json

from memos.client import tool_http, tool_mcp
from memos.client.options import CallOptions, OutcomeOptions
from memos.client.tool_answers import Answered, ToolAnswer, reported_error
from memos.client.tool_requests import CONTROL, refused, request_of, with_defaults
from memos.errors import Fault, InvalidCommand, MemosError, ToolFailed
from memos.events.problems import summary_of
from memos.records import FRAMING, HEADER_NAME, HttpInvocation, ToolDefinition
from memos.schemas import SchemaFault, faults_of_value
from memos.specs import arguments_schema, named_arguments

log = logging.getLogger(__name__)

PATIENCE = 30.0
REPORTING_PATIENCE = 5.0
"""Seconds that it may take to hand over what became of a call, before the answer goes to whoever called."""

NO_CONTENT = 204


class Reporter(Protocol):
    """What hands over outcomes of calls."""

    async def report_later(self, tool_id: str, *, success: bool, **outcome: Unpack[OutcomeOptions]) -> str:
        """Hand an outcome over; return the command's id."""
        ...


class Purpose(NamedTuple):
    """For whom a tool is called, and for which task; without a reporter nobody is told."""

    reporter: Reporter | None
    agent_id: str
    task: str | None


async def call(
    tool: ToolDefinition, arguments: Mapping[str, Any] | str, purpose: Purpose, **options: Unpack[CallOptions]
) -> ToolAnswer:
    """Call a tool and report what became of it.

    Raises `InvalidCommand` naming each argument that does not fit, with nothing sent or reported, and `ToolFailed`
    when the tool is out of reach, too slow, or answers with an error or with what does not fit its schema.
    """
    send = _prepared(tool, checked_arguments(tool, arguments), options)
    begun = perf_counter()
    try:
        answered = await _within(options.get("timeout", PATIENCE), tool, send)
        check_answer(tool, answered)
    except ToolFailed as failure:
        await _report(tool, purpose, perf_counter() - begun, failure)
        raise
    seconds = perf_counter() - begun
    await _report(tool, purpose, seconds)
    return ToolAnswer(tool.tool_id, answered.content, seconds * 1000, answered.status, answered.content_type)


def checked_arguments(tool: ToolDefinition, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
    """Arguments as the tool has them: of a model also as JSON, and under the names that it was offered.

    Raises `InvalidCommand` naming each that does not fit the tool's schema.
    """
    given = _object(tool, arguments)
    schema = arguments_schema(tool)
    named = with_defaults(tool, named_arguments(schema, given))
    if faults := faults_of_value(named, schema):
        raise refused(tool, *_faults("arguments", faults))
    return named


def checked_headers(tool: ToolDefinition, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers of a call. Raises `InvalidCommand` naming each that cannot be one, or says where the request ends."""
    faults = [
        Fault(
            f"headers.{name}", "must be named as a header can be, not say how long the request is, and be one line"
        )
        for name, value in headers.items()
        if not HEADER_NAME.fullmatch(name) or name.lower() in FRAMING or CONTROL.search(value)
    ]
    if faults:
        raise InvalidCommand(f"The headers for {tool.tool_id} are not valid: {summary_of(faults)}.", faults=faults)
    return headers


def check_answer(tool: ToolDefinition, answered: Answered) -> None:
    """Raise `ToolFailed` naming what does not fit what the tool says that it answers."""
    if tool.response_schema is None or answered.status == NO_CONTENT:
        return
    if found := faults_of_value(answered.content, tool.response_schema):
        faults = _faults("answer", found)
        detail = f"{tool.tool_id} answered otherwise than it says: {summary_of(faults)}. See its response_schema."
        raise ToolFailed(detail, faults=faults, answered=answered.status)


def _object(tool: ToolDefinition, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
    try:
        raw = arguments.strip() or "{}" if isinstance(arguments, str) else to_json(arguments)
        given = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise refused(tool, Fault("arguments", f"must be JSON: {error}")) from error
    if not isinstance(given, dict):
        raise refused(tool, Fault("arguments", "must be an object"))
    return given


def _faults(root: str, faults: Sequence[SchemaFault]) -> list[Fault]:
    return [Fault(".".join((root, *map(str, fault.path))), fault.message) for fault in faults]


def _prepared(
    tool: ToolDefinition, arguments: dict[str, Any], options: CallOptions
) -> Callable[[], Awaitable[Answered]]:
    """What sends the call, once all that may be wrong with it before has been found."""
    headers = checked_headers(tool, options.get("headers", {}))
    if isinstance(tool.invocation, HttpInvocation):
        request = request_of(tool, arguments)
        return partial(tool_http.exchange, tool.tool_id, request, headers, options.get("http"))
    return partial(tool_mcp.exchange, tool, arguments, headers, options.get("session"))


async def _within(seconds: float, tool: ToolDefinition, send: Callable[[], Awaitable[Answered]]) -> Answered:
    try:
        async with asyncio.timeout(seconds):
            return await send()
    except TimeoutError as error:
        raise ToolFailed(
            f"{tool.tool_id} did not answer within {seconds:g} s. Give it a longer timeout."
        ) from error


async def _report(
    tool: ToolDefinition, purpose: Purpose, seconds: float, failure: ToolFailed | None = None
) -> None:
    """Tell what became of a call; whoever called has the answer also when nobody can be told."""
    if purpose.reporter is None:
        return
    outcome = OutcomeOptions(agent_id=purpose.agent_id, task=purpose.task, latency_ms=round(seconds * 1000, 3))
    if failure is not None:
        outcome["error"] = reported_error(tool, failure)
    try:
        async with asyncio.timeout(REPORTING_PATIENCE):
            await purpose.reporter.report_later(tool.tool_id, success=failure is None, **outcome)
    except (MemosError, TimeoutError) as error:
        why = str(error) or f"nobody took it within {REPORTING_PATIENCE:g} s"
        log.warning("The outcome of a call of %s could not be reported: %s", tool.tool_id, why)
