"""`memos purge`: removing for good the content of what was deleted."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from memos.cli.delete import PATIENCE, Yes, stores_table
from memos.cli.moments import moment
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.client import connect
from memos.errors import InvalidCommand
from memos.events.deletions import PurgeReceipt


def purge(
    deleted_before: Annotated[
        str | None,
        typer.Option(help="What was deleted longer ago than this, as 30d, 12h or 0s, or before 2026-01-31 (UTC)."),
    ] = None,
    memory_id: Annotated[
        list[str] | None, typer.Option("--id", help="The deleted memory with this id; repeat for up to 1000.")
    ] = None,
    url: Url = None,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove for good the content of deleted memories.

    Without --yes nothing is removed; it is only said how much that is.

    Example: memos purge --deleted-before 30d --yes
    """
    with reported(as_json=as_json):
        if not (deleted_before or memory_id):
            raise InvalidCommand("Which deleted memories are meant? Give --deleted-before or --id.")
        before = moment(deleted_before, datetime.now(UTC), field="deleted_before") if deleted_before else None
        conditions = {"deleted_before": before, "memory_ids": memory_id or None}
        receipt = asyncio.run(_purge(conditions, address(url), yes=yes, quiet=as_json))
    if as_json:
        print_json(receipt)
    else:
        _show(receipt)


async def _purge(conditions: dict[str, Any], url: str, *, yes: bool, quiet: bool) -> PurgeReceipt:
    async with connect(url, source="memos.cli", timeout=PATIENCE) as client:
        with Console(stderr=True, quiet=quiet).status("Purging" if yes else "Counting"):
            return await client.purge(dry_run=not yes, **conditions)


def _show(receipt: PurgeReceipt) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if receipt.dry_run:
        told = "Deleted memories that meet the conditions and still hold their content"
        console.print(f"Nothing is purged yet. {told}: {receipt.purged}.")
    else:
        console.print(receipt.message)
    tables = Table("Table", "Rows to empty" if receipt.dry_run else "Rows emptied")
    for table, rows in receipt.tables.items():
        tables.add_row(table, str(rows))
    console.print(tables)
    console.print(stores_table(receipt.stores, dry_run=receipt.dry_run))
    if receipt.dry_run and receipt.purged:
        console.print("Add --yes to remove it for good.")
