"""`memos purge`: removing for good the content of what was deleted."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from memos.cli.delete import PATIENCE, Yes, stores_table
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.client import connect
from memos.errors import Fault, InvalidCommand
from memos.events.deletions import PurgeReceipt

AGE = re.compile(r"(\d{1,6})([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


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
        before = moment(deleted_before, datetime.now(UTC)) if deleted_before else None
        conditions = {"deleted_before": before, "memory_ids": memory_id or None}
        receipt = asyncio.run(_purge(conditions, address(url), yes=yes, quiet=as_json))
    if as_json:
        print_json(receipt)
    else:
        _show(receipt)


def moment(text: str, now: datetime) -> datetime:
    """The moment that an age or a date means; a date without a time zone is in UTC. Raises `InvalidCommand`."""
    try:
        if age := AGE.fullmatch(text):
            return now - timedelta(**{UNITS[age[2]]: int(age[1])})
        date = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        fault = Fault("deleted_before", "is neither an age nor a date")
        raise InvalidCommand(
            f"{text!r} is neither an age such as 30d nor a date such as 2026-01-31. Give one of them.",
            faults=[fault],
        ) from error
    return date if date.tzinfo else date.replace(tzinfo=UTC)


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
