"""What a ledger must do, in a few lines of plain Python: the model that the real one is compared with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from memos.errors import MemosError
from memos.events.memories import (
    Command,
    DeleteMemory,
    DeleteOutcome,
    MemoryFound,
    StoreMemory,
    StoreOutcome,
    UpdateMemory,
)
from memos.records import CommandKey, Origin, memory_id_for


@dataclass
class Kept:
    """A row of the ledger; `over` is set once its time is over, `buried` once it is a tombstone."""

    memory_id: UUID
    agent: str
    text: str
    lasting: bool = True
    version: int = 1
    times: int = 1
    over: bool = False
    buried: bool = False

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
            case StoreMemory():
                return self._store(command.id or memory_id_for(origin.key), command)
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
        if same:
            return Answer("conflict" if same.live else "gone")
        self.rows[memory_id] = Kept(memory_id, command.agent_id, command.content, lasting=not command.tags)
        self.facts[memory_id, "stored"] += 1
        return Answer("stored", memory_id)

    def _update(self, command: UpdateMemory) -> Answer:
        kept = self.rows.get(command.memory_id)
        if kept is None or not kept.live or kept.agent != command.agent_id:
            return Answer("not-found")
        text = command.changes.content
        assert text is not None
        if text != kept.text and self._twin(kept.agent, text):
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
        return (kept for kept in rows if (kept.agent, kept.text) == (agent, text) and not kept.buried)

    def _bury(self, kept: Kept) -> None:
        if not kept.buried:
            kept.buried, kept.version = True, kept.version + 1
            self.facts[kept.memory_id, "deleted"] += 1
