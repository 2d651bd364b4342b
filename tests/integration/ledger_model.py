"""What a ledger must do, in a few lines of plain Python: the model that the real one is compared with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from memos.errors import MemosError
from memos.events.commands import Command
from memos.events.memories import DeleteMemory, DeleteOutcome, MemoryFound, StoreMemory, StoreOutcome, UpdateMemory
from memos.records import CommandKey, Origin, memory_id_for


@dataclass
class Kept:
    """A row of the ledger; `over` is set once its time is over, `buried` once it is a tombstone.

    `successor` is the memory that has superseded it.
    """

    memory_id: UUID
    agent: str
    text: str
    lasting: bool = True
    version: int = 1
    times: int = 1
    over: bool = False
    buried: bool = False
    successor: UUID | None = None

    @property
    def live(self) -> bool:
        """Whether an agent sees it."""
        return not self.buried and not self.over


class Answer(NamedTuple):
    """The code of an error, or what kind of effect there was, and on which memory."""

    code: str
    memory_id: UUID | None = None

    @property
    def plain(self) -> "Answer":
        """Without what depends on whether the engine was there."""
        return self._replace(code={"duplicate": "stored", "absent": "deleted"}.get(self.code, self.code))


def answer_of(outcome: object) -> Answer:
    """What a handler said, as the model says it."""
    match outcome:
        case MemosError():
            return Answer(outcome.code)
        case StoreOutcome():
            return Answer("stored", outcome.memory_id)
        case DeleteOutcome():
            return Answer("deleted", outcome.memory_id)
        case MemoryFound():
            return Answer("updated", outcome.memory_id)
    raise TypeError(f"the model does not know {type(outcome).__name__}")


@dataclass
class Model:
    """Memories, handled commands and facts."""

    rows: dict[UUID, Kept] = field(default_factory=dict)
    handled: dict[CommandKey, tuple[Command, Answer]] = field(default_factory=dict)
    facts: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    def apply(self, origin: Origin, command: Command) -> Answer:
        """The answer to a command, and its effect the first time."""
        if known := self.handled.get(origin.key):
            return self._again(known, command)
        answer = self._first(origin, command)
        if answer.memory_id is not None:
            self.handled[origin.key] = command, answer
        return answer

    def apply_together(self, origins: Sequence[Origin], commands: Sequence[StoreMemory]) -> list[Answer]:
        """Stores of one transaction; what repeats a command that was refused in it is refused as well."""
        refused: dict[CommandKey, Answer] = {}
        answers = []
        for origin, command in zip(origins, commands, strict=True):
            answer = refused.get(origin.key) or self.apply(origin, command)
            if answer.memory_id is None and origin.key not in self.handled:
                refused[origin.key] = answer
            answers.append(answer)
        return answers

    def live(self, agent: str | None = None) -> dict[UUID, Kept]:
        """The memories that are seen, by all or by one agent."""
        return {kept.memory_id: kept for kept in self.rows.values() if kept.live and agent in {None, kept.agent}}

    def newest(self, agent: str) -> dict[UUID, Kept]:
        """The memories that are answers to an agent."""
        return {memory_id: kept for memory_id, kept in self.live(agent).items() if not kept.successor}

    def pass_time(self) -> list[UUID]:
        """The time of all that does not last is over; which those are."""
        over = [kept for kept in self.rows.values() if kept.live and not kept.lasting]
        for kept in over:
            kept.over = True
        return [kept.memory_id for kept in over]

    def bury_expired(self) -> None:
        """Make tombstones of all whose time is over."""
        for kept in list(self.rows.values()):
            if kept.over and not kept.buried:
                self._bury(kept)

    def _again(self, known: tuple[Command, Answer], command: Command) -> Answer:
        first, answer = known
        if command != first:
            return Answer("conflict")
        if isinstance(command, UpdateMemory) and not self.rows[command.memory_id].live:
            return Answer("not-found")
        return answer

    def _first(self, origin: Origin, command: Command) -> Answer:
        match command:
            case StoreMemory(supersedes=[]):
                return self._store(command.id or memory_id_for(origin.key), command)
            case StoreMemory():
                return self._supersede(command.id or memory_id_for(origin.key), command)
            case UpdateMemory():
                return self._update(command)
            case DeleteMemory():
                return self._delete(command)
        raise TypeError(f"the model does not know {type(command).__name__}")

    def _store(self, memory_id: UUID, command: StoreMemory) -> Answer:
        twin = self._twin(command.agent_id, command.content)
        same = self.rows.get(memory_id)
        if twin and (same is None or twin is same):
            twin.times += 1
            return Answer("duplicate", twin.memory_id)
        if same and same.live and (same.agent, same.text) == (command.agent_id, command.content):
            same.times += 1
            return Answer("duplicate", same.memory_id)
        if same:
            return Answer("conflict" if same.live else "gone")
        self.rows[memory_id] = Kept(memory_id, command.agent_id, command.content, lasting=not command.tags)
        self.facts[memory_id, "stored"] += 1
        return Answer("stored", memory_id)

    def _supersede(self, memory_id: UUID, command: StoreMemory) -> Answer:
        """Store and supersede, or do neither."""
        before = deepcopy((self.rows, self.facts))
        answer = self._store(memory_id, command)
        if answer.memory_id is None:
            return answer
        refusal = self._refusal(self.rows[answer.memory_id], command)
        if refusal:
            self.rows, self.facts = before
            return refusal
        for kept in self._due(command.supersedes):
            kept.successor, kept.version = answer.memory_id, kept.version + 1
            self.facts[kept.memory_id, "superseded"] += 1
        return answer

    def _refusal(self, own: Kept, command: StoreMemory) -> Answer | None:
        if own.memory_id in command.supersedes:
            return Answer("conflict")
        named = [self.rows.get(one) for one in command.supersedes]
        if any(kept is None or not kept.live or kept.agent != own.agent for kept in named):
            return Answer("not-found")
        last = {self._last(kept).memory_id for kept in named if kept and self._last(kept).live}
        unknown = last - {own.memory_id, *command.supersedes}
        return Answer("conflict") if own.successor or unknown else None

    def _due(self, named: Sequence[UUID]) -> list[Kept]:
        rows = [self.rows[one] for one in sorted(set(named))]
        return [kept for kept in rows if self._last(kept) is kept or not self._last(kept).live]

    def _last(self, kept: Kept) -> Kept:
        """The end of the line of those that have superseded a memory."""
        while kept.successor:
            kept = self.rows[kept.successor]
        return kept

    def _update(self, command: UpdateMemory) -> Answer:
        kept = self.rows.get(command.memory_id)
        if kept is None or not kept.live or kept.agent != command.agent_id:
            return Answer("not-found")
        text = command.changes.content
        assert text is not None
        if text != kept.text and self._twin(kept.agent, text) and not kept.successor:
            return Answer("conflict")
        kept.text, kept.version = text, kept.version + 1
        self.facts[kept.memory_id, "updated"] += 1
        return Answer("updated", kept.memory_id)

    def _delete(self, command: DeleteMemory) -> Answer:
        kept = self.rows.get(command.memory_id)
        if kept is None:
            kept = self.rows[command.memory_id] = Kept(
                command.memory_id, command.agent_id, "", times=0, buried=True
            )
            self.facts[kept.memory_id, "deleted"] += 1
            return Answer("absent", kept.memory_id)
        if kept.agent != command.agent_id:
            return Answer("not-found")
        was_live = kept.live
        self._bury(kept)
        return Answer("deleted" if was_live else "absent", kept.memory_id)

    def _twin(self, agent: str, text: str) -> Kept | None:
        """The live memory that says the same; one whose time is over is buried to make room."""
        for kept in self._same(agent, text):
            if kept.live:
                return kept
            self._bury(kept)
        return None

    def _same(self, agent: str, text: str) -> Iterator[Kept]:
        rows = list(self.rows.values())
        same = [kept for kept in rows if (kept.agent, kept.text) == (agent, text)]
        return (kept for kept in same if not kept.buried and not kept.successor)

    def _bury(self, kept: Kept) -> None:
        if not kept.buried:
            kept.buried, kept.version = True, kept.version + 1
            self.facts[kept.memory_id, "deleted"] += 1
