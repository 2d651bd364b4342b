"""`memos dead-letters`: what could not be handled, and what to do with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.cli.output import AsJson, address, print_json, reported
from memos.client.redis import open_redis
from memos.errors import ConfigurationError, InvalidCommand, Unavailable

if TYPE_CHECKING:
    from memos.broker.dead_letters import DeadLetter, Selection

Url = Annotated[
    str | None,
    typer.Option(help="redis://… or unix://… of a memOS; by default the one that runs in MEMOS_HOME."),
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Id of a dead letter; may be given several times.")]
Type = Annotated[str | None, typer.Option("--type", help="Event type or stream, as memos.store.v1 or memos:store.")]
Error = Annotated[str | None, typer.Option("--error", help="Code of an error, as unavailable.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]


def dead_letters_cli() -> typer.Typer:
    """The commands under `memos dead-letters`."""
    cli = typer.Typer(
        help="Look at commands that could not be handled, send them again, or throw them away.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    cli.command("list")(list_letters)
    cli.command("show")(show)
    cli.command("redrive")(redrive)
    cli.command("discard")(discard)
    return cli


def list_letters(
    ids: Ids = None, kind: Type = None, error: Error = None, url: Url = None, *, as_json: AsJson = False
) -> None:
    """List dead letters with their reasons, those of one stream oldest first.

    Example: memos dead-letters list --error unavailable
    """
    with reported(as_json=as_json):
        letters = asyncio.run(_read(_selection(ids, kind, error, everything=True), url))
    if as_json:
        print_json([_without_document(letter) for letter in letters])
    else:
        _print_lines(letters)


def show(
    ids: Ids = None,
    kind: Type = None,
    error: Error = None,
    url: Url = None,
    *,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Print dead letters in full, with the commands as they were sent.

    Example: memos dead-letters show --id memos:store/1767225600000-0
    """
    with reported(as_json=as_json):
        letters = asyncio.run(_read(_selection(ids, kind, error, everything=everything), url))
    if as_json:
        print_json([{**_without_document(letter), "command": letter.command} for letter in letters])
        return
    for letter in letters:
        for name, value in _without_document(letter).items():
            typer.echo(f"{name:>10}: {value}")
        print_json(letter.command)


def redrive(
    ids: Ids = None,
    kind: Type = None,
    error: Error = None,
    url: Url = None,
    *,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, each with its own command id, so that nothing is done twice.

    Example: memos dead-letters redrive --type memos.store.v1 --error unavailable
    """
    from memos.broker import dead_letters

    with reported(as_json=as_json):
        selection = _selection(ids, kind, error, everything=everything)
        moved = asyncio.run(_count(dead_letters.redrive, selection, url))
    _say({"redriven": moved}, f"{moved} dead letters are on their streams again.", as_json=as_json)


def discard(
    ids: Ids = None,
    kind: Type = None,
    error: Error = None,
    url: Url = None,
    *,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Throw dead letters away for good.

    Example: memos dead-letters discard --error malformed
    """
    from memos.broker import dead_letters

    with reported(as_json=as_json):
        selection = _selection(ids, kind, error, everything=everything)
        gone = asyncio.run(_count(dead_letters.discard, selection, url))
    _say({"discarded": gone}, f"{gone} dead letters are thrown away.", as_json=as_json)


def _selection(ids: list[str] | None, kind: str | None, error: str | None, *, everything: bool) -> "Selection":
    from memos.broker.dead_letters import Selection

    if not (ids or kind or error or everything):
        raise InvalidCommand(
            "Which dead letters are meant? Give --id, --type or --error, or --all for all of them."
        )
    return Selection(frozenset(ids or ()), kind, error)


async def _read(selection: "Selection", url: str | None) -> "list[DeadLetter]":
    from memos.broker.dead_letters import selected

    async with _redis(url) as redis:
        return [letter async for _, letter in selected(redis, selection)]


async def _count(
    act: "Callable[[Redis, Selection], Awaitable[int]]", selection: "Selection", url: str | None
) -> int:
    async with _redis(url) as redis:
        return await act(redis, selection)


@asynccontextmanager
async def _redis(url: str | None) -> AsyncIterator[Redis]:
    where = address(url)
    if where.startswith("http"):
        raise ConfigurationError(
            "Dead letters are on the bus. Give its address, redis://… or unix://…, not http://…."
        )
    try:
        async with open_redis(where) as redis:
            yield redis
    except (RedisError, OSError) as error:
        raise Unavailable(
            f"The bus (Redis) does not answer: {str(error).rstrip('.')}. See that it runs."
        ) from error


def _without_document(letter: "DeadLetter") -> dict[str, Any]:
    return {name: value for name, value in asdict(letter).items() if name != "document"}


def _print_lines(letters: "list[DeadLetter]") -> None:
    for each in letters:
        typer.echo(f"{each.id}  {each.stream}  {each.code}  tries: {each.attempts}")
        typer.echo(f"    {each.first} to {each.time}: {each.reason}")
    if not letters:
        typer.echo("There are no dead letters.")


def _say(data: dict[str, int], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        typer.echo(text)
