"""Waiting, in one thread, for a loop that runs in another."""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from multiprocessing import get_context
from typing import Any

import pytest
from logs import logged

from memos.client.threaded import Caller, LoopThread, opened
from memos.errors import Closed, NotFound

PATIENCE = 20.0


class Bell:
    """What is open while a test runs, and tells what became of what was asked."""

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self.cancelled = threading.Event()
        self.ended = threading.Event()

    async def wait(self) -> None:
        try:
            self.waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def count(self, number: int) -> AsyncIterator[int]:
        try:
            for each in range(number):
                yield each
            await self.wait()
        finally:
            self.ended.set()


@asynccontextmanager
async def bell() -> AsyncIterator[Bell]:
    yield Bell()


@pytest.fixture
def at() -> Iterator[tuple[LoopThread, Bell]]:
    with opened(bell()) as pair:
        yield pair


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises `KeyboardInterrupt`, whatever a loop of other tests made of it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def interrupt_once(event: threading.Event) -> threading.Thread:
    """Press Ctrl-C when an event is set."""

    def press() -> None:
        assert event.wait(PATIENCE)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


async def ident() -> int:
    return threading.get_ident()


async def missing() -> None:
    raise NotFound("Nothing.")


def test_what_is_asked_runs_in_another_thread_and_raises_what_it_raises(at: tuple[LoopThread, Bell]) -> None:
    assert at[0].run(ident()) != threading.get_ident()
    with pytest.raises(NotFound, match=r"Nothing\."):
        at[0].run(missing())


async def test_it_works_where_a_loop_runs_already() -> None:
    with opened(bell()) as (thread, _):
        assert thread.run(ident()) != threading.get_ident()


def test_many_threads_wait_at_once(at: tuple[LoopThread, Bell]) -> None:
    thread, _ = at
    gate = thread.run(barrier(8))
    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(lambda _: thread.run(pass_through(gate)), range(8))) == list(range(8))


async def barrier(number: int) -> asyncio.Barrier:
    return asyncio.Barrier(number)


async def pass_through(gate: asyncio.Barrier) -> int:
    return await gate.wait()


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_passes_and_cancels_what_was_asked(at: tuple[LoopThread, Bell]) -> None:
    thread, rung = at
    pressing = interrupt_once(rung.waiting)
    with pytest.raises(KeyboardInterrupt):
        thread.run(rung.wait())
    pressing.join()
    assert rung.cancelled.wait(PATIENCE)
    assert thread.run(ident())


def test_an_iteration_is_a_generator_and_ends_with_it(at: tuple[LoopThread, Bell]) -> None:
    thread, rung = at
    counted: list[int] = []
    for number in thread.iterate(rung.count(5)):
        counted.append(number)
        if number == 2:
            break
    assert counted == [0, 1, 2]
    assert rung.ended.wait(PATIENCE)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_iteration_ends(at: tuple[LoopThread, Bell]) -> None:
    thread, rung = at
    pressing = interrupt_once(rung.waiting)
    counted: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        counted.extend(thread.iterate(rung.count(2)))
    pressing.join()
    assert rung.ended.wait(PATIENCE)
    assert thread.run(ident())


def test_closing_ends_what_others_wait_for_and_the_thread() -> None:
    before = threading.active_count()
    with ThreadPoolExecutor(2) as threads:
        with opened(bell()) as (thread, rung):
            waiting = threads.submit(thread.run, rung.wait())
            following = threads.submit(list, thread.iterate(rung.count(3)))
            assert rung.waiting.wait(PATIENCE)
        for one in (waiting, following):
            with pytest.raises(Closed, match=r"same id"):
                one.result(PATIENCE)
    assert threading.active_count() == before


def test_after_closing_nothing_is_taken_and_a_generator_that_is_left_over_is_quiet() -> None:
    with opened(bell()) as (thread, rung):
        numbers = thread.iterate(rung.count(3))
        assert next(numbers) == 0
    with pytest.raises(Closed):
        thread.run(rung.wait())
    with pytest.raises(Closed):
        next(numbers)
    del numbers
    gc.collect()


