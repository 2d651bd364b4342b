"""`memos verify`: whether the projections have what the ledger has."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from memos.cli.output import AsJson, print_json, reported
from memos.cli.progress import Bars
from memos.devstack.locate import located, required
from memos.projection.verify import Looked, Verification
from memos.settings import Settings, load_settings

Repair = Annotated[bool, typer.Option("--repair", help="Write what is missing or stale, remove what is extra.")]


def verify(*, repair: Repair = False, as_json: AsJson = False) -> None:
    """Compare the search index with the ledger.

    memOS may run meanwhile. The exit code is 0 when they agree, 1 when they differ, and 75 when it could not be
    found out since an engine does not answer, which may pass.

    Example: memos verify --repair
    """
    with reported(as_json=as_json, put_off=True):
        found = asyncio.run(_verify(located(load_settings()), repair=repair, quiet=as_json))
    *repaired, last = found
    if as_json:
        print_json({"repaired": sum(one.differences for one in repaired), "projections": [last]})
    else:
        for one in repaired:
            _show(one, "before: ")
        _show(last, "after: " if repaired else "")
    if last.differences:
        raise typer.Exit(1)


async def _verify(settings: Settings, *, repair: bool, quiet: bool) -> list[Verification]:
    """The verification; with repair, one that repaired and then one that shows what is left."""
    from memos.projection.verify import verify as compare
    from memos.runtime import open_searched
    from memos.stores.postgres import open_pool

    found = []
    async with open_pool(required(settings, "postgres_dsn")) as pool, open_searched(settings, pool) as searched:
        vectors, projections, embedder = searched
        with Bars(quiet=quiet) as bars:
            for doing in ("Repairing", "Verifying") if repair else ("Verifying",):
                total = await projections.live() + await vectors.count({})
                verification = await compare(
                    vectors=vectors,
                    projections=projections,
                    embedder=embedder if doing == "Repairing" else None,
                    looked=_counting(bars, doing, total),
                )
                found.append(verification)
    return found


def _counting(bars: Bars, doing: str, total: int) -> Looked:
    """Moves a bar by what was looked at, which may come to be more than there was at first."""
    done = 0

    def looked(number: int) -> None:
        nonlocal done
        done += number
        bars.show(doing, done, max(done, total))

    return looked


def _show(one: Verification, when: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{when}{one.projection}, generation {one.generation}: {one.records} records, {one.points} points; "
        f"{one.differences} differ ({one.missing} missing, {one.extra} extra, {one.stale} stale), "
        f"{one.behind} to be done."
    )
    for kind, tenant, memory_id in one.examples:
        console.print(f"  {kind}  {tenant}  {memory_id}", markup=False)
