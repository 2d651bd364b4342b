"""Deleting and purging many memories over a running memOS: by the SDK, by REST and by command."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from running import Memos, command, until

from memos.client import Client
from memos.client.bus import open_bus
from memos.errors import Conflict, InvalidCommand, NotFound
from memos.events.deletions import DeleteMemories
from memos.events.memories import GetMemory, StoreMemory
from memos.stores.postgres import open_pool

pytest_plugins = ["bus_fixtures"]

MEMORY_ID = uuid4()
TEXT = "The spare key hangs behind the coat rack."


async def test_memories_are_counted_then_deleted_then_purged(client: Client, agent: str) -> None:
    ids = [(await client.store(f"{TEXT} {n}", agent_id=agent)).memory_id for n in range(3)]
    command_id = str(uuid4())

    told = await client.delete_many(agent_id=agent)
    assert (told.status, told.matched, set(told.examples)) == ("dry-run", 3, set(ids))
    assert (await client.query(TEXT, agent_id=agent, filter={"visibility": "private"})).memories.count == 3

    done = await client.delete_many(agent_id=agent, dry_run=False, command_id=command_id)
    assert (done.status, done.matched) == ("deleted", 3)
    assert (await client.query(TEXT, agent_id=agent, filter={"visibility": "private"})).memories.count == 0
    assert await client.delete_many(agent_id=agent, dry_run=False, command_id=command_id) == done
    with pytest.raises(Conflict, match=command_id):
        await client.delete_many(agent_id="another", dry_run=False, command_id=command_id)

    assert (await client.purge(memory_ids=ids)).purged == 3
    purged = await client.purge(memory_ids=ids, dry_run=False)
    assert (purged.status, purged.message.partition(": ")[0]) == ("purged", "3 memories")
    assert (await client.purge(memory_ids=ids)).purged == 0


async def test_what_did_nothing_does_not_claim_to_have_done_it(client: Client, agent: str) -> None:
    kept = (await client.store(TEXT, agent_id=agent)).memory_id
    deleted = await client.delete_many(agent_id=f"not {agent}", dry_run=False)
    purged = await client.purge(memory_ids=[kept], dry_run=False)
    assert (deleted.matched, deleted.message) == (0, "No memory meets the conditions; nothing was deleted.")
    assert (purged.purged, purged.message.partition(":")[0]) == (0, "Nothing was purged")
    assert (await client.get(kept, agent_id=agent)).content == TEXT


async def test_a_filter_and_its_agent_are_both_held(client: Client, agent: str) -> None:
    kept = (await client.store("Keep this.", agent_id=agent)).memory_id
    for n in range(2):
        await client.store(f"{TEXT} {n}", agent_id=agent, tags=["draft"], session_id="monday")

    receipt = await client.delete_many(
        agent_id=agent, filter={"tags": ["draft"], "session_id": "monday"}, dry_run=False
    )

    assert receipt.matched == 2
    assert (await client.get(kept, agent_id=agent)).content == "Keep this."


async def test_a_deletion_of_everything_by_mistake_is_refused(client: Client) -> None:
    with pytest.raises(InvalidCommand, match="at least one condition"):
        await client.delete_many(dry_run=False)
    with pytest.raises(InvalidCommand, match="at least one condition"):
        await client.purge(dry_run=False)
    with pytest.raises(InvalidCommand, match="memory_id"):
        await client.delete_many(memory_id=uuid4(), dry_run=False)


@pytest.mark.parametrize("root", ["", "/v1"])
async def test_over_rest_nothing_is_deleted_unless_it_says_so(
    http: httpx.AsyncClient, agent: str, root: str
) -> None:
    stored = (await http.post("/memory/store", json={"content": TEXT, "agent_id": agent})).json()

    told = await http.post(f"{root}/memory/delete", json={"agent_id": agent})
    done = await http.post(f"{root}/memory/delete", json={"agent_id": agent, "dry_run": False})
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"memory_ids": [stored["memory_id"]], "deleted_before": soon}
    counted = await http.post(f"{root}/memory/purge", json=body)
    purged = await http.post(f"{root}/memory/purge", json={**body, "dry_run": False})

    assert (told.status_code, told.json()["status"], told.json()["matched"]) == (200, "dry-run", 1)
    assert done.json()["status"] == "deleted"
    assert [store["name"] for store in done.json()["stores"]] == ["ledger", "vectors", "answers"]
    assert done.json()["examples"] == [stored["memory_id"]]
    assert (counted.json()["status"], counted.json()["tables"]["agent_memories"]) == ("dry-run", 1)
    assert (purged.json()["status"], purged.json()["tables"]["commands"]) == ("purged", 1)


async def test_over_rest_a_deletion_without_conditions_or_with_unknown_ones_is_refused(
    http: httpx.AsyncClient,
) -> None:
    for path in ("/memory/delete", "/memory/purge"):
        for body in ({}, {"dry_run": False}, {"agent": "ada"}):
            refused = await http.post(path, json=body)
            assert refused.status_code == 422
            assert "Value error" not in refused.text


async def test_a_deletion_keeps_to_the_tenant_of_its_envelope(memos: Memos, agent: str) -> None:
    async with open_bus(memos.redis_url, "tests") as bus:
        ours, theirs = f"tenant-{uuid4().hex[:8]}", f"tenant-{uuid4().hex[:8]}"
        for tenant in (ours, theirs):
            store = StoreMemory(content=TEXT, agent_id=agent, id=MEMORY_ID)
            await bus.send(store, str(uuid4()), 20, tenant)

        receipt = await bus.send(DeleteMemories(agent_id=agent, dry_run=False), str(uuid4()), 20, ours)

        get = GetMemory(memory_id=MEMORY_ID, agent_id=agent)
        assert receipt["matched"] == 1
        assert (await bus.send(get, str(uuid4()), 20, theirs))["content"] == TEXT
        with pytest.raises(NotFound):
            await bus.send(get, str(uuid4()), 20, ours)


async def test_what_has_expired_is_buried_in_time(memos: Memos, client: Client, agent: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    memory_id = (await client.store(TEXT, agent_id=agent, expires_at=soon)).memory_id

    async with open_pool(memos.settings.postgres_dsn or "") as pool:

        async def buried() -> bool:
            behind = await pool.fetchval("select count(*) from projections where record_id = $1", memory_id)
            return not behind

        await until(buried)
        said = "select data ->> 'reason' from facts where record_id = $1 order by sequence"
        reasons = await pool.fetch(said, memory_id)
    assert [reason for (reason,) in reasons] == [None, "expired"]
    with pytest.raises(NotFound):
        await client.get(memory_id, agent_id=agent)


async def test_the_command_deletes_and_purges_only_when_told_to(memos: Memos, client: Client, agent: str) -> None:
    memory_id = str((await client.store(TEXT, agent_id=agent, tags=["draft"])).memory_id)
    selected = ("--agent", agent, "--tag", "draft", "--url", memos.url)

    told = await command("delete", *selected)
    done = await command("delete", *selected, "--yes", "--json")
    counted = await command("purge", "--id", memory_id, "--url", memos.url)
    purged = await command(
        "purge", "--id", memory_id, "--deleted-before", "0s", "--yes", "--url", memos.url, "--json"
    )

    assert (told.code, done.code, counted.code, purged.code) == (0, 0, 0, 0), (told, done, counted, purged)
    assert "Nothing is deleted yet. Memories that meet the conditions: 1." in told.output
    assert memory_id in told.output
    assert told.output.endswith("\nAdd --yes to delete them.\n")
    receipt = json.loads(done.output)
    assert (receipt["status"], receipt["matched"], receipt["examples"]) == ("deleted", 1, [memory_id])
    assert "meet the conditions and still hold their content: 1." in counted.output
    assert counted.output.endswith("\nAdd --yes to remove it for good.\n")
    assert (json.loads(purged.output)["status"], json.loads(purged.output)["purged"]) == ("purged", 1)


async def test_the_command_says_how_many_it_deleted_and_purged(memos: Memos, client: Client, agent: str) -> None:
    memory_id = str((await client.store(TEXT, agent_id=agent)).memory_id)
    deletes, purges = ("delete", "--agent", agent), ("purge", "--id", memory_id)
    said = []
    for words in (purges, deletes, deletes, purges, purges):
        ended = await command(*words, "--yes", "--url", memos.url)
        assert ended.code == 0
        said.append(ended.output.splitlines()[0])
    told = [(await command(*words, "--url", memos.url)).output for words in (deletes, purges)]

    nothing = said[0]
    assert nothing.startswith("Nothing was purged: no deleted memory that still holds its content meets the")
    assert said[1:] == [
        "1 memory is deleted: no answer and no store has it any more.",
        "No memory meets the conditions; nothing was deleted.",
        "1 memory: its content is gone for good from the ledger and every store; the tombstone stays.",
        nothing,
    ]
    assert [output.count("--yes") for output in told] == [0, 0]


async def test_the_command_names_ids_whose_store_is_refused_beside_that_it_deleted_nothing(memos: Memos) -> None:
    ended = await command("delete", "--id", str(uuid4()), "--yes", "--url", memos.url)
    assert "nothing was deleted" in ended.output
    assert "whose store is refused from now on: 1." in ended.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("delete", "--yes"), "Which memories are meant? Give --agent, --session, --source, --tag, --kind, --id"),
        (("purge", "--yes"), "Which deleted memories are meant? Give --deleted-before or --id."),
        (("delete", "--id", "x"), "memory_ids.0"),
        (("purge", "--deleted-before", "soon"), "neither an age such as 30d nor a date"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
async def test_the_command_refuses_in_one_line_what_makes_no_sense(
    memos: Memos, words: tuple[str, ...], said: str
) -> None:
    ended = await command(*words, "--url", memos.url)

    assert ended.code == 1
    assert said in ended.errors
    assert len(ended.errors.splitlines()) == 1
