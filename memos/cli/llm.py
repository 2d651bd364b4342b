"""`memos llm`: what calls of language models cost, and the cache of their answers."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from memos.cli.llm_shown import show_cache, show_usage
from memos.cli.moments import moment
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.errors import InvalidCommand
from memos.events.answers import AnswersForgotten, CacheRead
from memos.events.usage import UsageRead
from memos.records import CallKind

PIPED_WIDTH = 240

Since = Annotated[
    str | None, typer.Option(help="The first day (UTC): a date such as 2026-01-31, or an age such as 30d.")
]
Until = Annotated[str | None, typer.Option(help="The last day (UTC), likewise; today if there is none.")]
Named = Annotated[
    list[str] | None,
    typer.Option("--by", help="Tell apart by day, model, agent_id or kind; repeat it. Day and model by default."),
]


def llm_cli() -> typer.Typer:
    """The commands under `memos llm`."""
    cli = typer.Typer(
        help="Language models behind memOS.\n\nSee what calls cost and the cache saved, and forget cached answers.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (usage, cache, forget):
        cli.command()(command)
    return cli


def usage(
    *,
    since: Since = None,
    until: Until = None,
    model: Annotated[str | None, typer.Option(help="Calls of this model.")] = None,
    agent: Annotated[str | None, typer.Option(help="Calls of this agent.")] = None,
    kind: Annotated[CallKind | None, typer.Option(help="Calls of this kind.")] = None,
    by: Named = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print what calls of models cost, and the cache saved.

    Without dates the last seven days are meant. Money needs prices: see MEMOS_LLM_PRICES.

    Example: memos llm usage --since 30d --by model --by agent_id
    """
    with reported(as_json=as_json):
        days = {"since": _day(since, "since"), "until": _day(until, "until")}
        selection = {**days, "model": model, "agent_id": agent, "kind": kind, "by": by or ["day", "model"]}
        read = asyncio.run(_usage(selection, address(url)))
    if as_json:
        print_json(read)
    else:
        show_usage(_console(), read)


def cache(url: Url = None, *, as_json: AsJson = False) -> None:
    """Print how much the cache holds, and may hold.

    Example: memos llm cache
    """
    with reported(as_json=as_json):
        read = asyncio.run(_cache(address(url)))
    if as_json:
        print_json(read)
    else:
        show_cache(_console(), read)


def forget(
    *,
    key: Annotated[list[str] | None, typer.Option(help="The answer under this key; repeat for several.")] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Answers made from this, such as memory:ID, tool:ID or fact:ID; repeat for several."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Answers of this model.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All cached answers.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Forget cached answers.

    Say which by one of the options. Answers made from memories and tools go by themselves when these change.

    Example: memos llm forget --source fact:opening-hours
    """
    selection = {"keys": key or None, "sources": source or None, "model": model, "everything": everything}
    with reported(as_json=as_json):
        if sum(map(bool, selection.values())) != 1:
            raise InvalidCommand("Which answers are meant? Give one of --key, --source, --model and --everything.")
        forgotten = asyncio.run(_forget(selection, address(url)))
    if as_json:
        print_json(forgotten)
    else:
        number = forgotten.forgotten
        typer.echo("1 answer is forgotten." if number == 1 else f"{number} answers are forgotten.")


def _day(text: str | None, field: str) -> str | None:
    return moment(text, datetime.now(UTC), field=field).date().isoformat() if text else None


def _console() -> Console:
    """A console; what is piped into a file or a program has room for a whole row."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


async def _usage(selection: dict[str, Any], url: str) -> UsageRead:
    async with reach(url) as client:
        return await client.llm.usage(**selection)


async def _cache(url: str) -> CacheRead:
    async with reach(url) as client:
        return await client.llm.cache()


async def _forget(selection: dict[str, Any], url: str) -> AnswersForgotten:
    async with reach(url) as client:
        return await client.llm.forget(**selection)
