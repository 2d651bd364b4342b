"""`memos query`: what memOS remembers of something."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.client import connect
from memos.events.memories import DEFAULT_AGENT, MemoriesFound, RecalledMemory

MOST_LINES = 6


def query(
    text: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many results, 1 to 1000.")] = 5,
    agent: Annotated[str, typer.Option(help="The agent that asks.")] = DEFAULT_AGENT,
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the memories closest in meaning to a text, best first.

    Example: memos query "how are failed messages retried?"
    """
    with reported(as_json=as_json):
        found = asyncio.run(_query(text, top_k, agent, address(url)))
    if as_json:
        print_json(found)
    else:
        _show(found)


async def _query(text: str, top_k: int, agent: str, url: str) -> MemoriesFound:
    async with connect(url, source="memos.cli") as client:
        return await client.query(text, top_k=top_k, agent_id=agent)


def _show(found: MemoriesFound) -> None:
    console = Console(highlight=False)
    if not found.memories.results:
        console.print("Nothing is remembered yet that this agent may see. Try: memos ingest PATH")
    for rank, memory in enumerate(found.memories.results, start=1):
        place = Text.assemble(f"{rank:2}. ", (f"{memory.score:.3f}", "green"), "  ", (_place(memory), "bold"))
        console.print(place, soft_wrap=True)
        console.print(Padding(Text(_excerpt(memory.content), style="dim"), (0, 0, 1, 4)))


def _place(memory: RecalledMemory) -> str:
    source = memory.source
    if source is None:
        return f"{memory.kind} of {memory.agent_id}, {memory.created_at:%Y-%m-%d %H:%M}"
    where = source.uri if source.line is None else f"{source.uri}:{source.line}"
    return f"{source.symbol}  {where}" if source.symbol else where


def _excerpt(content: str) -> str:
    lines = content.splitlines()
    return "\n".join(lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else []))
