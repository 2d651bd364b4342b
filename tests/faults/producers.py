"""Producers: each stores numbered memories, repeats a command until it is answered, and changes its mind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from faults.journal import Journal, Note
from faults.plan import seeded
from memos.client import Client
from memos.errors import Gone, MemosError
from memos.events.memories import IngestItem, StoreMemory, StoreOutcome, StoreOutcomes
from memos.events.problems import Problem
from memos.records import Source

T = TypeVar("T")

WORDS = """
    amber anchor apple autumn badger barley basil beacon birch bramble bridge canyon cedar cello cinder clover
    cobalt copper coral cricket crystal daisy dolphin ember falcon fennel feather flint garnet ginger glacier
    granite harbor hazel heron indigo iris ivory jasmine juniper kestrel lagoon lantern lemon linen magnet maple
    marble meadow mirror nectar nutmeg oasis olive onyx orchid osprey otter pebble pepper quartz raven saffron
"""

AGENT_LASTS = 150
"""Memories until a producer goes on as another agent, so that one query can bring all of an agent's."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
MOST_BATCHED = 12
MOST_SURPRISES = 5


@dataclass(frozen=True)
class Way:
    """A way to memOS, and the source under which it sends."""

    client: Client
    source: str


class Producer:
    """Stores about `quota` memories one after the other, with an occasional change of mind."""

    def __init__(self, number: int, seed: int, quota: int, way: Way, journal: Journal) -> None:
        self.number = number
        self._numbers = seeded(seed, "producer", number)
        self._pauses = seeded(seed, "pauses", number)
        self._quota = quota
        self._way = way
        self._journal = journal
        self._vocabulary = WORDS.split()
        self._made = 0
        self._sent = 0
        self._notes: list[Note] = []
        self._ingests = number % 8 == 7

    async def run(self) -> None:
        """Store, change and forget until the quota is reached, and leave nothing unanswered."""
        while self._made < self._quota:
            with suppress(MemosError):  # noted as a surprise already
                await (Producer._ingest if self._ingests else self._choose())(self)
                await self._change_mind()
                await self._repeat_what_was_flushed()
        await self._repeat_what_was_flushed()

    def _choose(self) -> "Callable[[Producer], Awaitable[None]]":
        actions = (Producer._store, Producer._queue, Producer._batch, Producer._store_twice, Producer._delete_first)
        return self._numbers.choices(actions, weights=(78, 15, 3, 3, 1))[0]

    async def _store(self) -> None:
        note = self._new()
        self._heard(note, await self._until_answered(note, self._storing(note)))

    async def _store_twice(self) -> None:
        """Send one command twice at the same time."""
        note = self._new()
        both = (self._until_answered(note, self._storing(note)) for _ in range(2))
        for outcome in await asyncio.gather(*both):
            self._heard(note, outcome)

    async def _queue(self) -> None:
        """Hand a memory over and do not ask what became of it."""
        note, epoch = self._new(), self._journal.epoch
        await self._until_answered(
            note,
            lambda: self._way.client.store_later(note.text, agent_id=note.agent, command_id=note.key.command_id),
        )
        self._journal.queued(note, epoch)

    async def _batch(self) -> None:
        command_id = self._command_id("batch")
        notes = self._several(command_id, None)
        memories = [StoreMemory(content=note.text, agent_id=note.agent) for note in notes]
        await self._until_all_stored(notes, lambda: self._way.client.store_many(memories, command_id=command_id))

    async def _ingest(self) -> None:
        command_id = self._command_id("ingest")
        document = f"book-{self.number}-{self._made // AGENT_LASTS}.md"
        notes = self._several(command_id, document)
        items = [IngestItem(content=note.text, source=Source(uri=document)) for note in notes]
        await self._until_all_stored(
            notes, lambda: self._way.client.ingest(items, agent_id=notes[0].agent, command_id=command_id)
        )

    async def _delete_first(self) -> None:
        """Delete a memory whose store has not been sent yet, and send that after all: the deletion wins."""
        note = self._new()
        note.refused = True
        self._quota += 1
        await self._delete(note)
        try:
            await self._until_answered(note, self._storing(note), (Gone,))
            self._journal.surprise(f"{note.key.command_id} was stored after its deletion")
        except Gone:
            return

    async def _change_mind(self) -> None:
        """Now and then update or delete something stored earlier."""
        chance = self._numbers.random()
        if chance > 0.12 or not self._notes:
            return
        note = self._numbers.choice(self._notes)
        if note.state != "acknowledged" or not note.live:
            return
        await (self._update(note) if chance < 0.06 else self._delete(note))

    async def _update(self, note: Note) -> None:
        text = f"{self._numbered(note.key.command_id)} revised {note.version}: {self._words()}"
        command_id = self._command_id("update")
        found = await self._until_answered(
            note,
            lambda: self._way.client.update(
                note.memory_id, agent_id=note.agent, content=text, command_id=command_id
            ),
        )
        self._journal.updated(note, text, found.version)

    async def _delete(self, note: Note) -> None:
        command_id = self._command_id("delete")
        await self._until_answered(
            note, lambda: self._way.client.delete(note.memory_id, agent_id=note.agent, command_id=command_id)
        )
        self._journal.deleted(note)

    async def _repeat_what_was_flushed(self) -> None:
        """Send again, by its id, what was on the stream only when Redis was emptied."""
        epoch = self._journal.epoch
        for note in self._notes:
            if note.state == "queued" and note.epoch != epoch:
                self._heard(note, await self._until_answered(note, self._storing(note)))

    def _storing(self, note: Note) -> Callable[[], Awaitable[StoreOutcome]]:
        return lambda: self._way.client.store(note.text, agent_id=note.agent, command_id=note.key.command_id)

    async def _until_all_stored(self, notes: list[Note], send: Callable[[], Awaitable[StoreOutcomes]]) -> None:
        """Repeat a batch until none of its items has an error that may pass."""
        while True:
            outcomes = await self._until_answered(notes[0], send)
            passing = False
            for note, result in zip(notes, outcomes.results, strict=True):
                if isinstance(result, Problem):
                    passing = True
                    self._journal.tally.retries[result.code] += 1
                else:
                    self._heard(note, result)
            if not passing:
                return
            await asyncio.sleep(LONGEST_PAUSE)

    def _heard(self, note: Note, outcome: StoreOutcome) -> None:
        self._journal.acknowledged(note, outcome.memory_id, outcome.status)

    async def _until_answered(
        self, note: Note, send: Callable[[], Awaitable[T]], expected: tuple[type[MemosError], ...] = ()
    ) -> T:
        """The answer to a command, sent again with the same id as often as it takes.

        Raises the error when it is one that should not have been answered, and is answered again and again.
        """
        self._journal.tally.commands += 1
        pause, surprises = FIRST_PAUSE, 0
        while True:
            try:
                return await send()
            except expected:
                raise
            except MemosError as error:
                self._journal.tally.retries[error.code] += 1
                if not error.transient:
                    self._journal.surprise(f"{note.key.command_id} was answered {error.code}: {error.detail}")
                    surprises += 1
                if surprises == MOST_SURPRISES:
                    raise
            await asyncio.sleep(pause * self._pauses.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)

    def _several(self, command_id: str, document: str | None) -> list[Note]:
        """The items of a batch, all of one agent."""
        agent, size = self._agent(), self._numbers.randint(2, MOST_BATCHED)
        return [self._noted(f"{command_id}/{index}", agent, document) for index in range(size)]

    def _new(self) -> Note:
        return self._noted(self._command_id("store"), self._agent())

    def _noted(self, command_id: str, agent: str, document: str | None = None) -> Note:
        self._made += 1
        text = f"{self._numbered(command_id)}: {self._words()}"
        note = self._journal.ask(self._way.source, command_id, text, agent, document)
        self._notes.append(note)
        return note

    def _agent(self) -> str:
        return f"agent-{self.number}-{self._made // AGENT_LASTS}"

    def _command_id(self, action: str) -> str:
        self._sent += 1
        return f"{action}-{self.number}-{self._sent}"

    def _numbered(self, command_id: str) -> str:
        return f"Note {command_id} of producer {self.number}"

    def _words(self) -> str:
        return " ".join(self._numbers.choices(self._vocabulary, k=4))
