"""`memos delete`: forgetting memories by what they have in common."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from memos.cli.filters import FilterJson, filter_in
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.client import connect
from memos.errors import InvalidCommand
from memos.events.deletions import DeletionReceipt
from memos.events.memories import StoreReceipt

PATIENCE = 3600.0

Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this nothing is changed.")]


def delete(
    *,
    agent: Annotated[str | None, typer.Option(help="Memories of this agent.")] = None,
    session: Annotated[str | None, typer.Option(help="Memories of this session.")] = None,
    source: Annotated[str | None, typer.Option(help="Memories from this document, by its exact URI.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Memories with this tag; repeat for several.")] = None,
    kind: Annotated[str | None, typer.Option(help="Memories of this kind, such as document or function.")] = None,
    memory_id: Annotated[
        list[str] | None, typer.Option("--id", help="The memory with this id; repeat for up to 1000.")
    ] = None,
    wanted: FilterJson = None,
    url: Url = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget memories by what they have in common.

    Those that meet every condition are meant. Without --yes nothing is deleted; it is only said how many those are.

    Example: memos delete --source src/app.py --yes
    """
    named = {"session_id": session, "source": source, "tags": tag, "kind": kind}
    with reported(as_json=as_json):
        conditions = {"agent_id": agent, "memory_ids": memory_id or None, "filter": _both(named, filter_in(wanted))}
        if not any(conditions.values()):
            raise InvalidCommand(
                "Which memories are meant? Give --agent, --session, --source, --tag, --kind, --id or --filter."
            )
        receipt = asyncio.run(_delete(conditions, address(url), yes=yes, quiet=as_json))
    if as_json:
        print_json(receipt)
    else:
        _show(receipt)


def _both(named: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The conditions of --filter and those of the single options, all of which must be met."""
    given = {name: value for name, value in named.items() if value}
    nested = wanted.get("and", []) if wanted else []
    if not given or not wanted or not isinstance(nested, list):
        return wanted or given or None
    return {**wanted, "and": [*nested, given]}


async def _delete(conditions: dict[str, Any], url: str, *, yes: bool, quiet: bool) -> DeletionReceipt:
    async with connect(url, source="memos.cli", timeout=PATIENCE) as client:
        with Console(stderr=True, quiet=quiet).status("Deleting" if yes else "Counting"):
            return await client.delete_many(dry_run=not yes, **conditions)


def _show(receipt: DeletionReceipt) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if receipt.dry_run:
        console.print(f"Nothing is deleted yet. Memories that meet the conditions: {receipt.matched}.")
        for example in receipt.examples[:10]:
            console.print(f"  {example}")
    else:
        console.print(receipt.message)
    if receipt.absent:
        verb = "would be" if receipt.dry_run else "is"
        console.print(f"Ids without a memory, whose store {verb} refused from now on: {receipt.absent}.")
    console.print(stores_table(receipt.stores, dry_run=receipt.dry_run))
    if receipt.dry_run and receipt.matched:
        console.print("Add --yes to delete them.")


def stores_table(stores: list[StoreReceipt], *, dry_run: bool) -> Table:
    """What each store got rid of, or would."""
    table = Table("Store", "To remove" if dry_run else "Removed", "Not reached")
    for store in stores:
        table.add_row(store.name, str(store.removed), str(store.pending))
    return table
