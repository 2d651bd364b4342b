"""Questions in memory: brought up to what is kept, searched by cosine, and bounded."""

import asyncio
import math
from array import array
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from memos.answering import Questions
from memos.answering.context import Context
from memos.answering.questions import MOST_NEAR, PAGE
from memos.records import KeptQuestion

MODEL = "model"
EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


class Log:
    """Questions as a cache keeps them, and what it was asked for."""

    def __init__(self) -> None:
        self.kept: defaultdict[tuple[str, str, str], list[KeptQuestion]] = defaultdict(list)
        self.asked: list[int] = []
        self._revision = 0

    def add(
        self, key: str, vector: Sequence[float], *, tenant: str = "t", context: str = "c", model: str = MODEL
    ) -> None:
        self._revision += 1
        kept = KeptQuestion(self._revision, key, f"{key}?", array("f", vector).tobytes())
        self.kept[tenant, context, model].append(kept)

    async def questions(
        self, tenant: str, context: str, embedding_model: str, after: int, limit: int
    ) -> list[KeptQuestion]:
        self.asked.append(after)
        await asyncio.sleep(0)
        return [one for one in self.kept[tenant, context, embedding_model] if one.revision > after][:limit]


def questions(log: Any, most_bytes: int = 1_000_000) -> Questions:
    return Questions(log, most_bytes)


async def found(known: Questions, vector: Sequence[float] = EAST, context: str = "c", **name: str) -> list[str]:
    """The keys of what is near."""
    near = await known.near(name.get("tenant", "t"), context, name.get("model", MODEL), vector, 0.5)
    return [one.key for one in near]


async def test_questions_are_found_by_cosine_best_first_down_to_the_least() -> None:
    log = Log()
    log.add("near", (math.cos(0.5), math.sin(0.5)))
    log.add("same", EAST)
    log.add("beside", NORTH)
    log.add("against", WEST)

    near = await questions(log).near("t", "c", MODEL, EAST, 0.5)

    assert [(one.key, one.question) for one in near] == [("same", "same?"), ("near", "near?")]
    assert math.isclose(near[1].cosine, math.cos(0.5), rel_tol=1e-6)


async def test_a_question_that_came_meanwhile_is_found_and_the_others_are_not_read_again() -> None:
    log = Log()
    log.add("a", EAST)
    known = questions(log)
    assert await found(known) == ["a"]

    log.add("b", EAST)

    assert await found(known) == ["a", "b"]
    assert await found(known) == ["a", "b"]
    assert log.asked == [0, 1, 2]


async def test_tenants_contexts_and_models_never_see_the_questions_of_others() -> None:
    log = Log()
    log.add("a", EAST)
    log.add("b", EAST, tenant="u")
    log.add("c", EAST, context="d")
    log.add("d", EAST, model="other")
    known = questions(log)

    assert await found(known) == ["a"]
    assert await found(known, tenant="u") == ["b"]
    assert await found(known, context="d") == ["c"]
    assert await found(known, model="other") == ["d"]
    assert await found(known, tenant="nobody") == []


async def test_a_question_whose_answer_is_gone_is_dropped_until_it_is_kept_anew() -> None:
    log = Log()
    log.add("a", EAST)
    log.add("b", EAST)
    known = questions(log)
    await found(known)

    known.drop("t", "c", MODEL, "a")
    known.drop("t", "c", MODEL, "a")
    known.drop("t", "nothing", MODEL, "a")
    assert await found(known) == ["b"]

    log.add("a", EAST)
    assert await found(known) == ["a", "b"]


async def test_a_question_that_is_kept_anew_takes_its_own_place() -> None:
    log = Log()
    log.add("a", EAST)
    known = questions(log)
    await found(known)

    log.add("a", NORTH)

    assert await found(known) == []
    assert await found(known, NORTH) == ["a"]


async def test_more_questions_than_a_page_are_all_read() -> None:
    log = Log()
    for number in range(PAGE + 5):
        log.add(f"k{number}", NORTH)
    log.add("last", EAST)

    assert await found(questions(log)) == ["last"]
    assert log.asked == [0, PAGE]


async def test_no_more_come_near_than_are_looked_at() -> None:
    log = Log()
    for number in range(50):
        log.add(f"k{number:02}", (math.cos(number / 100), math.sin(number / 100)))

    assert await found(questions(log)) == [f"k{number:02}" for number in range(MOST_NEAR)]


async def test_a_context_keeps_its_newest_questions() -> None:
    context = Context(2, most=3)
    for revision in range(1, 6):
        context.add(KeptQuestion(revision, f"k{revision}", "?", array("f", EAST).tobytes()))

    near = context.near(array("f", EAST), 0.5, 10)  # type: ignore[arg-type]

    assert [one.key for one in near] == ["k3", "k4", "k5"]
    assert context.revision == 5


async def test_a_vector_of_another_dimension_is_passed_over() -> None:
    log = Log()
    log.add("odd", (1.0, 0.0, 0.0))
    log.add("a", EAST)

    assert await found(questions(log)) == ["a"]


async def test_memory_is_bounded_and_what_was_not_used_for_longest_is_read_again() -> None:
    log = Log()
    for number in range(10):
        for question in range(50):
            log.add(f"k{question}", EAST, context=f"c{number}")
    one = questions(log)
    await found(one, context="c0")
    known = questions(log, 3 * one.nbytes + 1)

    for number in range(10):
        await found(known, context=f"c{number}")
        assert known.nbytes <= 3 * one.nbytes + 1
    log.asked.clear()
    for name in ("c9", "c8", "c0", "c8", "c9"):
        await found(known, context=name)

    assert log.asked[1] > 0
    assert [after > 0 for after in log.asked] == [True, True, False, True, True]
    assert known.nbytes == 3 * one.nbytes


async def test_a_context_without_questions_takes_no_memory() -> None:
    known = questions(Log())

    for number in range(100):
        await found(known, context=f"c{number}")

    assert known.nbytes == 0


async def test_what_is_let_go_of_while_it_is_read_on_is_still_searched() -> None:
    log = Log()
    for context in ("c", "d"):
        log.add(context, EAST, context=context)
    known = questions(log, most_bytes=1700)  # one context of two questions

    assert await asyncio.gather(*(found(known, context=context) for context in "cdcd")) == [["c"], ["d"]] * 2
    one = known.nbytes
    log.add("e", EAST)
    log.add("f", EAST, context="d")

    assert await asyncio.gather(*(found(known, context=context) for context in "cd")) == [["c", "e"], ["d", "f"]]
    assert one < known.nbytes < 2 * one


async def test_a_first_search_of_many_at_once_reads_a_context_once() -> None:
    log = Log()
    log.add("a", EAST)
    known = questions(log)

    assert await asyncio.gather(*(found(known) for _ in range(5))) == [["a"]] * 5
    assert log.asked == [0, 1, 1, 1, 1]
