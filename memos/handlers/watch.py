"""What a worker notes of its engines between commands: whether each answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from memos.handlers.health import ask
from memos.telemetry import Telemetry
from memos.waiting import told

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
LOOKS_PER_COSTLY_ONE = 12
"""An engine that is costly to ask is asked once a minute while it answers, and at every look while it does not."""

Ping = Callable[[], Awaitable[object]]


class Watch:
    """Asks engines whether they answer, and tells metrics and the log."""

    def __init__(
        self, pings: Mapping[str, Ping], telemetry: Telemetry, *, costly: frozenset[str] = frozenset()
    ) -> None:
        self._pings = pings
        self._telemetry = telemetry
        self._costly = costly
        self._down: set[str] = set()
        self._looks = 0

    async def look(self) -> None:
        """Ask every engine that is due, all at once."""
        due = [name for name in self._pings if self._is_due(name)]
        self._looks += 1
        found = await asyncio.gather(*(ask(self._pings[name]()) for name in due))
        for name, health in zip(due, found, strict=True):
            self._note(name, health.detail if health.status == "down" else None)

    def _is_due(self, name: str) -> bool:
        return name not in self._costly or name in self._down or self._looks % LOOKS_PER_COSTLY_ONE == 0

    def _note(self, name: str, complaint: str | None) -> None:
        self._telemetry.up.labels(name).set(complaint is None)
        if complaint is not None:
            self._telemetry.failures.labels(name).inc()
            if name not in self._down:
                log.warning("The engine %s is down: %s", name, complaint)
            self._down.add(name)
        elif name in self._down:
            log.info("The engine %s is up again", name)
            self._down.discard(name)


async def keep_watch(stopping: asyncio.Event, watch: Watch) -> None:
    """Look every few seconds until told to stop."""
    while not stopping.is_set():
        try:
            await watch.look()
        except Exception:
            # A worker whose metrics are wrong is better than none.
            log.exception("Looking after the engines failed in a way that was not foreseen")
        await told(stopping, PAUSE_SECONDS)
