"""`memos history`: what a memory said before."""

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.recalled import excerpt
from memos.events.commands import DEFAULT_AGENT
from memos.events.memories import MemoryHistory
from memos.records import MemoryVersion


def history(
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="The memory's id.")],
    agent: Annotated[str, typer.Option(help="The agent that asks.")] = DEFAULT_AGENT,
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the versions of a memory, oldest first.

    The last is the present one. One that another memory has superseded names that one, and metadata is shown where
    it has changed.

    Example: memos history 0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4 --agent ops
    """
    with reported(as_json=as_json):
        found = asyncio.run(_history(memory_id, agent, address(url)))
    if as_json:
        print_json(found)
    else:
        _show(found)


async def _history(memory_id: str, agent: str, url: str) -> MemoryHistory:
    async with reach(url) as client:
        return await client.history(memory_id, agent_id=agent)


def _show(found: MemoryHistory) -> None:
    console = Console(highlight=False)
    former: dict[str, Any] = {}
    for version in found.versions:
        told = f"version {version.version}, {version.updated_at:%Y-%m-%d %H:%M:%S}"
        console.print(Text(", ".join([told, *_traits(version)]), style="bold"), soft_wrap=True)
        print_indented(console, Text(excerpt(version.content)))
        if version.metadata != former:
            said = json.dumps(version.metadata, ensure_ascii=False)
            print_indented(console, Text(f"metadata: {said}", style="dim"))
        console.print()
        former = version.metadata


def _traits(version: MemoryVersion) -> Iterator[str]:
    """What is said of a version beside its text."""
    if version.visibility == "shared":
        yield "shared"
    if version.importance is not None:
        yield f"importance {version.importance:g}"
    if version.tags:
        yield f"tags: {' '.join(version.tags)}"
    if version.expires_at:
        yield f"until {version.expires_at:%Y-%m-%d %H:%M:%S}"
    if version.superseded_by:
        yield f"superseded {version.superseded_at:%Y-%m-%d %H:%M:%S} by {version.superseded_by}"
