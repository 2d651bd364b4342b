"""Which tools a loadout chooses for an agent and a task, and which of them are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from memos.discovery import Catalogs
from memos.errors import Fault, NotFound
from memos.events.equipment import Assignment
from memos.events.loadouts import Loadout, ToolById, ToolsByCapability, ToolsByDiscovery
from memos.events.tools import DiscoverTools
from memos.handlers.loadouts.placeholders import asked, filled
from memos.handlers.tools.discover import discovered
from memos.ports import Embedder, Tools
from memos.records import Tool


class ChosenTool(NamedTuple):
    """A tool, by which choice it was chosen, and what discovery says of it."""

    tool: Tool
    chosen_by: str
    score: float | None = None
    reasons: Sequence[str] = ()


class Selection(NamedTuple):
    """Every tool that was chosen, once, in the order of the choices, and what is missing, as warnings."""

    tools: Sequence[ChosenTool]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Choosing:
    """The tools that are chosen from, and for whom."""

    tenant: str
    assignment: Assignment
    tools: Tools
    catalogs: Catalogs
    embedder: Embedder

    async def selection(self, loadout: Loadout) -> Selection:
        """What the loadout chooses. Raises `NotFound` with all that must not be missing, but is."""
        chosen: dict[str, ChosenTool] = {}
        errors: list[Fault] = []
        warnings: list[str] = []
        for place, choice in enumerate(loadout.tools):
            path = f"tools.{place}"
            try:
                for one in await self._by(choice, path):
                    chosen.setdefault(one.tool.tool_id, one)
            except NotFound as missing:
                if (choice.missing or loadout.missing_tools) == "error":
                    errors.append(Fault(path, missing.detail))
                else:
                    warnings.append(f"{path}: {missing.detail}")
        if errors:
            raise _all_missing(loadout, errors)
        return Selection(list(chosen.values()), warnings)

    async def _by(self, choice: ToolById | ToolsByCapability | ToolsByDiscovery, path: str) -> Sequence[ChosenTool]:
        """The tools of a choice. Raises `NotFound` when there is none that the agent may use."""
        if isinstance(choice, ToolById):
            return [ChosenTool(await self._of_id(choice.id), path)]
        who = self.assignment
        command = asked(
            DiscoverTools,
            path,
            query=filled(choice.discover, who) if isinstance(choice, ToolsByDiscovery) else who.task,
            capabilities=choice.capabilities if isinstance(choice, ToolsByCapability) else [],
            match=choice.match if isinstance(choice, ToolsByCapability) else "any",
            agent_capabilities=who.agent_capabilities,
            top_k=choice.top_k,
        )
        found = await discovered(self.tenant, command, catalogs=self.catalogs, embedder=self.embedder)
        if not found:
            raise NotFound(f"There is no tool {_wanted(command)}that agent {who.agent_id} may use.")
        return [ChosenTool(tool, path, tool.score, tool.reasons) for tool in found]

    async def _of_id(self, tool_id: str) -> Tool:
        tool, has = await self.tools.get(self.tenant, tool_id), self.assignment.agent_capabilities
        lacking = [one for one in tool.required_capabilities if has is not None and one not in has]
        if lacking:
            agent = self.assignment.agent_id
            raise NotFound(f"Tool {tool_id} requires {', '.join(lacking)}, which agent {agent} does not have.")
        return tool


def _wanted(command: DiscoverTools) -> str:
    """Which tools a search is for, in a sentence, if it is not for all."""
    if not command.capabilities:
        return ""
    return f"that requires {command.match} of {', '.join(command.capabilities)} and "


def _all_missing(loadout: Loadout, faults: Sequence[Fault]) -> NotFound:
    told = " ".join(f"{fault.field}: {fault.message}" for fault in faults)
    return NotFound(f"Loadout {loadout.name} lacks tools that must not be missing. {told}", faults=faults)
