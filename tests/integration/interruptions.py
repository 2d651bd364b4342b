"""Work that ends or stands still in the midst of it, as that of a worker that is killed or stopped."""

import asyncio
from collections.abc import Awaitable
from typing import Any


class Crash(Exception):
    """The worker died here."""


class Fuse:
    """Ends the work at one call of one port, once."""

    def __init__(self) -> None:
        self.at: str | None = None

    def burn(self, call: str) -> None:
        """Raise `Crash` if the work is to end here."""
        if self.at == call:
            self.at = None
            raise Crash(call)


class Fused:
    """A port whose calls may end the work before they have done anything."""

    def __init__(self, name: str, port: Any, fuse: Fuse) -> None:
        self._name, self._port, self._fuse = name, port, fuse

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(member):
            return member

        async def call(*args: Any, **named: Any) -> Any:
            self._fuse.burn(f"{self._name}.{name}")
            return await member(*args, **named)

        return call


class Sleeper:
    """A worker that falls asleep before it writes to the engine, in whatever it is told to do."""

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors
        self._asleep = asyncio.Event()
        self._wake = asyncio.Event()
        self._work: asyncio.Future[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vectors, name)

    async def upsert(self, points: Any) -> None:
        """Write when it wakes."""
        self._asleep.set()
        await self._wake.wait()
        await self._vectors.upsert(points)

    async def begin(self, handling: Awaitable[Any]) -> None:
        """Return when the work is done, or its worker asleep."""
        self._work = asyncio.ensure_future(handling)
        asleep = asyncio.create_task(self._asleep.wait())
        await asyncio.wait([self._work, asleep], return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()

    async def wake(self) -> None:
        """Let it go on, and return when it has done."""
        assert self._work
        self._wake.set()
        await self._work
