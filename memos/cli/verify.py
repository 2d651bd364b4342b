"""`memos verify`: whether the projections have what the ledger has."""

import asyncio
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from memos.cli.output import AsJson, print_json, reported
from memos.devstack.locate import located
from memos.projection.verify import Verification
from memos.settings import Settings, load_settings

Repair = Annotated[bool, typer.Option("--repair", help="Write what is missing or stale, remove what is extra.")]


def verify(*, repair: Repair = False, as_json: AsJson = False) -> None:
    """Compare every projection with the ledger, while memOS runs; exit with 1 when they differ.

    Example: memos verify --repair
    """
    with reported(as_json=as_json):
        found = asyncio.run(_verify(located(load_settings()), repair=repair, quiet=as_json))
    *repaired, last = found
    if as_json:
        print_json({"repaired": sum(one.differences for one in repaired), "projections": [last]})
    else:
        for one in repaired:
            _show(one, "repaired")
        _show(last, "differ")
    if last.differences:
        raise typer.Exit(1)


async def _verify(settings: Settings, *, repair: bool, quiet: bool) -> list[Verification]:
    """The verification; with repair, one that repaired and then one that shows what is left."""
    from memos.projection.verify import verify as compare
    from memos.runtime import open_ports

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found = []
    async with open_ports(settings) as ports:
        vectors, projections = ports["vectors"], ports["projections"]
        with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
            for doing in ("Repairing", "Verifying") if repair else ("Verifying",):
                total = await projections.live() + await vectors.count({})
                bar = progress.add_task(doing, total=total)
                verification = await compare(
                    vectors=vectors,
                    projections=projections,
                    embedder=ports["embedder"] if doing == "Repairing" else None,
                    looked=partial(progress.advance, bar),
                )
                found.append(verification)
    return found


def _show(one: Verification, what: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{one.projection}, generation {one.generation}: {one.records} records, {one.points} points; "
        f"{one.differences} {what} ({one.missing} missing, {one.extra} extra, {one.stale} stale), "
        f"{one.behind} to be done."
    )
    for kind, tenant, memory_id in one.examples:
        console.print(f"  {kind}  {tenant}  {memory_id}", markup=False)
