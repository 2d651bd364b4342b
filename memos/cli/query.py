"""`memos query`: what memOS remembers of something."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from memos.cli.filters import FilterJson, filter_in
from memos.cli.moments import moment
from memos.cli.objects import object_in
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.recalled import show
from memos.events.commands import DEFAULT_AGENT
from memos.events.memories import MemoriesFound

NOTHING = "Nothing is remembered yet that this agent may see. Try: memos ingest PATH"
NOTHING_MEETS = "Nothing that this agent may see meets the conditions of {}."

TopK = Annotated[int, typer.Option("--top-k", "-k", help="How many results, 1 to 1000.")]
MaxTokens = Annotated[
    int | None, typer.Option(help="How many tokens the results may have together; what does not fit is left out.")
]
Around = Annotated[
    int, typer.Option(help="How many neighbours to show on each side of a result, from its session or document.")
]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Answer as of then: 2026-01-31, 2026-01-31T09:30Z, or an age such as 30d."),
]
Superseded = Annotated[bool, typer.Option("--include-superseded", help="Show superseded memories, too.")]
Diversity = Annotated[float, typer.Option(help="From 0, the most relevant results, to 1, those that differ most.")]
PreferencesJson = Annotated[
    str | None,
    typer.Option(
        "--preferences", metavar="JSON", help="How much recency, half_life, importance and usefulness count."
    ),
]
NoRerank = Annotated[bool, typer.Option("--no-rerank", help="Do without the reranking model, if one is set up.")]
Explain = Annotated[bool, typer.Option("--explain", help="Show what each score is made up of.")]


def query(
    text: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    *,
    top_k: TopK = 5,
    agent: Annotated[str, typer.Option(help="The agent that asks.")] = DEFAULT_AGENT,
    wanted: FilterJson = None,
    max_tokens: MaxTokens = None,
    around: Around = 0,
    as_of: AsOf = None,
    diversity: Diversity = 0.0,
    preferences: PreferencesJson = None,
    url: Url = None,
    include_superseded: Superseded = False,
    no_rerank: NoRerank = False,
    explain: Explain = False,
    as_json: AsJson = False,
) -> None:
    """Print the memories that answer a text best, best first.

    Example: memos query "how are failed messages retried?" -k 3 --explain

    Example: memos query "who is on call?" --as-of 30d --filter '{"kind": "note"}'
    """
    with reported(as_json=as_json):
        asked = {
            "top_k": top_k,
            "agent_id": agent,
            "filter": filter_in(wanted),
            "max_tokens": max_tokens,
            "around": around,
            "as_of": moment(as_of, datetime.now(UTC), field="as_of") if as_of else None,
            "diversity": diversity,
            "preferences": object_in(preferences, option="--preferences", example='{"recency": 0.5}') or {},
            "include_superseded": include_superseded,
            "rerank": not no_rerank,
            "explain": explain,
        }
        found = asyncio.run(_query(text, asked, address(url)))
    if as_json:
        print_json(found)
    else:
        conditions = {"--filter": wanted, "--as-of": as_of, "--max-tokens": max_tokens}
        _show(found, [name for name, given in conditions.items() if given is not None])


async def _query(text: str, asked: dict[str, Any], url: str) -> MemoriesFound:
    async with reach(url) as client:
        return await client.query(text, **asked)


def _show(found: MemoriesFound, conditions: Sequence[str]) -> None:
    console = Console(highlight=False)
    if not found.memories.results:
        console.print(NOTHING_MEETS.format(" and ".join(conditions)) if conditions else NOTHING)
    for rank, memory in enumerate(found.memories.results, start=1):
        show(console, rank, memory)
