"""The sections of a task's context, gathered at the same time, each as far as it is there in time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar, get_args

from memos.events.context import MissingSection, Section
from memos.events.loadouts import Loadout
from memos.events.memories import RecalledMemory
from memos.handlers.bounded import bounded
from memos.handlers.context.lessons import Lesson
from memos.handlers.context.sections import AtHand, Sources
from memos.handlers.loadouts.choosing import ChosenTool, Selection
from memos.waiting import Stragglers

log = logging.getLogger(__name__)

T = TypeVar("T")

SECTIONS: Sequence[Section] = get_args(Section)


class Outfit(NamedTuple):
    """What a loadout brings, as far as it is there."""

    loadout: Loadout | None = None
    selection: Selection | None = None
    memories: Sequence[RecalledMemory] | None = None


class Gathered(NamedTuple):
    """All that was there in time, and what was not; a section that is `None` is missing, or was not asked for."""

    lessons: Sequence[Lesson] | None
    memories: Sequence[RecalledMemory] | None
    at_hand: AtHand | None
    tools: Sequence[ChosenTool] | None
    outfit: Outfit
    missing: Sequence[MissingSection]
    section_ms: dict[str, float]


class Gathering:
    """Gathers the sections that a command asks for until a moment of the loop's clock."""

    def __init__(self, sources: Sources, deadline: float, stragglers: Stragglers) -> None:
        self._sources = sources
        self._deadline = deadline
        self._stragglers = stragglers
        self._missing: list[MissingSection] = []
        self._section_ms: dict[str, float] = {}

    async def gathered(self) -> Gathered:
        """What there is. What it began is over when this returns or raises, but for the stragglers."""
        try:
            async with asyncio.TaskGroup() as group:
                return await self._all(group)
        except ExceptionGroup as unforeseen:
            raise unforeseen.exceptions[0] from unforeseen

    async def _all(self, group: asyncio.TaskGroup) -> Gathered:
        """Every section; that which takes longest asks the engines first."""
        sources, command = self._sources, self._sources.command
        memories = group.create_task(self._of("memories", sources.other_memories, wanted=command.memories))
        lessons = group.create_task(self._of("lessons", sources.lessons, wanted=command.lessons))
        tools = group.create_task(self._of("tools", sources.discovered_tools, wanted=command.tools))
        at_hand = group.create_task(self._of("working", sources.at_hand, wanted=command.session_id))
        outfit = await self._outfit(command.loadout, group) if command.loadout else Outfit()
        return Gathered(
            await lessons,
            await memories,
            await at_hand,
            await tools,
            outfit,
            sorted(self._missing, key=lambda one: SECTIONS.index(one.section)),
            {section: self._section_ms[section] for section in SECTIONS if section in self._section_ms},
        )

    async def _outfit(self, name: str, group: asyncio.TaskGroup) -> Outfit:
        """What the loadout brings; what it chooses is looked for once it is read."""
        sources = self._sources
        loadout = await self._of("loadout", partial(sources.loadout, name))
        if loadout is None:
            return Outfit()
        tools = self._of("tools", partial(sources.chosen_tools, loadout), wanted=loadout.tools, by=name)
        remembered = partial(sources.chosen_memories, loadout)
        memories = self._of("memories", remembered, wanted=loadout.memories, by=name)
        selection, chosen = group.create_task(tools), group.create_task(memories)
        return Outfit(loadout, await selection, await chosen)

    async def _of(
        self,
        section: Section,
        work: Callable[[], Coroutine[Any, Any, T]],
        *,
        wanted: object = True,
        by: str | None = None,
    ) -> T | None:
        """The result of work for a section, if that is wanted, and there in time; `by` is the loadout it is for."""
        if not wanted:
            return None
        result, lack, milliseconds = await bounded(work(), self._deadline, self._stragglers)
        self._section_ms[section] = max(milliseconds, self._section_ms.get(section, 0.0))
        if lack:
            detail = f"Of what loadout {by} chooses: {lack.detail}" if by else lack.detail
            self._missing.append(MissingSection(section=section, reason=lack.reason, detail=detail))
            log.warning("A context is without its %s (%s): %s", section, lack.reason, detail)
        return result
