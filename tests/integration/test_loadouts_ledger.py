"""Loadouts in a real ledger: saved, read a page at a time and deleted, each with one effect and its fact."""

import asyncio
from typing import Any

import pytest
from builders import count, origin

from memos.errors import Conflict, NotFound
from memos.events.facts import FACTS
from memos.records import LoadoutChange, loadout_record_id
from memos.stores.loadouts import PostgresLoadouts
from memos.stores.postgres import Pool

DEFINITION: dict[str, Any] = {"name": "researcher", "persona": "You look things up.", "tools": [{"id": "web"}]}
OTHER = {**DEFINITION, "persona": "You do not guess."}


@pytest.fixture
def loadouts(pool: Pool) -> PostgresLoadouts:
    return PostgresLoadouts(pool)


async def test_a_saved_loadout_is_read_as_it_was_given(loadouts: PostgresLoadouts) -> None:
    assert await loadouts.save(origin(), b"1", "researcher", DEFINITION) == LoadoutChange("researcher", 1, "saved")

    found = await loadouts.get("default", "researcher")

    assert (found.name, found.version, found.definition) == ("researcher", 1, DEFINITION)
    assert found.updated_at == found.created_at


async def test_a_loadout_that_is_saved_again_is_updated_or_left_alone(loadouts: PostgresLoadouts) -> None:
    await loadouts.save(origin(), b"1", "researcher", DEFINITION)

    assert (await loadouts.save(origin(), b"1", "researcher", DEFINITION)).status == "unchanged"
    assert await loadouts.save(origin(), b"2", "researcher", OTHER) == LoadoutChange("researcher", 2, "updated")
    assert await loadouts.save(origin(), b"2", "researcher", OTHER) == LoadoutChange("researcher", 2, "unchanged")

    found = await loadouts.get("default", "researcher")
    assert found.definition == OTHER
    assert found.updated_at > found.created_at


async def test_numbers_and_the_order_of_keys_are_kept_as_they_are_written(loadouts: PostgresLoadouts) -> None:
    options = {"stop": 1.0, "big": 1e30, "after": 10**18, "zero": -0.0}
    await loadouts.save(origin(), b"1", "researcher", {**DEFINITION, "model": {"options": options}})
    other = {**DEFINITION, "model": {"options": dict(reversed(options.items()))}}

    assert (await loadouts.save(origin(), b"2", "researcher", other)).status == "updated"
    assert (await loadouts.save(origin(), b"2", "researcher", other)).status == "unchanged"

    found = (await loadouts.get("default", "researcher")).definition["model"]["options"]
    assert repr(found) == repr(other["model"]["options"])


async def test_a_deleted_loadout_is_gone_and_begins_anew_at_its_next_version(loadouts: PostgresLoadouts) -> None:
    await loadouts.save(origin(), b"1", "researcher", DEFINITION)
    await loadouts.save(origin(), b"2", "researcher", OTHER)

    deleted = await loadouts.get("default", "researcher")

    assert await loadouts.delete(origin(), b"3", "researcher") == LoadoutChange("researcher", 2, "deleted")

    with pytest.raises(NotFound, match=r"No loadout 'researcher' is saved\. Check"):
        await loadouts.get("default", "researcher")
    assert await loadouts.delete(origin(), b"3", "researcher") == LoadoutChange("researcher", 0, "absent")
    assert await loadouts.page("default", "", 10) == []
    assert await loadouts.save(origin(), b"2", "researcher", OTHER) == LoadoutChange("researcher", 3, "saved")
    updated = await loadouts.save(origin(), b"1", "researcher", DEFINITION)
    assert updated == LoadoutChange("researcher", 4, "updated")
    found = await loadouts.get("default", "researcher")
    assert found.created_at > deleted.created_at


async def test_what_changed_is_told_as_facts_and_what_did_not_is_not(
    pool: Pool, loadouts: PostgresLoadouts
) -> None:
    for definition in (DEFINITION, DEFINITION, OTHER):
        await loadouts.save(origin(), b"", "researcher", definition)
    for _ in range(2):
        await loadouts.delete(origin(), b"", "researcher")

    rows = await pool.fetch("select type, record_id, version, data from facts order by sequence")

    assert [(row["type"], row["version"]) for row in rows] == [
        ("memos.loadout.saved.v1", 1),
        ("memos.loadout.saved.v1", 2),
        ("memos.loadout.deleted.v1", 2),
    ]
    assert {row["record_id"] for row in rows} == {loadout_record_id("default", "researcher")}
    for row in rows:
        assert FACTS[row["type"]].model_validate(row["data"]).model_dump() == {
            "name": "researcher",
            "version": row["version"],
        }


async def test_a_command_that_is_repeated_gets_its_first_reply(pool: Pool, loadouts: PostgresLoadouts) -> None:
    saved, deleted = origin(), origin()
    await loadouts.save(saved, b"1", "researcher", DEFINITION)
    await loadouts.delete(deleted, b"2", "researcher")

    assert (await loadouts.save(saved, b"1", "researcher", DEFINITION)).status == "saved"
    assert (await loadouts.delete(deleted, b"2", "researcher")).status == "deleted"

    assert (await loadouts.page("default", "", 10), await count(pool, "facts")) == ([], 2)


async def test_a_command_id_with_another_body_is_a_conflict(loadouts: PostgresLoadouts) -> None:
    sent = origin()
    await loadouts.save(sent, b"1", "researcher", DEFINITION)

    with pytest.raises(Conflict):
        await loadouts.save(sent, b"2", "researcher", OTHER)
    with pytest.raises(Conflict):
        await loadouts.delete(sent, b"3", "researcher")

    assert (await loadouts.get("default", "researcher")).definition == DEFINITION


async def test_saves_of_one_loadout_at_once_make_one_version_each(pool: Pool, loadouts: PostgresLoadouts) -> None:
    saves = (loadouts.save(origin(), b"", "researcher", {**DEFINITION, "persona": f"{n}"}) for n in range(12))

    made = await asyncio.gather(*saves)

    assert sorted(one.version for one in made) == list(range(1, 13))
    assert [one.status for one in made].count("saved") == 1
    assert await count(pool, "facts") == 12


async def test_loadouts_are_read_in_the_order_of_their_names_a_page_at_a_time(loadouts: PostgresLoadouts) -> None:
    names = [f"loadout{number}" for number in range(7)]
    for name in reversed(names):
        await loadouts.save(origin(), b"", name, {**DEFINITION, "name": name})
    read: list[str] = []
    while page := await loadouts.page("default", read[-1] if read else "", 3):
        read += [one.name for one in page]

    assert read == names


async def test_tenants_with_the_same_name_do_not_see_each_other(loadouts: PostgresLoadouts) -> None:
    await loadouts.save(origin(tenant="ada"), b"", "researcher", DEFINITION)
    await loadouts.save(origin(tenant="bob"), b"", "researcher", OTHER)

    assert (await loadouts.delete(origin(tenant="eve"), b"", "researcher")).status == "absent"
    await loadouts.delete(origin(tenant="ada"), b"", "researcher")

    assert await loadouts.page("ada", "", 10) == []
    assert [one.definition for one in await loadouts.page("bob", "", 10)] == [OTHER]
