"""An event loop in a thread of its own, for those who wait in theirs."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, cast

from memos.errors import Closed

T = TypeVar("T")
R = TypeVar("R")

Call = Callable[[], None]

END = object()


class Work(Generic[R]):
    """A coroutine that whoever waits for it may give up at any moment, also before it has begun."""

    def __init__(self, coroutine: Coroutine[Any, Any, R]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Any] | None = None
        self._given_up = False
        self.done = False

    async def result(self) -> R:
        """Its result. Raises `CancelledError` when it was given up."""
        self._task = asyncio.current_task()
        try:
            if self._given_up:
                raise asyncio.CancelledError
            return await self._coroutine
        finally:
            self.done = True
            self._coroutine.close()

    def give_up(self) -> None:
        """Cancel it; called in the loop."""
        self._given_up = True
        if self._task and not self.done:
            self._task.cancel()

    def drop(self) -> None:
        """It is not to begin."""
        self.done = True
        self._coroutine.close()


class Source(Generic[R]):
    """An asynchronous iterator that is gone through step by step, and may be ended between and in its steps."""

    def __init__(self, iterator: AsyncIterator[R]) -> None:
        self._iterator = iterator
        self._turn = asyncio.Lock()  # a step that is cancelled may take a moment to end
        self._step: asyncio.Task[Any] | None = None

    async def step(self) -> R | object:
        """What comes next, or `END`."""
        async with self._turn:
            self._step = asyncio.current_task()
            try:
                return await anext(self._iterator, END)
            finally:
                self._step = None

    async def end(self) -> None:
        """Let it end, after the step under way, which is cancelled."""
        if self._step and not self._step.cancelling():
            self._step.cancel()
        async with self._turn:
            if isinstance(self._iterator, AsyncGenerator):
                await self._iterator.aclose()


class LoopThread:
    """Runs an event loop; what is asked of it by any thread is waited for by that thread.

    Whoever is interrupted while waiting, by Ctrl-C for instance, cancels what was asked. A process that is forked
    from its own has no such thread, so nothing is taken there.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._main, name="memos-client", daemon=True)
        self._taking = threading.RLock()  # a generator may be collected, and so ended, while a thread holds it
        self._closed = False
        self._process = os.getpid()
        self._sources: set[Source[Any]] = set()
        self._ending = False

    @property
    def is_here(self) -> bool:
        """Whether it runs in this process, not in one that this was forked from."""
        return os.getpid() == self._process

    def start(self) -> None:
        """Begin to take work."""
        self._thread.start()

    def stop(self) -> None:
        """Cancel what is left, and return when the thread has ended."""
        with self._taking:
            self._closed = True
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """The result of a coroutine. Raises `Closed` when the thread has stopped, or stops meanwhile."""
        work = Work(coroutine)
        try:
            return _result(self._submitted(work))
        finally:
            self._give_up(work)

    def run_calling(self, made: Callable[["Caller"], Coroutine[Any, Any, R]]) -> R:
        """The same for a coroutine that has functions called in the thread which waits for it."""
        calls: SimpleQueue[Call | None] = SimpleQueue()
        work = Work(made(Caller(self._loop, calls)))
        try:
            future = self._submitted(work)
            future.add_done_callback(lambda _: calls.put(None))
            while call := calls.get():
                call()
            return _result(future)
        finally:
            self._give_up(work)

    def iterate(self, source: AsyncIterator[R]) -> Generator[R, None, None]:
        """What an asynchronous iterator yields; each is waited for when it is asked for."""
        begun = Source(source)
        try:
            while (item := self.run(self._step(begun))) is not END:
                yield cast("R", item)
        finally:
            # Not waited for: a generator may be collected in any thread, the loop's own as well.
            with suppress(Closed):
                self._submitted(Work(self._end(begun)))

    async def end_sources(self) -> None:
        """End the iterations that are not at their end, and let no other begin; awaited in the loop.

        They end one after the other, before the loop itself would end each of the generators that they consist of.
        """
        self._ending = True
        async with AsyncExitStack() as stack:
            for source in self._sources:
                stack.push_async_callback(source.end)

    async def _step(self, source: Source[Any]) -> Any:
        if self._ending:
            raise _closed()
        self._sources.add(source)
        return await source.step()

    async def _end(self, source: Source[Any]) -> None:
        try:
            await source.end()
        finally:
            self._sources.discard(source)

    def _submitted(self, work: Work[R]) -> "Future[R]":
        if not self.is_here:  # asked before the lock, which another thread may have held when this was forked
            work.drop()
            raise _elsewhere(self._process)
        with self._taking:
            if self._closed:
                work.drop()
                raise _closed()
            return asyncio.run_coroutine_threadsafe(work.result(), self._loop)

    def _give_up(self, work: Work[Any]) -> None:
        """Cancel what nobody waits for any more, if it is not done."""
        if not work.done:
            with suppress(RuntimeError):  # the loop is closed, and has cancelled it
                self._loop.call_soon_threadsafe(work.give_up)

    def _main(self) -> None:
        with self._runner as runner:
            runner.run(self._stopping.wait())


class Caller:
    """Has functions called in the thread that waits for the loop, which goes on meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop, calls: "SimpleQueue[Call | None]") -> None:
        self._loop = loop
        self._calls = calls

    async def call(self, function: Callable[[], R]) -> R:
        """What the function returns. Raises what it raises, but for an interruption, which ends the waiting."""
        outcome: asyncio.Future[R] = self._loop.create_future()
        self._calls.put(partial(self._called, function, outcome))
        return await outcome

    def _called(self, function: Callable[[], R], outcome: "asyncio.Future[R]") -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - it is raised in the loop, where the result is awaited
            self._settle(outcome, partial(outcome.set_exception, error))
        else:
            self._settle(outcome, partial(outcome.set_result, result))

    def _settle(self, outcome: "asyncio.Future[R]", settle: Call) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody awaits it any more
            self._loop.call_soon_threadsafe(lambda: None if outcome.done() else settle())


@contextmanager
def opened(context: AbstractAsyncContextManager[T]) -> Iterator[tuple[LoopThread, T]]:
    """A thread with a loop of its own in which a context is open, and what the context gave."""
    thread, stack = LoopThread(), AsyncExitStack()
    thread.start()
    try:
        entered = thread.run(stack.enter_async_context(context))
        stack.push_async_callback(thread.end_sources)
        yield thread, entered
    finally:
        if thread.is_here:
            _close(thread, stack)


def _close(thread: LoopThread, stack: AsyncExitStack) -> None:
    try:
        thread.run(stack.aclose())
    finally:
        thread.stop()


def _result(future: "Future[R]") -> R:
    try:
        return future.result()
    except CancelledError as error:
        raise _closed() from error


def _closed() -> Closed:
    return Closed(
        "The client was closed before it had an answer. Open another, and send the command again with the same id "
        "to learn the outcome."
    )


def _elsewhere(process: int) -> Closed:
    return Closed(
        f"The client was opened in process {process} and works there alone; this process was forked from it. "
        "Open another client in this one."
    )
