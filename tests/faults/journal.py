"""What was asked and what was promised: the account that the ledger is compared with at the end."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID

from memos.events.envelope import DEFAULT_TENANT
from memos.records import CommandKey, memory_id_for

State = Literal["asked", "queued", "acknowledged"]


@dataclass(slots=True)
class Note:
    """One memory as it was asked for, and how far that has been promised.

    `queued` is the promise that it is on the stream, `acknowledged` that it is committed. `version` is the
    last one acknowledged, `epoch` counts how often Redis had been emptied when it was queued, `refused`
    is set when a deletion came before the store.
    """

    key: CommandKey
    text: str
    agent: str
    document: str | None = None
    memory_id: UUID = field(init=False)
    state: State = "asked"
    version: int = 1
    deleted: bool = False
    refused: bool = False
    epoch: int = 0

    def __post_init__(self) -> None:
        self.memory_id = memory_id_for(self.key)

    @property
    def live(self) -> bool:
        """Whether it must be there at the end."""
        return self.state != "asked" and not self.deleted and not self.refused


@dataclass
class Tally:
    """What is counted while a run goes on."""

    commands: int = 0
    acknowledged: int = 0
    queued: int = 0
    updates: int = 0
    deletions: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


class Journal:
    """Every note, and every promise as a line of a file, written before the producer goes on."""

    def __init__(self, path: Path) -> None:
        self.notes: list[Note] = []
        self.tally = Tally()
        self.surprises: list[str] = []
        self.epoch = 0
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def promised(self) -> int:
        """How many memories are queued or acknowledged."""
        return self.tally.acknowledged + self.tally.queued

    def ask(self, source: str, command_id: str, text: str, agent: str, document: str | None = None) -> Note:
        """Note a memory that is about to be stored."""
        note = Note(CommandKey(DEFAULT_TENANT, source, command_id), text, agent, document)
        self.notes.append(note)
        return note

    def queued(self, note: Note, epoch: int) -> None:
        """Note that a memory is on the stream; `epoch` is from before it was sent."""
        if note.state == "asked":
            note.state, note.epoch = "queued", epoch
            self.tally.queued += 1
            self._write("queued", note)

    def acknowledged(self, note: Note, memory_id: UUID, status: str) -> None:
        """Note that a memory is committed."""
        if memory_id != note.memory_id:
            self.surprise(f"{note.key.command_id} was answered with memory {memory_id} ({status})")
        if note.state == "acknowledged":
            return
        self.tally.queued -= note.state == "queued"
        self.tally.acknowledged += 1
        note.state = "acknowledged"
        self._write("acknowledged", note, status=status)

    def updated(self, note: Note, text: str, version: int) -> None:
        """Note a new version."""
        if version != note.version + 1:
            self.surprise(f"{note.key.command_id} is at version {version} after {note.version}")
        note.text, note.version = text, version
        self.tally.updates += 1
        self._write("updated", note, version=version)

    def deleted(self, note: Note) -> None:
        """Note that a memory is gone."""
        note.deleted = True
        self.tally.deletions += 1
        self._write("deleted", note)

    def surprise(self, what: str) -> None:
        """Note an answer that should not have been given."""
        self.surprises.append(what)
        self._file.write(json.dumps({"surprise": what}) + "\n")

    def places(self) -> Iterator[tuple[str, str | None]]:
        """Every agent, and every document of the shared memory, that something was stored for."""
        yield from dict.fromkeys((note.agent, note.document) for note in self.notes)

    def _write(self, event: str, note: Note, **more: Any) -> None:
        named = {"command": note.key.command_id, "source": note.key.source, "memory": str(note.memory_id)}
        self._file.write(json.dumps({"event": event, **named, **more}) + "\n")
