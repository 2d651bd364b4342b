"""What a lane counts."""

from collections.abc import Mapping
from uuid import uuid4

from lanes import OpenLane, Wire, event
from running import until

from memos.errors import NotFound
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory
from memos.events.streams import STREAM_OF
from memos.handlers import Handler
from memos.telemetry import Telemetry

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
DATA = {"memory_id": str(uuid4())}


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


async def get(command: GetMemory) -> DeleteOutcome:
    raise NotFound("No such memory.")


def counted(telemetry: Telemetry, name: str, labels: Mapping[str, str]) -> float | None:
    return telemetry.registry.get_sample_value(name, dict(labels))


async def test_commands_are_counted_by_what_became_of_them(wire: Wire, open_lane: OpenLane) -> None:
    telemetry = Telemetry()
    await wire.put(GETS, event(GetMemory, DATA, ttlms=1))
    await until(lambda: past(wire, 1))
    async with open_lane(Handler(DeleteMemory, delete), Handler(GetMemory, get), telemetry=telemetry):
        for _ in range(3):
            await wire.put(DELETES, event(DeleteMemory, DATA))
        await wire.put(DELETES, event(DeleteMemory, {}))
        await wire.put(GETS, event(GetMemory, DATA))
        await wire.replies(5)
        await wire.nothing_left(DELETES)
        await wire.nothing_left(GETS)
    handled = "memos_commands_total"
    assert counted(telemetry, handled, {"stream": DELETES.name, "outcome": "done"}) == 3
    assert counted(telemetry, handled, {"stream": DELETES.name, "outcome": "invalid"}) == 1
    assert counted(telemetry, handled, {"stream": GETS.name, "outcome": "not-found"}) == 1
    assert counted(telemetry, handled, {"stream": GETS.name, "outcome": "expired"}) is None
    assert counted(telemetry, "memos_expired_reads_total", {"stream": GETS.name}) == 1
    assert counted(telemetry, "memos_command_seconds_count", {"stream": DELETES.name}) == 4
    assert counted(telemetry, "memos_dead_letters_total", {"stream": DELETES.name, "code": "invalid"}) == 1


async def past(wire: Wire, milliseconds: int) -> bool:
    """Whether the first read was added longer ago."""
    [(entry, _)] = await wire.redis.xrange(GETS.name, count=1)
    seconds, microseconds = await wire.redis.time()
    return bool(seconds * 1000 + microseconds / 1000 > int(entry.partition(b"-")[0]) + milliseconds + 5)


async def test_reads_that_fail_are_counted_as_failures_of_redis(wire: Wire, open_lane: OpenLane) -> None:
    telemetry = Telemetry()
    async with open_lane(Handler(DeleteMemory, delete), telemetry=telemetry):
        await wire.put(DELETES, event(DeleteMemory, DATA))
        await wire.reply()
        await wire.redis.client_kill_filter(_type="normal", skipme=True)

        async def failed() -> bool:
            return bool(counted(telemetry, "memos_engine_failures_total", {"engine": "redis"}))

        await until(failed)
