"""Tools as the command line shows them."""

import json
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.cli.recalled import excerpt, factors_in
from memos.events.tools import DiscoveredTool
from memos.records import Tool, ToolStatistics


def show_line(console: Console, tool: Tool) -> None:
    """Print a tool in one line: its id, its name, and what is known of it."""
    said = Text.assemble((tool.tool_id, "bold"), f"  {tool.name}", (f"  {_known(tool)}", "dim"))
    console.print(said, soft_wrap=True)


def show_tool(console: Console, tool: Tool) -> None:
    """Print a tool: what it is for, how it is called, and what its calls have come to."""
    show_line(console, tool)
    print_indented(console, Text(tool.description))
    for name, value in _traits(tool):
        print_indented(console, Text(f"{name}: {value}", style="dim"))


def show_found(console: Console, rank: int, tool: DiscoveredTool) -> None:
    """Print a result of a search: its score, which need it is for, and why it was found."""
    console.print(
        Text.assemble(
            f"{rank:2}. ", (f"{tool.score:.3f}", "green"), "  ", (tool.tool_id, "bold"), f"  {tool.name}"
        ),
        soft_wrap=True,
    )
    if tool.need:
        print_indented(console, Text(f"need: {tool.need}"))
    print_indented(console, Text(excerpt(tool.description), style="dim"))
    for reason in tool.reasons:
        print_indented(console, Text(reason, style="yellow"))
    if tool.explanation:
        for line in factors_in(tool.explanation):
            print_indented(console, line)
    console.print()


def _known(tool: Tool) -> str:
    return f"version {tool.version}, {_calls(tool.statistics)}"


def _calls(statistics: ToolStatistics) -> str:
    if not statistics.outcomes:
        return "no calls"
    calls = "1 call" if statistics.outcomes == 1 else f"{statistics.outcomes} calls"
    return f"{calls}, {statistics.successes} succeeded"


def _traits(tool: Tool) -> Iterator[tuple[str, str]]:
    """What is remarkable about a tool, each with its name."""
    yield "called by", _call(tool)
    if tool.required_capabilities:
        yield "requires", ", ".join(tool.required_capabilities)
    if tool.tags:
        yield "tags", ", ".join(tool.tags)
    for example in tool.examples:
        yield "example", example
    for name in ("request_schema", "response_schema"):
        if schema := getattr(tool, name):
            yield name, json.dumps(schema, ensure_ascii=False)
    if tool.statistics.latency_ms is not None:
        yield "latency", f"{tool.statistics.latency_ms:g} ms"
    if tool.statistics.last_error:
        yield "last error", tool.statistics.last_error


def _call(tool: Tool) -> str:
    how = tool.invocation
    if how.kind == "http":
        return f"{how.method} {tool.endpoint_url}"
    return f"MCP, as {how.tool} of {how.server} {tool.endpoint_url or '(stdio)'}"
