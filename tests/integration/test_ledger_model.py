"""Whatever happens in whatever order, ledger, points and answers are in the end what a simple model says."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, cast
from uuid import UUID

from builders import Rooms, origin
from drawn_commands import (
    AGENTS,
    CORRECTORS,
    GIVEN_IDS,
    MADE_IDS,
    PLACES,
    REMOVING,
    SENDERS,
    STORES,
    TEXTS,
    WHILE_CHANGING,
    WHILE_DELETING,
    WHILE_REPEATING,
    WHILE_STORING,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from interruptions import Crash, Fuse, Fused, Sleeper
from ledger_compared import compare_answers, compare_ledger, compare_points, emptied, settle
from ledger_model import Kept, Model, answer_of

from memos.broker.bindings import bound
from memos.errors import MemosError
from memos.events.commands import Command
from memos.events.memories import DeleteMemory, MemoryChanges, StoreMemory, UpdateMemory
from memos.handlers import HANDLERS
from memos.projection.derived import DerivedVectors
from memos.records import Origin
from memos.stores.postgres import Pool

pytest_plugins = ["rooms"]

Run = Callable[[Coroutine[Any, Any, Any]], Any]

EXAMPLES = os.environ.get("MEMOS_TEST_EXAMPLES")
"""How many sequences are tried, at random; when it is not set, always the same few."""

ORDINARY = 60
STEPS = 30

FUNCTIONS = {handler.command: handler.function for handler in HANDLERS}


class Lives(RuleBasedStateMachine):
    """Commands come, come again, come in another order and are interrupted; engines go and come back."""

    def __init__(self, run: Run, pool: Pool) -> None:
        super().__init__()
        self._run = run
        self._rooms: Rooms = run(emptied(pool))
        self._model = Model()
        self._fuse = Fuse()
        self._sent: list[tuple[Origin, Command]] = []
        self._sleepers: list[tuple[StoreMemory, Sleeper]] = []
        memories, vectors, projections = (
            Fused(name, getattr(self._rooms, name), self._fuse) for name in ("memories", "vectors", "projections")
        )
        self._ports = {
            **self._rooms.storing,
            "memories": memories,
            "vectors": vectors,
            "projections": projections,
            "derived": [DerivedVectors(vectors, projections)],
        }

    @rule(command=STORES, sender=SENDERS, crash=WHILE_STORING)
    def store(self, command: StoreMemory, sender: Origin, crash: str | None) -> None:
        self._send_together([sender], [command], crash)

    @rule(commands=st.lists(st.tuples(SENDERS, STORES), min_size=2, max_size=4), crash=WHILE_STORING)
    def store_together(self, commands: list[tuple[Origin, StoreMemory]], crash: str | None) -> None:
        self._send_together([sender for sender, _ in commands], [command for _, command in commands], crash)

    @precondition(lambda self: self._model.live())
    @rule(places=st.lists(PLACES, min_size=1, max_size=2), text=TEXTS, sender=CORRECTORS, crash=WHILE_STORING)
    def supersede(self, places: list[int], text: str, sender: Origin, crash: str | None) -> None:
        """Store what supersedes memories, mostly live ones of the same agent, and some superseded already."""
        agent = self._live()[places[0] % len(self._live())].agent
        own = sorted(self._model.live(agent))
        named = [self._meant(place, agent)[0] if place % 7 == 0 else own[place % len(own)] for place in places]
        command = StoreMemory(content=text, agent_id=agent, supersedes=named)
        self._send_together([sender], [command], crash)

    @rule(place=PLACES, agent=AGENTS, text=TEXTS, crash=WHILE_CHANGING)
    def update(self, place: int, agent: str, text: str, crash: str | None) -> None:
        self._change(*self._meant(place, agent), text, crash)

    @rule(place=PLACES, agent=AGENTS, crash=WHILE_DELETING)
    def delete(self, place: int, agent: str, crash: str | None) -> None:
        self._forget(*self._meant(place, agent), crash)

    @precondition(lambda self: self._model.live())
    @rule(place=PLACES, at=st.sampled_from(REMOVING))
    def be_killed_while_deleting(self, place: int, at: str) -> None:
        one = self._live()[place % len(self._live())]
        self._forget(one.memory_id, one.agent, at)

    @precondition(lambda self: self._sent)
    @rule(place=PLACES, crash=WHILE_REPEATING)
    def redeliver(self, place: int, crash: str | None) -> None:
        sender, command = self._sent[place % len(self._sent)]
        if isinstance(command, StoreMemory):
            self._send_together([sender], [command], crash)
        else:
            self._send(sender, command, crash)

    @precondition(lambda self: self._sent)
    @rule(place=PLACES, other=STORES)
    def use_an_id_again_for_something_else(self, place: int, other: StoreMemory) -> None:
        sender, _ = self._sent[place % len(self._sent)]
        self._send_together([sender], [other], None)

    @rule(command=STORES, sender=SENDERS)
    def fall_asleep_while_storing(self, command: StoreMemory, sender: Origin) -> None:
        sleeper = Sleeper(self._rooms.vectors)
        store = bound(FUNCTIONS[StoreMemory], {**self._ports, "vectors": sleeper})
        self._run(sleeper.begin(store([command], origins=[sender])))
        self._sleepers.append((command, sleeper))
        self._sent.append((sender, command))
        self._model.apply(sender, command)

    @precondition(lambda self: self._sleepers)
    @rule(text=st.one_of(st.none(), TEXTS))
    def change_what_a_sleeper_stores(self, text: str | None) -> None:
        """Change or delete it, and wake the sleeper, who knows nothing of that."""
        stored, _ = self._sleepers[0]
        for kept in self._live():
            if (kept.agent, kept.text) == (stored.agent_id, stored.content):
                if text:
                    self._change(kept.memory_id, kept.agent, text, None)
                else:
                    self._forget(kept.memory_id, kept.agent, None)
        self.wake()

    @precondition(lambda self: self._sleepers)
    @rule()
    def wake(self) -> None:
        _, sleeper = self._sleepers.pop(0)
        self._run(sleeper.wake())

    @rule()
    def let_time_pass(self) -> None:
        over = self._model.pass_time()
        self._run(
            self._rooms.pool.execute(
                "update agent_memories set expires_at = now() - interval '1 second' where memory_id = any($1)", over
            )
        )

    @rule(what=st.sampled_from(["goes", "goes", "comes back", "loses everything"]))
    def have_something_happen_to_the_engine(self, what: str) -> None:
        self._rooms.vectors.away = what == "goes"
        if what == "loses everything":
            self._run(self._rooms.vectors.drop())

    @rule()
    def reconcile(self) -> None:
        self._settle()
        self._run(compare_points(self._rooms, self._model))

    @rule(text=TEXTS, agent=AGENTS)
    def ask(self, text: str, agent: str) -> None:
        """Nothing but what lives is ever an answer, and that once, however far behind the projection is."""
        try:
            found = self._run(self._rooms.query(text, agent_id=agent, top_k=50))
        except MemosError as error:
            assert error.transient, error  # noqa: PT017 - an engine that is away is an answer too
            return
        ids = [memory.memory_id for memory in found.memories.results]
        assert len(ids) == len(set(ids))
        assert set(ids) <= self._model.newest(agent).keys()

    def teardown(self) -> None:
        try:
            self._settle()
            self._run(compare_ledger(self._rooms, self._model))
            self._run(compare_points(self._rooms, self._model))
            for agent in ("ada", "ben"):
                self._run(compare_answers(self._rooms, self._model, agent))
        finally:
            while self._sleepers:
                self.wake()
            super().teardown()

    def _meant(self, place: int, agent: str) -> tuple[UUID, str]:
        """A memory and an agent: mostly one that lives and its own, else any, also one that is yet to come."""
        if place % 3 and (live := self._live()):
            one = live[place % len(live)]
            return one.memory_id, one.agent
        return [*MADE_IDS, *GIVEN_IDS][place % (len(MADE_IDS) + len(GIVEN_IDS))], agent

    def _live(self) -> list[Kept]:
        return sorted(self._model.live().values(), key=lambda one: one.memory_id)

    def _change(self, memory_id: UUID, agent: str, text: str, crash: str | None) -> None:
        command = UpdateMemory(memory_id=memory_id, agent_id=agent, changes=MemoryChanges(content=text))
        self._send(origin(command_id=f"change-{len(self._sent)}"), command, crash)

    def _forget(self, memory_id: UUID, agent: str, crash: str | None) -> None:
        command = DeleteMemory(memory_id=memory_id, agent_id=agent)
        self._send(origin(command_id=f"change-{len(self._sent)}"), command, crash)

    def _send(self, sender: Origin, command: Command, crash: str | None) -> None:
        [outcome] = self._handled(crash, lambda: self._alone(sender, command))
        self._sent.append((sender, command))
        if outcome is not Crash or not _before_commit(crash):
            expected = self._model.apply(sender, command)
            assert outcome is Crash or answer_of(outcome) == expected.plain

    def _send_together(self, senders: list[Origin], commands: list[StoreMemory], crash: str | None) -> None:
        store = bound(FUNCTIONS[StoreMemory], self._ports)
        outcomes = self._handled(crash, lambda: store(commands, origins=senders))
        self._sent.extend(zip(senders, commands, strict=True))
        if outcomes != [Crash] or not _before_commit(crash):
            expected = self._model.apply_together(senders, commands)
            assert outcomes == [Crash] or list(map(answer_of, outcomes)) == [one.plain for one in expected]

    async def _alone(self, sender: Origin, command: Command) -> list[Any]:
        return [await bound(FUNCTIONS[type(command)], self._ports)(command, origin=sender)]

    def _handled(self, crash: str | None, handle: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        """The outcomes; an error of memOS is one, and `Crash` when the work was interrupted."""
        self._fuse.at = crash

        async def work() -> list[Any]:
            try:
                return await handle()
            except MemosError as error:
                return [error]
            except Crash:
                return [Crash]

        outcomes: list[Any] = self._run(work())
        self._fuse.at = None
        return outcomes

    def _settle(self) -> None:
        """What workers do by themselves as soon as they are awake and the engine is there."""
        self._rooms.vectors.away = False
        while self._sleepers:
            self.wake()
        self._run(settle(self._rooms))
        self._model.bury_expired()


def _before_commit(crash: str | None) -> bool:
    return crash is not None and crash.startswith("memories.")


async def test_the_ledger_and_its_projection_do_what_the_model_says(shared_ledger: Pool) -> None:
    loop = asyncio.get_running_loop()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    chosen = settings(
        max_examples=int(EXAMPLES or ORDINARY),
        stateful_step_count=STEPS,
        derandomize=EXAMPLES is None,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    lives = cast("type[Lives]", partial(Lives, run, shared_ledger))
    await asyncio.to_thread(run_state_machine_as_test, lives, settings=chosen)
