"""Many transactions at once on the same tools: all succeed, add up, and are found by those who read meanwhile."""

import asyncio
import random
from collections.abc import Iterator

from builders import count, origin
from tool_drafts import outcome, record, register, tool, tool_draft

from memos.records import (
    CatalogChanges,
    Deregistered,
    Evidence,
    OutcomeDraft,
    OutcomeKept,
    Registered,
    Report,
    Tool,
    content_hash,
)
from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools

pytest_plugins = ["tool_fixtures"]


class Replica:
    """What a reader has who takes up one change after the other."""

    def __init__(self) -> None:
        self.revision = 0
        self.tools: dict[str, Tool] = {}
        self.evidence: dict[tuple[str, str, bytes], Evidence] = {}
        self.reports: dict[tuple[str, str], Report] = {}

    def apply(self, changes: CatalogChanges) -> None:
        for tool_id, present in changes.tools:
            former = self.tools.pop(tool_id, None)
            if former and (present is None or present.created_at != former.created_at):
                self._forget(tool_id)
            if present:
                self.tools[tool_id] = present
        self.evidence.update({(one.tool_id, one.agent_id, one.task_hash): one for one in changes.evidence})
        self.reports.update({(one.tool_id, one.agent_id): one for one in changes.reports})
        self.revision = changes.revision

    def _forget(self, tool_id: str) -> None:
        self.evidence = {key: one for key, one in self.evidence.items() if key[0] != tool_id}
        self.reports = {key: one for key, one in self.reports.items() if key[0] != tool_id}


def some_outcomes(order: random.Random, number: int) -> Iterator[OutcomeDraft]:
    for _ in range(number):
        chosen = f"tool{order.randrange(6)}", f"task {order.randrange(20)}"
        yield outcome(*chosen, agent_id=f"agent{order.randrange(3)}", success=order.random() < 0.7)


async def write(tools: PostgresTools, seed: int) -> None:
    """Register, deregister and report at random."""
    order = random.Random(seed)  # noqa: S311
    for _ in range(25):
        match order.randrange(8):
            case 0:
                await tools.deregister(origin(), b"", f"tool{order.randrange(6)}")
            case 1 | 2 | 3:
                made = [tool(f"tool{order.randrange(6)}", name=f"v{order.random()}") for _ in range(3)]
                await tools.register([tool_draft(one) for one in made])
            case _:
                await tools.record(list(some_outcomes(order, 8)))


async def test_a_reader_who_polls_while_others_write_misses_nothing(tools: PostgresTools) -> None:
    writing = asyncio.gather(*(write(tools, seed) for seed in range(6)))
    followed, polls = Replica(), 0
    while not writing.done():
        followed.apply(await tools.changes("default", followed.revision))
        polls += 1
    await writing
    followed.apply(await tools.changes("default", followed.revision))

    anew = Replica()
    anew.apply(await tools.changes("default", 0))
    assert polls > 25
    assert followed.revision == anew.revision > 50
    assert followed.tools == anew.tools
    assert followed.evidence == anew.evidence
    assert followed.reports == anew.reports


async def test_what_was_registered_or_reported_is_there_for_the_next_who_reads(tools: PostgresTools) -> None:
    async def work(number: int) -> None:
        for turn in range(10):
            name, task = f"tool{number}", f"task {number} {turn}"
            known = (await tools.changes("default", 0)).revision
            await register(tools, tool(name, description=task))
            await record(tools, outcome(name, task))
            changes = await tools.changes("default", known)
            assert (name, task) in {(one.tool_id, one.tool and one.tool.description) for one in changes.tools}
            assert content_hash(task) in {one.task_hash for one in changes.evidence}

    await asyncio.gather(*(work(number) for number in range(8)))


async def test_registrations_of_one_tool_at_once_make_one_version_each(pool: Pool, tools: PostgresTools) -> None:
    made = await asyncio.gather(*(register(tools, tool(name=f"name {number}")) for number in range(12)))

    assert sorted(one.version for [one] in made) == list(range(1, 13))
    assert [one.status for [one] in made].count("registered") == 1
    assert await count(pool, "facts") == 12
    assert await count(pool, "tool_texts") == 1


async def test_the_same_definition_registered_at_once_makes_one_version(pool: Pool, tools: PostgresTools) -> None:
    made = await asyncio.gather(*(register(tools, tool()) for _ in range(8)))

    assert sorted(one.status for [one] in made) == ["registered"] + ["unchanged"] * 7
    assert await count(pool, "facts") == 1


async def test_one_command_sent_many_times_at_once_has_one_effect(pool: Pool, tools: PostgresTools) -> None:
    await register(tools, tool("a"))
    sent, reported = tool_draft(tool()), outcome("a", "a task")

    made = await asyncio.gather(*(tools.register([sent]) for _ in range(8)))
    kept = await asyncio.gather(*(tools.record([reported]) for _ in range(8)))

    assert made == [[Registered("web.search", 1, "registered")]] * 8
    assert kept == [[OutcomeKept("a")]] * 8
    assert await pool.fetchval("select sum(successes) from tool_evidence") == 1


async def test_batches_of_outcomes_in_any_order_all_add_up(pool: Pool, tools: PostgresTools) -> None:
    order = random.Random(7)  # noqa: S311
    await register(tools, *(tool(f"tool{number}") for number in range(6)))

    await asyncio.gather(*(record(tools, *some_outcomes(order, 60)) for _ in range(12)))

    for table in ("tool_evidence", "tool_reports"):
        assert await pool.fetchval(f"select sum(successes + failures) from {table}") == 720  # noqa: S608
    assert await count(pool, "facts") == 726


async def test_batches_across_tenants_in_any_order_all_succeed(tools: PostgresTools) -> None:
    tenants = ["ada", "bob", "eve"]

    async def batch(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311
        definitions = [tool(f"tool{number}", name=f"{seed}") for number in order.sample(range(5), 5)]
        drafts = [tool_draft(one, of=origin(tenant=order.choice(tenants))) for one in definitions]
        results = await tools.register(drafts)
        assert all(isinstance(one, Registered) for one in results)

    await asyncio.gather(*(batch(seed) for seed in range(16)))


async def test_an_outcome_and_the_end_of_its_tool_at_once_leave_nothing(pool: Pool, tools: PostgresTools) -> None:
    for _ in range(10):
        await register(tools, tool())
        results = await asyncio.gather(
            tools.record([outcome(task="a task")]), tools.deregister(origin(), b"", "web.search")
        )
        assert results[1] == Deregistered("web.search", True)

    assert [await count(pool, table) for table in ("tool_evidence", "tool_reports", "tool_texts")] == [0, 0, 0]