class Nest(Bell):
    """Yields what a generator of its own yields, and cannot end once it has closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed_before_ended = False

    async def counted(self, number: int) -> AsyncIterator[int]:
        async with aclosing(self.slowly_ended(number)) as inner:
            async for each in inner:
                yield each

    async def slowly_ended(self, number: int) -> AsyncGenerator[int, None]:
        try:
            async for each in self.count(number):
                yield each
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.ended.set()


@asynccontextmanager
async def nest() -> AsyncIterator[Nest]:
    rung = Nest()
    yield rung
    rung.closed_before_ended = not rung.ended.is_set()


def test_a_generator_that_is_held_when_all_is_closed_has_ended_before(caplog: pytest.LogCaptureFixture) -> None:
    with opened(nest()) as (thread, rung):
        numbers = thread.iterate(rung.counted(3))
        assert next(numbers) == 0
    assert not rung.closed_before_ended
    assert logged(caplog, "asyncio", "memos.client") == []
    with pytest.raises(Closed):
        next(numbers)


def test_a_generator_that_others_wait_in_has_ended_before_all_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    with ThreadPoolExecutor(1) as threads:
        with opened(nest()) as (thread, rung):
            following = threads.submit(list, thread.iterate(rung.counted(3)))
            assert rung.waiting.wait(PATIENCE)
        with pytest.raises(Closed, match="same id"):
            following.result(PATIENCE)
    assert not rung.closed_before_ended
    assert logged(caplog, "asyncio", "memos.client") == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_is_told_to_open_another_and_leaves_that_of_its_parent_alone() -> None:
    processes = get_context("fork")
    told = processes.SimpleQueue()
    with opened(bell()) as (thread, rung):
        numbers = thread.iterate(rung.count(3))
        assert next(numbers) == 0
        child = processes.Process(target=ask_all, args=(thread, rung, numbers, told), daemon=True)
        with thread._taking:
            child.start()
        child.join(PATIENCE)
        assert child.exitcode == 0
        assert told.get() == [f"opened in process {os.getpid()}"] * 3
        assert next(numbers) == 1
        assert thread.run(ident())


def ask_all(thread: LoopThread, rung: Bell, numbers: Iterator[int], told: Any) -> None:
    asked = [lambda: thread.run(rung.wait()), lambda: next(numbers), lambda: thread.run_calling(call_ident)]
    told.put([refusal(one) for one in asked])


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(Closed, match="Open another client") as refused:
        ask()
    return " ".join(refused.value.detail.split()[3:7])


async def call_ident(caller: Caller) -> int:
    return await caller.call(threading.get_ident)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_leaves_the_context_quietly() -> None:
    processes = get_context("fork")
    context = opened(bell())
    thread, _ = context.__enter__()
    child = processes.Process(target=context.__exit__, args=(None, None, None), daemon=True)
    with thread._taking:
        child.start()
    child.join(PATIENCE)
    assert child.exitcode == 0
    assert thread.run(ident())
    context.__exit__(None, None, None)


def test_what_cannot_be_opened_says_so_and_leaves_no_thread() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[Bell]:
        raise NotFound("No bell.")
        yield Bell()

    before = threading.active_count()
    with pytest.raises(NotFound, match="No bell"), opened(broken()):
        pass
    assert threading.active_count() == before


def test_a_function_is_called_in_the_thread_that_waits_while_the_loop_goes_on(
    at: tuple[LoopThread, Bell],
) -> None:
    thread, _ = at

    async def work(caller: Caller) -> tuple[int, int]:
        return await caller.call(threading.get_ident), threading.get_ident()

    called, loop = thread.run_calling(work)
    assert called == threading.get_ident() != loop
    with pytest.raises(ZeroDivisionError):
        thread.run_calling(lambda caller: caller.call(lambda: 1 // 0))
    assert thread.run_calling(lambda caller: caller.call(lambda: thread.run(ident()))) == loop


def test_a_function_that_is_interrupted_cancels_what_waits_for_it(at: tuple[LoopThread, Bell]) -> None:
    thread, rung = at

    def interrupted() -> None:
        raise KeyboardInterrupt

    async def work(caller: Caller) -> None:
        try:
            await caller.call(interrupted)
        finally:
            rung.ended.set()

    with pytest.raises(KeyboardInterrupt):
        thread.run_calling(work)
    assert rung.ended.wait(PATIENCE)
