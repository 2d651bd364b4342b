"""The reply to whoever asked for a task's context, made of what was gathered."""

import time
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple
from uuid import UUID

from memos.events.context import (
    ContextLesson,
    ContextMemory,
    ContextMessage,
    ContextTokens,
    ContextTool,
    ContextValue,
    ContextWorking,
    RequestContext,
    TaskContext,
)
from memos.events.memories import RecalledMemory
from memos.handlers.context.budget import Filled, Ranked, filled
from memos.handlers.context.entries import (
    Entry,
    lesson_entries,
    memory_entries,
    message_entry,
    summary_entry,
    tool_entry,
    value_entry,
)
from memos.handlers.context.gathering import Gathered
from memos.handlers.context.sections import DISCOVERY, LARGEST_VALUE, AtHand, assignment_of
from memos.handlers.loadouts.choosing import ChosenTool
from memos.handlers.loadouts.equip import affordable, system_prompt
from memos.records import SpecFormat


class Values(NamedTuple):
    """The values of a session, the newest first, and the keys of those that are too large to be shown."""

    entries: Sequence[Entry] = ()
    too_large: Sequence[str] = ()


def context_of(command: RequestContext, found: Gathered, started: float) -> TaskContext:
    """What was gathered, as far as it fits; `started` is of the performance counter.

    Raises `InvalidCommand` when the system prompt alone costs more than everything may.
    """
    loadout = found.outfit.loadout
    prompt = system_prompt(loadout, assignment_of(command)) if loadout else ""
    budget = command.max_tokens or (loadout.max_tokens if loadout else None)
    spent = affordable(prompt, budget)
    values = _values(found.at_hand)
    form = command.format or (loadout.format if loadout else "openai")
    fits = filled(_ranked(found, values, form), budget, spent)
    return TaskContext.model_construct(
        task=command.task,
        agent_id=command.agent_id,
        context=fits.text,
        system_prompt=prompt,
        model=loadout.model if loadout else None,
        lessons=fits.items(ContextLesson),
        memories=fits.items(ContextMemory),
        working=_working(command.session_id, found.at_hand, fits),
        tools=fits.items(ContextTool),
        missing=list(found.missing),
        warnings=[*_warnings(found, fits), *_of_values(found.at_hand, values)],
        omitted=_omitted(found.at_hand, values, fits),
        tokens=_tokens(fits, spent, budget),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        section_ms=found.section_ms,
    )


def _ranked(found: Gathered, values: Values, form: SpecFormat) -> Ranked:
    """The entries of each section, best first."""
    return {
        "lessons": lesson_entries(found.lessons or ()),
        "memories": memory_entries(_memories(found)),
        "working": _at_hand(found.at_hand, values),
        "tools": [tool_entry(one, form) for one in _tools(found)],
    }


def _memories(found: Gathered) -> list[RecalledMemory]:
    """The memories that were recalled and those that the loadout chooses, each once, and none that is a lesson."""
    shown = [one.memory for one in found.lessons or ()]
    lessons = {one for lesson in shown for one in (lesson.memory_id, *lesson.repeats)}
    best: dict[UUID, RecalledMemory] = {}
    every = [*(found.memories or ()), *(found.outfit.memories or ())]
    for one in sorted(every, key=lambda memory: (-memory.score, memory.memory_id)):
        if one.memory_id not in lessons:
            best.setdefault(one.memory_id, one)
    return list(best.values())


def _tools(found: Gathered) -> list[ChosenTool]:
    """The tools that the loadout chooses, and then those that were discovered, each once."""
    selection = found.outfit.selection
    tools: dict[str, ChosenTool] = {}
    for one in chain(selection.tools if selection else (), found.tools or ()):
        tools.setdefault(one.tool.tool_id, one)
    return list(tools.values())


def _at_hand(at_hand: AtHand | None, values: Values) -> list[Entry]:
    """What is in a session: its summary, and then messages and values in turn, the newest first."""
    if not at_hand or not at_hand.session:
        return []
    session = at_hand.session
    messages = [message_entry(one) for one in reversed(session.messages)]
    turns = chain.from_iterable(zip_longest(messages, values.entries))
    summary = [summary_entry(session.summary.text)] if session.summary else []
    return [*summary, *(entry for entry in turns if entry)]


def _values(at_hand: AtHand | None) -> Values:
    newest = sorted(at_hand.values if at_hand else (), key=lambda value: value.updated_at, reverse=True)
    return Values(
        [value_entry(value) for value in newest if not value.left_out],
        [value.key for value in newest if value.left_out],
    )


def _working(session_id: str | None, at_hand: AtHand | None, fits: Filled) -> ContextWorking | None:
    """What of a session fits; `None` where none was asked for, or it is missing."""
    if session_id is None or at_hand is None:
        return None
    summary = at_hand.session.summary if at_hand.session else None
    shown = any(line.entry.item is None for line in fits.lines["working"])
    return ContextWorking.model_construct(
        session_id=session_id,
        summary=summary.text if summary and shown else None,
        values=fits.items(ContextValue),
        messages=fits.items(ContextMessage),
        tokens=fits.tokens()["working"],
    )


def _warnings(found: Gathered, fits: Filled) -> Iterator[str]:
    """What the loadout chooses and is missing, or does not fit."""
    if found.outfit.selection:
        yield from found.outfit.selection.warnings
    for entry in fits.left_out:
        if isinstance(entry.item, ContextTool) and entry.item.chosen_by != DISCOVERY:
            yield f"{entry.item.chosen_by}: Tool {entry.item.tool_id} is left out, for it does not fit."


def _of_values(at_hand: AtHand | None, values: Values) -> Iterator[str]:
    """Which values of the session are not shown, whatever there is room for."""
    for key in values.too_large:
        yield f"The value of key {key!r} is left out: its JSON has more than {LARGEST_VALUE} bytes."
    if unread := _unread(at_hand):
        yield f"{unread} values of the session are left out, the last in the order of their keys: it has too many."


def _unread(at_hand: AtHand | None) -> int:
    """How many values of the session were not looked at."""
    if not at_hand or not at_hand.session:
        return 0
    return max(0, at_hand.session.session.keys - len(at_hand.values))


def _omitted(at_hand: AtHand | None, values: Values, fits: Filled) -> dict[str, int]:
    """How many were found and are not in the context, by section."""
    omitted: dict[str, int] = dict(fits.omitted)
    if unshown := len(values.too_large) + _unread(at_hand):
        omitted["working"] = omitted.get("working", 0) + unshown
    return omitted


def _tokens(fits: Filled, prompt: int, budget: int | None) -> ContextTokens:
    costs = fits.tokens()
    return ContextTokens(**costs, system_prompt=prompt, total=prompt + sum(costs.values()), budget=budget)
