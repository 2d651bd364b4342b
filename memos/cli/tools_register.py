"""`memos tools register`: tools from a file, and whatever else makes many tools known."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_core import to_json
from rich.console import Console

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.progress import Bars
from memos.cli.reaching import reach
from memos.client.tools import Tools
from memos.errors import Fault, InvalidCommand
from memos.events.problems import WHOLE, Problem, faults_of, summary_of
from memos.events.tools import MOST_TOOLS_REGISTERED, RegisterOutcome, RegisterOutcomes, RegisterTool
from memos.toolkits.documents import SourceDocument, read_document

MOST_BYTES = 4_000_000
BATCHES_AT_ONCE = 4
PATIENCE = 600.0


def register(
    file: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="JSON or YAML of a tool, or of a list of them; - is stdin.")
    ],
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make the tools of a file known, or change them.

    When one of them is not valid nothing is registered.

    Example: memos tools register tools.yaml
    """
    with reported(as_json=as_json):
        results = asyncio.run(_register(file, address(url), quiet=as_json))
    show_registered(results, as_json=as_json)


def definitions_in(document: SourceDocument) -> list[RegisterTool]:
    """The tools of a document, checked. Raises `InvalidCommand` that names the faults of each."""
    given = document.content if isinstance(document.content, list) else [document.content]
    if not given:
        raise InvalidCommand(f"There is no tool in {document.name}. Give a tool, or a list of tools.")
    tools: list[RegisterTool] = []
    faults: list[Fault] = []
    for place, definition in enumerate(given):
        try:
            tools.append(RegisterTool.model_validate(definition))
        except ValidationError as error:
            label = _label(definition, place)
            faults.extend(_within(label, fault) for fault in faults_of(error))
    faults.extend(_repeated(tools))
    if faults:
        raise InvalidCommand(f"Nothing of {document.name} is registered: {summary_of(faults)}.", faults=faults)
    return tools


async def register_all(tools: Sequence[RegisterTool], url: str, *, quiet: bool) -> list[RegisterOutcome | Problem]:
    """Make tools known, each id among them once; one outcome or problem each, in order. Shows how far it is."""
    free, done = asyncio.Semaphore(BATCHES_AT_ONCE), 0

    async def sent(to: Tools, batch: Sequence[RegisterTool]) -> RegisterOutcomes:
        nonlocal done
        async with free:
            outcomes = await to.register_many(batch, timeout=PATIENCE)
        done += len(batch)
        bars.show("Registering", done, len(tools))
        return outcomes

    async with reach(url) as client:
        with Bars(quiet=quiet) as bars:
            bars.show("Registering", 0, len(tools))
            answers = await asyncio.gather(*(sent(client.tools, batch) for batch in _batches(tools)))
    return [result for answer in answers for result in answer.results]


def show_registered(results: Sequence[RegisterOutcome | Problem], *, as_json: bool) -> None:
    """Print what became of tools; end with status 1 if one was refused."""
    counts = Counter("failed" if isinstance(result, Problem) else result.status for result in results)
    if as_json:
        print_json({"outcomes": counts, "results": results})
    else:
        console = Console(highlight=False)
        console.print(f"Tools: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}.")
        for result in [result for result in results if isinstance(result, Problem)][:10]:
            console.print(f"  failed: {result.detail}", markup=False, soft_wrap=True)
    if counts["failed"]:
        raise typer.Exit(1)


async def _register(file: str, url: str, *, quiet: bool) -> list[RegisterOutcome | Problem]:
    return await register_all(definitions_in(await read_document(file)), url, quiet=quiet)


def _label(definition: Any, place: int) -> str:
    """What the reader of a file calls a tool that may not even have an id."""
    named = definition.get("tool_id") if isinstance(definition, Mapping) else None
    return named if isinstance(named, str) else f"tool {place + 1}"


def _within(label: str, fault: Fault) -> Fault:
    """A fault of a tool as one of the file."""
    return fault._replace(field=label if fault.field == WHOLE else f"{label}: {fault.field}")


def _repeated(tools: Iterable[RegisterTool]) -> Iterator[Fault]:
    counts = Counter(tool.tool_id for tool in tools)
    for tool_id, count in counts.items():
        if count > 1:
            yield Fault(f"{tool_id}: tool_id", f"is given to {count} tools")


def _batches(tools: Iterable[RegisterTool]) -> Iterator[list[RegisterTool]]:
    """As many tools together as a command may have, but of no more than 4 MB unless one alone has more."""
    batch: list[RegisterTool] = []
    size = 0
    for tool in tools:
        own = len(to_json(tool))
        if batch and (len(batch) == MOST_TOOLS_REGISTERED or size + own > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(tool)
        size += own
    if batch:
        yield batch
