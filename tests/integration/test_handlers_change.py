"""The handlers that change, delete and read one memory."""

from uuid import uuid4

import pytest
from builders import Rooms, factors_of, origin

from memos.errors import Conflict, EmbeddingRefused, Gone, NotFound
from memos.events.memories import (
    DeleteMemory,
    DeleteOutcome,
    GetHistory,
    GetMemory,
    MemoryChanges,
    MemoryFound,
    StoreMemory,
    UpdateMemory,
)
from memos.handlers.memories.change import delete_memory, update_memory
from memos.handlers.memories.query import get_history, get_memory
from memos.records import Origin

pytest_plugins = ["rooms"]


async def update(rooms: Rooms, command: UpdateMemory, of: Origin | None = None) -> MemoryFound:
    return await update_memory(command, origin=of or origin(), **rooms.ports)


async def delete(rooms: Rooms, command: DeleteMemory, of: Origin | None = None) -> DeleteOutcome:
    return await delete_memory(command, origin=of or origin(), **rooms.deleting)


async def test_a_changed_text_is_found_by_what_it_says_now(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c", agent_id="ada")

    changed = await update(
        rooms, UpdateMemory(memory_id=memory_id, agent_id="ada", changes=MemoryChanges(content="x y z"))
    )

    assert (changed.content, changed.version) == ("x y z", 2)
    [found] = (await rooms.query("x y z", agent_id="ada", explain=True)).memories.results
    assert found.content == "x y z"
    assert factors_of(found)["meaning"]["value"] == pytest.approx(1)
    assert rooms.embedder.asked == ["a b c", "x y z", "x y z"]


async def test_a_change_of_tags_embeds_nothing_and_is_filtered_by_at_once(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c", tags=["old"])

    await update(rooms, UpdateMemory(memory_id=memory_id, changes=MemoryChanges(tags=["new"])))

    assert rooms.embedder.asked == ["a b c"]
    assert await rooms.recalled("a", filter={"tags": ["new"]}) == ["a b c"]
    assert await rooms.recalled("a", filter={"tags": ["old"]}) == []


async def test_a_change_back_to_a_text_known_before_embeds_nothing(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c")
    await update(rooms, UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="x y z")))

    await update(rooms, UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="a b c")))

    assert rooms.embedder.asked == ["a b c", "x y z"]
    assert await rooms.recalled("a b c") == ["a b c"]


