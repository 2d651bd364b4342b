"""`memos loadout`: what equips agents."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.cli.loadout_check import check
from memos.cli.loadout_equip import equip
from memos.cli.loadout_texts import Files, read_text
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.client.loadout_files import read_loadout, write_loadout
from memos.errors import InvalidCommand
from memos.events.loadouts import (
    DeleteLoadoutOutcome,
    Loadout,
    LoadoutFound,
    SaveLoadoutOutcome,
    loadout_schema,
)
from memos.events.problems import summary_of

Name = Annotated[str, typer.Argument(metavar="NAME", help="The loadout's name.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="The loadouts' names.")]


def loadout_cli() -> typer.Typer:
    """The commands under `memos loadout`."""
    cli = typer.Typer(
        help="What equips agents for tasks.\n\nCheck and save loadouts, and see what an agent gets by one.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (check, save, show, equip, delete, schema):
        cli.command()(command)
    cli.command("list")(list_loadouts)
    return cli


def save(files: Files, url: Url = None, *, as_json: AsJson = False) -> None:
    """Save loadouts from YAML files.

    Each takes the place of the one that its name had before. When one of the files is not valid nothing is saved.

    Example: memos loadout save researcher.yaml planner.yaml
    """
    with reported(as_json=as_json):
        saved = asyncio.run(_save([_read(file) for file in files], address(url)))
    if as_json:
        print_json(saved)
        return
    for one in saved:
        typer.echo(f"{one.name}: {one.message} It is at version {one.version}.")


def list_loadouts(url: Url = None, *, as_json: AsJson = False) -> None:
    """Print the loadouts in the order of their names.

    Example: memos loadout list
    """
    with reported(as_json=as_json):
        found = asyncio.run(_list(address(url)))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    for one in found:
        told = f"  version {one.version}, {one.updated_at:%Y-%m-%d %H:%M}"
        console.print(Text.assemble((one.name, "bold"), (told, "dim")), soft_wrap=True)
        if one.loadout.description:
            print_indented(console, Text(one.loadout.description.strip()))
    if not found:
        console.print("No loadout is saved yet. Try: memos loadout save FILE")


def show(name: Name, url: Url = None, *, as_json: AsJson = False) -> None:
    """Print a loadout as YAML.

    Example: memos loadout show researcher
    """
    with reported(as_json=as_json):
        found = asyncio.run(_get(name, address(url)))
    if as_json:
        print_json(found)
    else:
        typer.echo(write_loadout(found.loadout), nl=False)


def delete(names: Names, url: Url = None, *, as_json: AsJson = False) -> None:
    """Delete loadouts.

    Example: memos loadout delete researcher
    """
    with reported(as_json=as_json):
        deleted = asyncio.run(_delete(names, address(url)))
    if as_json:
        print_json(deleted)
        return
    for one in deleted:
        typer.echo(f"{one.name}: {one.message}")


def schema() -> None:
    """Print the JSON Schema of a loadout, for editors.

    Example: memos loadout schema > loadout.schema.json
    """
    print_json(loadout_schema())


def _read(file: str) -> Loadout:
    try:
        return read_loadout(read_text(file))
    except InvalidCommand as error:
        if not error.faults:
            raise
        raise InvalidCommand(
            f"{file} is no loadout, and nothing is saved: {summary_of(error.faults)}.", faults=error.faults
        ) from error


async def _save(loadouts: list[Loadout], url: str) -> list[SaveLoadoutOutcome]:
    async with reach(url) as client:
        return [await client.loadouts.save(loadout) for loadout in loadouts]


async def _list(url: str) -> list[LoadoutFound]:
    async with reach(url) as client:
        return [one async for one in client.loadouts.every()]


async def _get(name: str, url: str) -> LoadoutFound:
    async with reach(url) as client:
        return await client.loadouts.get(name)


async def _delete(names: list[str], url: str) -> list[DeleteLoadoutOutcome]:
    async with reach(url) as client:
        return [await client.loadouts.delete(name) for name in names]
