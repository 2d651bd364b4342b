"""Dead letters are listed, shown, sent again with their own ids, and thrown away."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from conftest import Engines
from lanes import OpenLane, Wire, event
from running import command

from memos.broker.dead_letters import DeadLetter, LetterSelection, discard, redrive, require_named, selected
from memos.errors import InternalError, InvalidCommand, NotFound
from memos.events.envelope import FIELD
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, StoreMemory
from memos.events.streams import STREAM_OF, Stream
from memos.handlers import Handler
from memos.records import Origin

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
STORES = STREAM_OF[StoreMemory]
DATA = {"memory_id": str(uuid4())}


async def bury(wire: Wire, stream: Stream, number: int = 1, code: str = "internal") -> list[str]:
    """Dead letters as a worker leaves them; their ids."""
    ids = []
    for place in range(number):
        fields = {
            FIELD: json.dumps(event(DeleteMemory, DATA, id=f"{code} {place}")),
            "note": b"\xff\x00",
            "memos:entry": "1767225600000-0",
            "memos:stream": stream.name,
            "memos:code": code,
            "memos:reason": "The [bold]reason[/bold].",
            "memos:attempts": "3",
            "memos:first": "2026-01-01T00:00:00.000+00:00",
            "memos:time": "2026-01-01T00:00:09.000+00:00",
            "memos:traceback": "0123456789abcdef memos/handlers/memories/change.py:1 delete_memory",
        }
        ids.append(f"{stream.name}/{(await wire.redis.xadd(stream.dead, fields)).decode()}")
    return ids


async def found(wire: Wire, **selection: Any) -> list[DeadLetter]:
    return [letter async for _, letter in selected(wire.redis, LetterSelection(**selection))]


async def test_a_command_that_failed_is_done_when_it_is_sent_again_under_its_own_id(
    wire: Wire, open_lane: OpenLane
) -> None:
    seen: list[Origin] = []

    async def handle(command: DeleteMemory, *, origin: Origin) -> DeleteOutcome:
        seen.append(origin)
        if len(seen) == 1:
            raise InternalError("A bug, mended since.")
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")

    async with open_lane(Handler(DeleteMemory, handle)):
        await wire.put(DELETES, event(DeleteMemory, DATA, id="7", tenant="acme"))
        assert (await wire.reply()).data["code"] == "internal"
        await wire.dead(DELETES)
        assert await redrive(wire.redis, LetterSelection()) == 1
        assert (await wire.reply()).type == DELETES.reply_type
        await wire.nothing_left(DELETES)
    assert seen == [Origin("acme", "wire", "7")] * 2
    assert await wire.redis.xlen(DELETES.dead) == 0


async def test_what_is_sent_again_has_its_own_fields_alone(wire: Wire) -> None:
    await bury(wire, DELETES)
    await redrive(wire.redis, LetterSelection())
    [(_, fields)] = await wire.redis.xrange(DELETES.name)
    assert fields.keys() == {FIELD.encode(), b"note"}
    assert fields[b"note"] == b"\xff\x00"


async def test_two_that_redrive_at_once_send_each_command_once(wire: Wire) -> None:
    await bury(wire, DELETES, 250)
    moved = await asyncio.gather(*(redrive(wire.redis, LetterSelection()) for _ in range(2)))
    assert sum(moved) == await wire.redis.xlen(DELETES.name) == 250
    assert await wire.redis.xlen(DELETES.dead) == 0


async def test_letters_are_selected_by_id_type_and_error(wire: Wire) -> None:
    first, second = await bury(wire, DELETES, 2)
    [third] = await bury(wire, STORES, 1, "unavailable")
    assert [letter.id for letter in await found(wire, ids=frozenset({second}))] == [second]
    assert [letter.id for letter in await found(wire, type=DELETES.name)] == [first, second]
    assert [letter.id for letter in await found(wire, type=STORES.event_type)] == [third]
    assert [letter.id for letter in await found(wire, error="unavailable")] == [third]
    assert await found(wire, error="unavailable", type=DELETES.name) == []
    assert len(await found(wire)) == 3


async def test_only_what_is_selected_is_sent_or_thrown_away(wire: Wire) -> None:
    await bury(wire, DELETES, 3, "unavailable")
    [kept] = await bury(wire, DELETES, 1, "invalid")
    [gone] = await bury(wire, STORES, 1, "invalid")
    assert await redrive(wire.redis, LetterSelection(error="unavailable")) == 3
    assert await discard(wire.redis, LetterSelection(ids=frozenset({gone}))) == 1
    assert [letter.id for letter in await found(wire)] == [kept]
    assert await wire.redis.xlen(DELETES.name) == 3
    assert not await wire.redis.exists(STORES.name)


def test_a_type_that_no_stream_takes_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidCommand, match=r"memos:nothing.*memos\.store\.v1"):
        LetterSelection(type="memos:nothing")


def test_an_error_that_there_is_not_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidCommand, match=r"nonsense.*malformed.*unavailable"):
        LetterSelection(error="nonsense")


async def test_what_is_named_has_to_be_there_whatever_else_is_asked_of_it(wire: Wire) -> None:
    [there] = await bury(wire, DELETES)
    await require_named(wire.redis, LetterSelection(error="unavailable"))
    await require_named(wire.redis, LetterSelection(frozenset({there}), error="unavailable"))
    for absent in (there.replace(DELETES.name, STORES.name), f"{DELETES.name}/1-0", "nothing"):
        with pytest.raises(NotFound, match=f"There is no dead letter {absent}"):
            await require_named(wire.redis, LetterSelection(frozenset({there, absent})))


async def test_a_letter_without_history_or_document_is_read_all_the_same(wire: Wire) -> None:
    await wire.redis.xadd(GETS.dead, {"any": b"\xff"})
    await wire.redis.xadd(GETS.dead, {FIELD: b"no json \xff", "memos:code": "malformed"})
    bare, malformed = await found(wire, type=GETS.name)
    assert (bare.attempts, bare.reason, bare.document, bare.command) == (1, "", None, None)
    assert bare.fields == {"any": "\ufffd"}
    assert malformed.command == "no json \ufffd"
    assert malformed.fields == {FIELD: "no json \ufffd"}


async def run(engines: Engines, *words: str) -> Any:
    """The JSON that a command of `memos dead-letters` prints."""
    ended = await command("dead-letters", *words, "--json", "--url", engines.redis_url)
    assert (ended.code, ended.errors) == (0, "")
    return json.loads(ended.output)


async def test_the_command_lists_shows_redrives_and_discards(engines: Engines, wire: Wire) -> None:
    first, _ = await bury(wire, DELETES, 2)
    await bury(wire, STORES, 1, "invalid")
    listed = await run(engines, "list")
    assert [(each["stream"], each["code"], each["attempts"]) for each in listed] == [
        (STORES.name, "invalid", 3),
        (DELETES.name, "internal", 3),
        (DELETES.name, "internal", 3),
    ]
    [shown] = await run(engines, "show", "--id", first)
    assert (shown["command"]["id"], shown["command"]["data"]) == ("internal 0", DATA)
    assert shown["traceback"].endswith("change.py:1 delete_memory")
    assert shown["entry_id"] == "1767225600000-0"
    assert shown["added_at"] < shown["dead_at"] == "2026-01-01T00:00:09.000+00:00"
    assert await run(engines, "redrive", "--type", DELETES.event_type) == {"redriven": 2}
    assert await run(engines, "discard", "--all") == {"discarded": 1}
    assert await run(engines, "list") == []
    assert await wire.redis.xlen(DELETES.name) == 2


async def test_the_command_prints_reasons_as_they_are(engines: Engines, wire: Wire) -> None:
    [letter] = await bury(wire, DELETES)
    ended = await command("dead-letters", "list", "--url", engines.redis_url)
    assert letter in ended.output
    assert "The [bold]reason[/bold]." in ended.output
    shown = await command("dead-letters", "show", "--all", "--url", engines.redis_url)
    assert DATA["memory_id"] in shown.output


async def said(engines: Engines, *words: str) -> str:
    """What a command of `memos dead-letters` prints for a reader."""
    ended = await command("dead-letters", *words, "--url", engines.redis_url)
    assert (ended.code, ended.errors) == (0, "")
    return ended.output


async def test_the_command_shows_what_a_letter_without_a_command_holds_and_nothing_that_it_lacks(
    engines: Engines, wire: Wire
) -> None:
    await wire.redis.xadd(GETS.dead, {"question": "Where?", "memos:code": "malformed"})
    shown = await said(engines, "show", "--all")
    assert '"question": "Where?"' in shown
    assert "code: malformed" in shown
    assert "None" not in shown
    assert "dead_at" not in shown
    [as_json] = await run(engines, "show", "--all")
    assert (as_json["fields"], as_json["traceback"]) == ({"question": "Where?"}, None)
    assert "command" not in as_json


async def test_the_command_tells_nothing_found_from_nothing_there(engines: Engines, wire: Wire) -> None:
    assert await said(engines, "list") == "There are no dead letters.\n"
    assert await said(engines, "discard", "--all") == "There are no dead letters.\n"
    [letter] = await bury(wire, DELETES, 1, "invalid")
    for words in (("list",), ("show",), ("redrive",), ("discard", "--id", letter)):
        assert await said(engines, *words, "--error", "gone") == "No dead letter fits what was given.\n"
    assert await wire.redis.xlen(DELETES.dead) == 1


async def test_the_command_counts_what_it_sent_again_or_threw_away(engines: Engines, wire: Wire) -> None:
    first, second, *_ = await bury(wire, DELETES, 6)
    assert await said(engines, "redrive", "--id", first) == "1 dead letter is on its stream again.\n"
    assert await said(engines, "discard", "--id", second) == "1 dead letter is thrown away.\n"
    assert await said(engines, "redrive", "--all") == "4 dead letters are on their streams again.\n"
    await bury(wire, DELETES, 2)
    assert await said(engines, "discard", "--all") == "2 dead letters are thrown away.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("redrive",), "Give --id, --type or --error, or --all"),
        (("discard",), "Give --id, --type or --error, or --all"),
        (("show",), "Give --id, --type or --error, or --all"),
        (("discard", "--type", "memos.nothing.v1"), "No stream takes memos.nothing.v1"),
        (("list", "--error", "nonsense"), "There is no error nonsense"),
        (("show", "--id", "memos:store/1-0"), "There is no dead letter memos:store/1-0. See `memos dead"),
        (("redrive", "--id", "memos:store/1-0"), "There is no dead letter memos:store/1-0. See `memos dead"),
        (("discard", "--id", "memos:store/1-0"), "There is no dead letter memos:store/1-0. See `memos dead"),
        (("list", "--url", "http://127.0.0.1:1"), "Dead letters are on the bus"),
        (("list", "--url", "unix:///nowhere.sock"), "does not answer"),
    ],
)
async def test_the_command_refuses_in_one_line(
    engines: Engines, wire: Wire, words: tuple[str, ...], message: str
) -> None:
    address = () if "--url" in words else ("--url", engines.redis_url)
    await bury(wire, DELETES)
    ended = await command("dead-letters", *words, *address)
    assert (ended.code, ended.output) == (1, "")
    assert message in ended.errors
    assert len(ended.errors.splitlines()) == 1
    assert await wire.redis.xlen(DELETES.dead) == 1
