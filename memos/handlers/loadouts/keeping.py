"""Handlers of the commands that keep loadouts, show them, and forget them."""

import logging
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from memos.errors import Conflict
from memos.events.loadouts import (
    DeleteLoadout,
    DeleteLoadoutOutcome,
    GetLoadout,
    ListLoadouts,
    Loadout,
    LoadoutFound,
    LoadoutsListed,
    SaveLoadout,
    SaveLoadoutOutcome,
)
from memos.handlers.digests import digest_of
from memos.ports import Loadouts
from memos.records import KeptLoadout, Origin

log = logging.getLogger(__name__)

MESSAGES: Mapping[str, str] = {
    "saved": "The loadout is saved.",
    "updated": "The loadout has a new version; agents are equipped by it from now on.",
    "unchanged": "The loadout was saved just so before.",
    "deleted": "The loadout is deleted.",
    "absent": "There was no such loadout.",
}


async def save_loadout(command: SaveLoadout, *, origin: Origin, loadouts: Loadouts) -> SaveLoadoutOutcome:
    """Keep a loadout; what is at its default in it is not kept."""
    definition = command.loadout.model_dump(mode="json", exclude_defaults=True)
    change = await loadouts.save(origin, digest_of(command), command.loadout.name, definition)
    return SaveLoadoutOutcome.model_validate({**change._asdict(), "message": MESSAGES[change.status]})


async def get_loadout(command: GetLoadout, *, origin: Origin, loadouts: Loadouts) -> LoadoutFound:
    """Read one loadout. Raises `NotFound`, and `Conflict` when it is not as this version of memOS has them."""
    return _found(await loadouts.get(origin.tenant, command.name))


async def list_loadouts(command: ListLoadouts, *, origin: Origin, loadouts: Loadouts) -> LoadoutsListed:
    """Read a page of loadouts, and where the next one begins.

    One that is not as this version of memOS has them is left out, and logged, so that all others can be read.
    """
    kept = await loadouts.page(origin.tenant, command.after, command.limit + 1)
    page = kept[: command.limit]
    following = page[-1].name if len(kept) > len(page) else None
    results = _readable(page)
    return LoadoutsListed(count=len(results), results=results, next=following)


async def delete_loadout(command: DeleteLoadout, *, origin: Origin, loadouts: Loadouts) -> DeleteLoadoutOutcome:
    """Forget a loadout."""
    change = await loadouts.delete(origin, digest_of(command), command.name)
    told = {"name": change.name, "status": change.status, "message": MESSAGES[change.status]}
    return DeleteLoadoutOutcome.model_validate(told)


def loadout_of(kept: KeptLoadout) -> Loadout:
    """The loadout that is kept. Raises `Conflict` when it is not as this version of memOS has them."""
    try:
        return Loadout.model_validate(kept.definition)
    except ValidationError as error:
        raise Conflict(
            f"Loadout {kept.name!r} was saved at version {kept.version} as this version of memOS does not have it "
            f"({error.error_count()} faults, such as: {error.errors()[0]['msg']}). Save it anew, or delete it."
        ) from error


def _readable(page: Sequence[KeptLoadout]) -> list[LoadoutFound]:
    found: list[LoadoutFound] = []
    for kept in page:
        try:
            found.append(_found(kept))
        except Conflict as error:
            log.warning("A list is without one loadout: %s", error)
    return found


def _found(kept: KeptLoadout) -> LoadoutFound:
    return LoadoutFound(
        name=kept.name,
        version=kept.version,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        loadout=loadout_of(kept),
    )
