"""`memos ingest`: the docstrings of a Python code base as shared memories."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.progress import Bars
from memos.client import Client, connect
from memos.errors import InvalidCommand
from memos.events.commands import DEFAULT_AGENT
from memos.events.memories import IngestItem, StoreOutcomes
from memos.events.problems import Problem
from memos.ingestion import Passage, Skipped, read
from memos.records import Source

BATCH = 64
BATCHES_AT_ONCE = 4
PATIENCE = 600.0


@dataclass
class Summary:
    """What became of a code base: passages by outcome, and what was passed over and why."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, results: StoreOutcomes) -> None:
        """Count the outcomes of a batch."""
        for result in results.results:
            if isinstance(result, Problem):
                self.outcomes["failed"] += 1
                self.problems.append(result.detail)
            else:
                self.outcomes[result.status] += 1


def ingest(
    path: Annotated[Path, typer.Argument(help="A Python file, or a folder of them.")],
    agent: Annotated[str, typer.Option(help="The agent that the memories come from.")] = DEFAULT_AGENT,
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Remember the docstrings of Python sources, for all agents.

    Those of every module, class and function below a path are meant.

    Example: memos ingest ./src
    """
    with reported(as_json=as_json):
        if not path.exists():
            raise InvalidCommand(f"There is no {path}. Give the path of a Python file or of a folder of them.")
        summary = asyncio.run(_ingest(path, agent, address(url), quiet=as_json))
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    if summary.outcomes["failed"]:
        raise typer.Exit(1)


async def _ingest(path: Path, agent: str, url: str, *, quiet: bool) -> Summary:
    summary = Summary()
    items = list(_items(path, summary))
    async with connect(url, source="memos.cli", timeout=PATIENCE) as client:
        with Bars(quiet=quiet) as bars:
            bars.show("Remembering", 0, len(items))
            async for results in _sent(client, iter(items), agent):
                summary.add(results)
                bars.show("Remembering", summary.outcomes.total(), len(items))
    return summary


def _items(path: Path, summary: Summary) -> Iterator[IngestItem]:
    for found in read(path):
        if isinstance(found, Skipped):
            summary.skipped.append(str(found))
        else:
            yield item_of(found)


def item_of(passage: Passage) -> IngestItem:
    """A passage as the item of a batch."""
    metadata: dict[str, str | int] = {"definition": passage.kind, "signature": passage.signature}
    if passage.parts > 1:
        metadata |= {"part": passage.part, "parts": passage.parts}
    return IngestItem(
        content=passage.content,
        source=Source(uri=passage.uri, symbol=passage.symbol, line=passage.line),
        sequence=passage.sequence,
        kind=passage.kind,
        tags=["python"],
        metadata=metadata,
    )


async def _sent(client: Client, items: Iterator[IngestItem], agent: str) -> AsyncIterator[StoreOutcomes]:
    """Send batches, a few at a time so that the worker never waits; yield results as they come."""
    under_way: set[asyncio.Task[StoreOutcomes]] = set()
    more = True
    while more or under_way:
        while more and len(under_way) < BATCHES_AT_ONCE:
            batch = list(islice(items, BATCH))
            more = bool(batch)
            if batch:
                under_way.add(asyncio.create_task(client.ingest(batch, agent_id=agent)))
        if under_way:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()


def _show(summary: Summary) -> None:
    console = Console(highlight=False)
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.outcomes.items()))
    console.print(f"Passages: {counted or 'none found'}.")
    for problem in summary.problems[:10]:
        console.print(f"  failed: {problem}", markup=False, soft_wrap=True)
    if summary.skipped:
        console.print(f"Passed over: {len(summary.skipped)}")
        for reason in summary.skipped[:10]:
            console.print(f"  {reason}", markup=False, soft_wrap=True)
