"""What becomes of imported tools: they are registered, and those that are gone are named or removed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import typer
from rich.console import Console

from memos.cli.output import print_json
from memos.cli.reaching import reach
from memos.cli.tools_register import register_all
from memos.client.tools import Tools
from memos.errors import Fault
from memos.events.problems import Problem
from memos.events.tools import RegisterTool
from memos.toolkits.imported import Imported
from memos.toolkits.names import SEPARATOR

PAGE = 100
MOST_SHOWN = 20


@dataclass
class Summary:
    """What became of an import: tools by outcome, what was refused and why, and which tools are gone."""

    prefix: str
    outcomes: Counter[str]
    refused: list[Fault]
    notes: list[Fault]
    vanished: list[str] = field(default_factory=list)
    deregistered: list[str] = field(default_factory=list)


async def registered(imported: Imported, url: str, *, prune: bool, quiet: bool) -> Summary:
    """Register what was imported; with `prune` remove what is no longer there."""
    outcomes: Counter[str] = Counter()
    refused = list(imported.faults)
    results = await register_all(imported.tools, url, quiet=quiet)
    for tool, result in zip(imported.tools, results, strict=True):
        if isinstance(result, Problem):
            refused.append(Fault(tool.tool_id, result.detail))
        else:
            outcomes[result.status] += 1
    summary = Summary(imported.prefix, outcomes, refused, list(imported.notes))
    async with reach(url) as client:
        vanished = await _vanished(client.tools, imported)
        if prune:
            for tool_id in vanished:
                await client.tools.deregister(tool_id)
    (summary.deregistered if prune else summary.vanished).extend(vanished)
    return summary


async def _vanished(tools: Tools, imported: Imported) -> list[str]:
    """The ids of an earlier import with this prefix that are not in this one; of tools of the same kind alone."""
    kinds = {tool.invocation.kind for tool in imported.tools}
    start = f"{imported.prefix}{SEPARATOR}"
    vanished: list[str] = []
    after: str | None = start if kinds else None
    while after is not None:
        page = await tools.list(after=after, limit=PAGE, contains=start)
        for tool in page.results:
            ours = tool.tool_id.startswith(start) and SEPARATOR not in tool.tool_id.removeprefix(start)
            if ours and tool.invocation.kind in kinds and tool.tool_id not in imported.ids:
                vanished.append(tool.tool_id)
        after = page.next
    return vanished


def show_planned(imported: Imported, *, as_json: bool) -> None:
    """Print what would be registered: as JSON in the form that `memos tools register` reads."""
    if as_json:
        print_json([tool.model_dump(mode="json", exclude_unset=True) for tool in imported.tools])
    else:
        console = Console(highlight=False, soft_wrap=True)
        for tool in imported.tools:
            console.print(f"{tool.tool_id}  {_called(tool)}", markup=False)
        console.print(f"Nothing is registered. Tools that would be: {len(imported.tools)}.")
    show_faults(imported.faults, imported.notes)


def show_summary(summary: Summary, source: str) -> None:
    """Print what became of an import, and what was refused on standard error; `source` is as in "on the server"."""
    counts = {**dict(sorted(summary.outcomes.items())), "refused": len(summary.refused)}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    typer.echo(f"Tools under {summary.prefix}: {told or 'none'}.")
    if summary.deregistered:
        typer.echo(f"No longer {source}, and deregistered: {', '.join(summary.deregistered)}.")
    if summary.vanished:
        typer.echo(f"No longer {source}: {', '.join(summary.vanished)}. Add --prune to deregister them.")
    show_faults(summary.refused, summary.notes)


def show_faults(refused: Sequence[Fault], notes: Sequence[Fault]) -> None:
    """Print on standard error what was refused, and what was left out, the first of each in full."""
    for word, faults in (("refused", refused), ("note", notes)):
        for where, message in faults[:MOST_SHOWN]:
            typer.echo(f"  {word}: {where}: {message}", err=True)
        if len(faults) > MOST_SHOWN:
            typer.echo(f"  {word}: and {len(faults) - MOST_SHOWN} more; --json names all of them", err=True)


def _called(tool: RegisterTool) -> str:
    """How a tool is called, in a few words."""
    how = tool.invocation
    return f"{how.method} {tool.endpoint_url}" if how.kind == "http" else f"MCP {how.server} {how.tool}"
