"""Work that is bounded by a moment, and texts that are read once."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from builders import WordsEmbedder, vector_of
from tasks_left import own_tasks

from memos.errors import CollectionMissing, Conflict, MemosError, NotFound, Unavailable
from memos.handlers.bounded import ReadOnce, bounded
from memos.records import Vector
from memos.waiting import Stragglers


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
async def stragglers() -> AsyncIterator[Stragglers]:
    async with Stragglers() as opened:
        yield opened


class Slow(WordsEmbedder):
    """Reads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        vectors = await super().embed(texts)
        await self.go.wait()
        return vectors


async def test_what_is_there_in_time_is_the_result(stragglers: Stragglers) -> None:
    async def work() -> int:
        return 7

    result, lack, milliseconds = await bounded(work(), now() + 60, stragglers)

    assert (result, lack) == (7, None)
    assert 0 < milliseconds < 60_000


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unavailable("It is away."), "away"),
        (CollectionMissing("It is away."), "away"),
        (NotFound("There is none."), "not_found"),
        (Conflict("It is another."), "failed"),
    ],
)
async def test_an_error_that_was_foreseen_is_a_lack(error: MemosError, reason: str, stragglers: Stragglers) -> None:
    async def work() -> None:
        raise error

    _, lack, _ = await bounded(work(), now() + 60, stragglers)

    assert lack == (reason, error.detail)


async def test_an_error_that_was_not_foreseen_is_raised(stragglers: Stragglers) -> None:
    async def work() -> None:
        raise TimeoutError("one of its own")

    with pytest.raises(TimeoutError, match="one of its own"):
        await bounded(work(), now() + 60, stragglers)


async def test_what_is_late_and_does_not_end_at_once_ends_in_the_background_and_is_awaited_when_that_closes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before, engine, over = own_tasks(), asyncio.Event(), False

    async def work() -> None:
        nonlocal over
        try:
            await asyncio.Event().wait()
        finally:
            await engine.wait()
            over = True
            raise TimeoutError("of an engine that hangs")

    async with Stragglers() as stragglers:
        _, lack, _ = await bounded(work(), now(), stragglers)
        assert not over
        engine.set()

    assert lack is not None
    assert lack.reason == "late"
    assert over
    assert own_tasks() <= before
    assert "ended with TimeoutError: of an engine that hangs" in caplog.text


async def test_what_does_not_heed_its_cancellation_is_cancelled_again() -> None:
    cancelled = 0

    async def work() -> None:
        nonlocal cancelled
        while cancelled < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled += 1
        raise asyncio.CancelledError

    async with Stragglers() as stragglers:
        await bounded(work(), now(), stragglers)
        assert cancelled == 1

    assert cancelled == 2


async def test_who_is_cancelled_while_giving_up_leaves_no_task_behind() -> None:
    before, begun, engine = own_tasks(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await engine.wait()

    async with Stragglers() as stragglers:
        asking = asyncio.create_task(bounded(work(), now() + 60, stragglers))
        await begun.wait()
        for _ in range(3):
            asking.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({asking})
        assert own_tasks() > before
        engine.set()

    assert own_tasks() <= before


@pytest.mark.parametrize(("error", "raised"), [(Unavailable("It is away."), False), (ValueError("odd"), True)])
async def test_what_is_late_and_ends_otherwise_than_by_its_cancellation(
    error: Exception, raised: bool, stragglers: Stragglers
) -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise error

    if raised:
        with pytest.raises(ValueError, match="odd"):
            await bounded(work(), now(), stragglers)
    else:
        _, lack, _ = await bounded(work(), now(), stragglers)
        assert lack is not None
        assert lack.reason == "late"


async def test_a_text_is_read_once_however_many_ask_at_once(stragglers: Stragglers) -> None:
    embedder = Slow()

    async with ReadOnce(embedder, stragglers) as reading:
        asking = [asyncio.create_task(reading.embed(texts)) for texts in (["a", "b"], ["b", "a"], ["b", "c", "c"])]
        await asyncio.sleep(0)
        embedder.go.set()
        found = await asyncio.gather(*asking)

    assert embedder.asked == ["a", "b", "c"]
    assert found == [[vector_of(text) for text in texts] for texts in ("ab", "ba", "bcc")]
    assert (reading.model, reading.dimension) == (embedder.model, embedder.dimension)


async def test_who_is_cancelled_does_not_take_the_reading_from_others(stragglers: Stragglers) -> None:
    embedder = Slow()

    async with ReadOnce(embedder, stragglers) as reading:
        first, second = (asyncio.create_task(reading.embed(["a"])) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})
        embedder.go.set()

        assert await second == [vector_of("a")]
        assert first.cancelled()


async def test_what_is_being_read_is_given_up_in_the_end(stragglers: Stragglers) -> None:
    before = own_tasks()

    async with ReadOnce(Slow(), stragglers) as reading:
        asking = asyncio.create_task(reading.embed(["a"]))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})

    assert own_tasks() <= before
