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
    from memos.broker.dead_letters import DeadLetter, LetterSelection

Url = Annotated[
    str | None,
    typer.Option(help="redis://… or unix://… of a memOS; by default the one that runs in MEMOS_HOME."),
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Id of a dead letter; may be given several times.")]
TYPE = "Type of a command, or name of its stream, as memos.store.v1 or memos:store."
Type = Annotated[str | None, typer.Option("--type", help=TYPE)]
Error = Annotated[str | None, typer.Option("--error", help="Code of an error, as unavailable.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]


def dead_letters_cli() -> typer.Typer:
    """The commands under `memos dead-letters`."""
    cli = typer.Typer(
        help="Commands that could not be handled.\n\nLook at them, send them again, or throw them away.",
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
    """List dead letters with their reasons.

    Those of one stream come oldest first.

    Example: memos dead-letters list --error unavailable
    """
    with reported(as_json=as_json):
        selection = _selection(ids, kind, error, everything=True)
        letters = asyncio.run(_read(selection, url))
    if as_json:
        print_json([_history(letter) for letter in letters])
        return
    for each in letters:
        typer.echo(f"{each.id}  {each.stream}  {each.code}  tries: {each.attempts}")
        typer.echo(f"    {each.added_at} to {each.dead_at}: {each.reason}")
    if not letters:
        typer.echo(_none(selection))


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
        selection = _selection(ids, kind, error, everything=everything)
        letters = asyncio.run(_read(selection, url, named=True))
    if as_json:
        print_json([{**_history(letter), **_sent(letter)} for letter in letters])
        return
    for letter in letters:
        for name, value in _history(letter).items():
            if value not in {None, ""}:
                typer.echo(f"{name:>10}: {value}")
        for sent in _sent(letter).values():
            print_json(sent)
    if not letters:
        typer.echo(_none(selection))


def redrive(
    ids: Ids = None,
    kind: Type = None,
    error: Error = None,
    url: Url = None,
    *,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again.

    Each has its own command id, so that nothing is done twice.

    Example: memos dead-letters redrive --type memos.store.v1 --error unavailable
    """
    from memos.broker import dead_letters

    with reported(as_json=as_json):
        selection = _selection(ids, kind, error, everything=everything)
        moved = asyncio.run(_count(dead_letters.redrive, selection, url))
    if as_json:
        print_json({"redriven": moved})
    elif moved == 1:
        typer.echo("1 dead letter is on its stream again.")
    else:
        typer.echo(f"{moved} dead letters are on their streams again." if moved else _none(selection))


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
    if as_json:
        print_json({"discarded": gone})
    elif gone == 1:
        typer.echo("1 dead letter is thrown away.")
    else:
        typer.echo(f"{gone} dead letters are thrown away." if gone else _none(selection))


def _selection(
    ids: list[str] | None, kind: str | None, error: str | None, *, everything: bool
) -> "LetterSelection":
    from memos.broker.dead_letters import LetterSelection

    if not (ids or kind or error or everything):
        raise InvalidCommand(
            "Which dead letters are meant? Give --id, --type or --error, or --all for all of them."
        )
    return LetterSelection(frozenset(ids or ()), kind, error)


async def _read(selection: "LetterSelection", url: str | None, *, named: bool = False) -> "list[DeadLetter]":
    """The dead letters that are meant; with `named`, each whose id is given has to be there."""
    from memos.broker.dead_letters import require_named, selected

    async with _redis(url) as redis:
        if named:
            await require_named(redis, selection)
        return [letter async for _, letter in selected(redis, selection)]


async def _count(
    act: "Callable[[Redis, LetterSelection], Awaitable[int]]", selection: "LetterSelection", url: str | None
) -> int:
    from memos.broker.dead_letters import require_named

    async with _redis(url) as redis:
        await require_named(redis, selection)
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


def _history(letter: "DeadLetter") -> dict[str, Any]:
    return {name: value for name, value in asdict(letter).items() if name not in {"document", "fields"}}


def _sent(letter: "DeadLetter") -> dict[str, Any]:
    """The command as it was sent, or all that was sent in its place."""
    return {"fields": letter.fields} if letter.document is None else {"command": letter.command}


def _none(selection: "LetterSelection") -> str:
    given = selection.ids or selection.type or selection.error
    return "No dead letter fits what was given." if given else "There are no dead letters."