async def test_a_memory_made_private_is_no_longer_found_by_others(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c", agent_id="ada", visibility="shared")
    assert await rooms.recalled("a b c", agent_id="bob") == ["a b c"]

    await update(
        rooms, UpdateMemory(memory_id=memory_id, agent_id="ada", changes=MemoryChanges(visibility="private"))
    )

    assert await rooms.recalled("a b c", agent_id="bob") == []
    assert await rooms.vectors.count({"must": [{"key": "visibility", "match": {"value": "shared"}}]}) == 0


async def test_a_repeated_change_is_answered_with_its_first_reply(rooms: Rooms) -> None:
    memory_id, sender = await rooms.remember("a b c"), origin()
    command = UpdateMemory(memory_id=memory_id, changes=MemoryChanges(importance=None, tags=["x"]))

    first = await update(rooms, command, sender)

    assert await update(rooms, command, sender) == first
    with pytest.raises(Conflict):
        await update(rooms, UpdateMemory(memory_id=memory_id, changes=MemoryChanges(tags=["y"])), sender)
    with pytest.raises(Conflict):
        await update(rooms, UpdateMemory(memory_id=memory_id, changes=MemoryChanges(tags=["x"])), sender)


async def test_a_change_is_made_while_the_vector_engine_is_away(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c")
    rooms.vectors.away = True

    changed = await update(rooms, UpdateMemory(memory_id=memory_id, changes=MemoryChanges(tags=["new"])))

    assert changed.tags == ["new"]
    assert await rooms.projections.behind() == 1


async def test_a_change_of_a_memory_that_is_not_there_is_not_found(rooms: Rooms) -> None:
    with pytest.raises(NotFound):
        await update(rooms, UpdateMemory(memory_id=uuid4(), changes=MemoryChanges(content="x")))


class Refusing:
    """An embedder that takes no text."""

    model, dimension = "words", 64

    async def embed(self, texts: object) -> list[list[float]]:
        raise EmbeddingRefused(f"{texts} cannot be embedded.")


async def test_a_change_to_a_text_that_cannot_be_embedded_is_refused(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c")
    command = UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="x"))

    with pytest.raises(EmbeddingRefused):
        await update_memory(command, origin=origin(), **{**rooms.ports, "embedder": Refusing()})

    assert await rooms.recalled("a b c") == ["a b c"]


async def test_a_deleted_memory_is_nowhere_and_the_receipt_says_so(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c")

    outcome = await delete(rooms, DeleteMemory(memory_id=memory_id))

    assert outcome.model_dump() == {
        "success": True,
        "memory_id": memory_id,
        "status": "deleted",
        "message": "The memory is deleted: no answer and no store has it any more.",
        "stores": [
            {"name": "ledger", "removed": 1, "pending": 0},
            {"name": "vectors", "removed": 1, "pending": 0},
        ],
    }
    assert await rooms.vectors.count({}) == 0
    assert await rooms.recalled("a b c") == []
    assert await rooms.projections.behind() == 0


async def test_a_deletion_while_the_vector_engine_is_away_hides_the_memory_at_once(rooms: Rooms) -> None:
    memory_id, sender = await rooms.remember("a b c"), origin()
    rooms.vectors.away = True

    accepted = await delete(rooms, DeleteMemory(memory_id=memory_id), sender)

    rooms.vectors.away = False
    assert accepted.status == "accepted"
    assert await rooms.recalled("a b c") == []
    again = await delete(rooms, DeleteMemory(memory_id=memory_id), sender)
    assert again.status == "deleted"
    assert await rooms.vectors.count({}) == 0


async def test_a_deletion_of_what_is_not_there_refuses_the_store_that_comes_later(rooms: Rooms) -> None:
    memory_id = uuid4()

    outcome = await delete(rooms, DeleteMemory(memory_id=memory_id))
    [late] = await rooms.store(StoreMemory(content="a b c", id=memory_id))

    assert outcome.status == "absent"
    assert isinstance(late, Gone)
    assert (await delete(rooms, DeleteMemory(memory_id=memory_id))).status == "absent"


async def test_a_deletion_of_what_the_agent_does_not_see_is_not_found(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c", agent_id="ada")

    with pytest.raises(NotFound):
        await delete(rooms, DeleteMemory(memory_id=memory_id, agent_id="bob"))

    assert await rooms.recalled("a b c", agent_id="ada") == ["a b c"]


async def test_a_deletion_reaches_the_tenant_that_asks_and_no_other(rooms: Rooms) -> None:
    memory_id = uuid4()
    for tenant in ("a", "b"):
        await rooms.remember("same", tenant=tenant, id=memory_id)

    await delete(rooms, DeleteMemory(memory_id=memory_id), origin(tenant="a"))

    assert await rooms.recalled("same", tenant="a") == []
    assert await rooms.recalled("same", tenant="b") == ["same"]


async def test_a_memory_and_its_history_are_read(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c", agent_id="ada")
    changed = await update(
        rooms, UpdateMemory(memory_id=memory_id, agent_id="ada", changes=MemoryChanges(content="x"))
    )

    found = await get_memory(
        GetMemory(memory_id=memory_id, agent_id="ada"), origin=origin(), memories=rooms.memories
    )
    history = await get_history(
        GetHistory(memory_id=memory_id, agent_id="ada"), origin=origin(), memories=rooms.memories
    )

    assert found == changed
    assert history.memory_id == memory_id
    assert [(version.version, version.content) for version in history.versions] == [(1, "a b c"), (2, "x")]
    assert MemoryFound.model_validate_json(found.model_dump_json()) == found
    assert type(history).model_validate_json(history.model_dump_json()) == history


async def test_a_memory_that_another_tenant_has_is_not_found(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c", tenant="other")

    with pytest.raises(NotFound):
        await get_memory(GetMemory(memory_id=memory_id), origin=origin(), memories=rooms.memories)
