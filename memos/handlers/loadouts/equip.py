"""The handler that makes everything ready for an agent and its task."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from pydantic_core import to_json

from memos.discovery import Catalogs
from memos.errors import Fault, InvalidCommand
from memos.events.equipment import Assignment, EquipAgent, Equipment, EquippedTool, Tokens
from memos.events.loadouts import Loadout
from memos.handlers.loadouts.choosing import Choosing, ChosenTool
from memos.handlers.loadouts.keeping import loadout_of
from memos.handlers.loadouts.memories import LoadoutMemories
from memos.handlers.loadouts.placeholders import filled
from memos.handlers.loadouts.seeding import seeded
from memos.ports import Embedder, Loadouts, Memories, Projections, Reranker, Tools, Vectors, Working
from memos.ranking import tokens_of
from memos.records import Origin, SpecFormat
from memos.specs import call_name, spec_of


async def equip_agent(
    command: EquipAgent,
    *,
    origin: Origin,
    loadouts: Loadouts,
    tools: Tools,
    catalogs: Catalogs,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    reranker: Reranker | None,
    working: Working,
) -> Equipment:
    """Make ready what a loadout equips an agent with: first its prompt, then tools, then memories, as far as fits.

    Last, a session that is named gets the working values. Raises `NotFound` when there is no such loadout, or it
    lacks a tool that it must have, `InvalidCommand` when the system prompt alone costs more than everything may,
    `Conflict` when the loadout cannot be read, and what it raises to write to working memory.
    """
    started = time.perf_counter()
    kept = await loadouts.get(origin.tenant, command.loadout)
    loadout = loadout_of(kept)
    budget = command.max_tokens or loadout.max_tokens
    prompt = system_prompt(loadout, command)
    left = _left(budget, affordable(prompt, budget))
    choosing = Choosing(origin.tenant, command, tools, catalogs, embedder)
    chosen = await choosing.selection(loadout)
    offer = _offered(chosen.tools, command.format or loadout.format, left)
    remembering = LoadoutMemories(origin.tenant, command, memories, vectors, projections, embedder, reranker)
    context = await remembering.context(loadout.memories, _left(left, offer.tokens))
    return Equipment.model_construct(
        loadout=kept.name,
        version=kept.version,
        agent_id=command.agent_id,
        task=command.task,
        system_prompt=prompt,
        tools=offer.tools,
        context=context.text,
        memories=[entry.memory for entry in context.entries],
        model=loadout.model,
        tokens=_tokens(tokens_of(prompt), offer.tokens, context.tokens, budget),
        warnings=[*chosen.warnings, *offer.warnings, *context.warnings],
        session_id=command.session_id,
        seeded=await seeded(loadout.working, command, origin=origin, working=working),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def system_prompt(loadout: Loadout, assignment: Assignment) -> str:
    """The persona and then the instructions, each a paragraph, for the task and the agent."""
    instructions = loadout.instructions or []
    parts = [loadout.persona or "", *([instructions] if isinstance(instructions, str) else instructions)]
    return filled("\n\n".join(part.strip() for part in parts if part), assignment)


class Offer(NamedTuple):
    """The tools that fit, and what did not."""

    tools: list[EquippedTool]
    warnings: Sequence[str]

    @property
    def tokens(self) -> int:
        """What they cost."""
        return sum(tool.tokens for tool in self.tools)


def _offered(chosen: Sequence[ChosenTool], form: SpecFormat, max_tokens: int | None) -> Offer:
    """The tools in a form, in order; those that do not fit are left out."""
    tools: list[EquippedTool] = []
    warnings: list[str] = []
    left = max_tokens
    for one in chosen:
        tool = _equipped(one, form)
        if left is not None and tool.tokens > left:
            costs = f"it costs {tool.tokens} tokens, and {left} are left"
            warnings.append(f"{one.chosen_by}: Tool {tool.tool_id} is left out: {costs}.")
            continue
        left = _left(left, tool.tokens)
        tools.append(tool)
    return Offer(tools, warnings)


def _equipped(chosen: ChosenTool, form: SpecFormat) -> EquippedTool:
    spec = spec_of(chosen.tool, form)
    return EquippedTool(
        tool_id=chosen.tool.tool_id,
        version=chosen.tool.version,
        call_name=call_name(chosen.tool.tool_id),
        spec=spec,
        tokens=tokens_of(to_json(spec).decode()),
        chosen_by=chosen.chosen_by,
        score=chosen.score,
        reasons=list(chosen.reasons),
    )


def affordable(prompt: str, budget: int | None) -> int:
    """What the system prompt costs. Raises `InvalidCommand` when that is more than everything may."""
    tokens = tokens_of(prompt)
    if budget is not None and tokens > budget:
        raise InvalidCommand(
            f"The system prompt alone costs {tokens} tokens, and everything together may cost {budget}. Give more "
            "max_tokens, or shorten the loadout's persona and instructions, or the task.",
            faults=[Fault("max_tokens", f"must be at least {tokens}, for the system prompt alone")],
        )
    return tokens


def _left(limit: int | None, spent: int) -> int | None:
    return None if limit is None else limit - spent


def _tokens(prompt: int, tools: int, context: int, budget: int | None) -> Tokens:
    return Tokens(system_prompt=prompt, tools=tools, context=context, total=prompt + tools + context, budget=budget)
