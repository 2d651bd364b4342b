"""What stands beside a good answer: it is lifted, and shown with it, as far as the asker may see it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, factors_of, origin
from recalling import chatter, converse, near, results, scores

from memos.records import Source

pytest_plugins = ["rooms"]

ASKED, ANSWER = "Ann: Where does the spare key hang?", "Ben: Behind the coat rack, as ever."
QUESTION = "Where does the spare key hang?"
ELSEWHERE = near(QUESTION, 0.0)
"""The fields of a memory that has nothing to do with the question."""


async def test_an_answer_without_a_word_of_the_question_is_found_beside_the_turn_that_asks(both: Rooms) -> None:
    """Each remark is closer to the question than the answer is, and they are more than are looked at."""
    await converse(both, "Ann: Good morning.", **ELSEWHERE)
    await converse(both, ASKED)
    await converse(both, ANSWER, "Ben: It rains.", **ELSEWHERE)
    await chatter(both, 120, QUESTION, 0.2, session_id="of others")

    found = await results(both, QUESTION, top_k=3)

    assert {ASKED, ANSWER} == {one.content for one in found[:2]}
    assert [one.content for one in found if "neighbours" in factors_of(one)][:1] == [ANSWER]


async def test_the_passage_after_the_heading_is_found_in_a_document(both: Rooms) -> None:
    page: dict[str, Any] = {"source": Source(uri="file:///keys.md"), "kind": "document"}
    await both.remember("Where the spare key hangs", sequence=0, **page)
    await both.remember("Behind the coat rack, as ever.", sequence=1, **page, **ELSEWHERE)
    await chatter(both, 80, QUESTION, 0.2)

    assert "Behind the coat rack, as ever." in await both.recalled(QUESTION, top_k=2)


async def test_the_nearer_turns_are_lifted_more_and_those_out_of_reach_not_at_all(both: Rooms) -> None:
    await converse(both, ASKED)
    await converse(both, "One.", "Two.", "Three.", "Four.", **ELSEWHERE)

    found = {one.content: factors_of(one) for one in await results(both, QUESTION)}

    lifts = [found[text].get("neighbours", {"value": 0.0})["value"] for text in ("One.", "Two.", "Four.")]
    assert lifts[0] > lifts[1] > lifts[2]


async def test_definitions_of_code_are_not_lifted_by_those_beside(both: Rooms) -> None:
    code: dict[str, Any] = {"source": Source(uri="file:///keys.py"), "kind": "function"}
    await both.remember("def hang_spare_key(): where does the spare key hang?", sequence=0, **code)
    await both.remember("def fold(): ...", sequence=1, **code, **ELSEWHERE)

    for one in await results(both, QUESTION):
        assert {"neighbours", "context"}.isdisjoint(factors_of(one))


async def test_definitions_of_code_do_not_keep_turns_from_being_lifted(both: Rooms) -> None:
    await chatter(both, 40, QUESTION, 0.9, source=Source(uri="file:///keys.py"), kind="function")
    await converse(both, "Ann: Where does it hang?", ANSWER, **near(QUESTION, 0.1))

    found = {one.content: factors_of(one) for one in await results(both, QUESTION, top_k=50)}

    assert found[ANSWER]["neighbours"]["value"] > 0


async def around(rooms: Rooms, number: int = 1, **asked: Any) -> list[tuple[list[str], list[str]]]:
    """What stands before and after the turn that asks."""
    found = await rooms.query(QUESTION, around=number, filter={"tags": ["wanted"]}, **asked)
    return [
        ([beside.content for beside in one.before], [beside.content for beside in one.after])
        for one in found.memories.results
    ]


async def conversation(rooms: Rooms) -> list[UUID]:
    """Seven turns, of which the one in the middle is wanted."""
    before = await converse(rooms, "1.", "2.", "3.", **ELSEWHERE)
    [wanted] = await converse(rooms, ASKED, tags=["wanted"])
    return [*before, wanted, *await converse(rooms, "5.", "6.", "7.", **ELSEWHERE)]


async def test_neighbours_come_in_their_order_as_many_as_are_asked_for(both: Rooms) -> None:
    await conversation(both)
    await converse(both, "Another session.", session_id="t")

    assert await around(both, 0) == [([], [])]
    assert await around(both, 1) == [(["3."], ["5."])]
    assert await around(both, 2) == [(["2.", "3."], ["5.", "6."])]
    assert await around(both, 10) == [(["1.", "2.", "3."], ["5.", "6.", "7."])]


async def test_at_the_ends_of_a_session_neighbours_are_on_one_side(both: Rooms) -> None:
    await converse(both, ASKED, tags=["wanted"])
    assert await around(both) == [([], [])]
    await converse(both, ANSWER)
    assert await around(both) == [([], [ANSWER])]
    await converse(both, "Where does this spare key hang in winter?", tags=["wanted"])
    assert sorted(await around(both)) == [([], [ANSWER]), ([ANSWER], [])]


async def test_what_is_superseded_deleted_or_expired_is_no_neighbour(both: Rooms) -> None:
    ids = await conversation(both)
    await both.remember("3, said better.", supersedes=[ids[2]])
    await both.memories.delete(origin(), b"d", "default_agent", ids[4])
    past = datetime.now(UTC) - timedelta(seconds=1)
    await both.pool.execute("update agent_memories set expires_at = $2 where memory_id = $1", ids[5], past)

    assert await around(both) == [(["2."], ["7."])]
    assert await around(both, include_superseded=True) == [(["2."], ["7."])]


async def test_the_private_turns_of_another_agent_are_not_shown_beside_its_shared_one(both: Rooms) -> None:
    await converse(both, "Private.", agent_id="bob")
    await converse(both, ASKED, agent_id="bob", visibility="shared", tags=["wanted"])
    await converse(both, "Private too.", agent_id="bob")
    await converse(both, "For all.", agent_id="bob", visibility="shared")

    assert await around(both, agent_id="ada") == [([], ["For all."])]
    assert await around(both, agent_id="bob") == [(["Private."], ["Private too."])]


@pytest.mark.parametrize("fields", [{"tags": ["noted"]}, {"kind": "note"}, {"metadata": {"noted": True}}], ids=str)
async def test_a_neighbour_that_does_not_meet_the_filter_is_no_result_and_lifts_nothing(
    both: Rooms, fields: dict[str, Any]
) -> None:
    await converse(both, ANSWER, **fields, **ELSEWHERE)
    await converse(both, ASKED)

    everything = await results(both, QUESTION)
    [found] = await results(both, QUESTION, filter=fields)

    assert {one.content for one in everything} == {ASKED, ANSWER}
    assert next(factors_of(one)["neighbours"]["value"] for one in everything if one.content == ANSWER) > 0
    assert found.content == ANSWER
    assert "neighbours" not in factors_of(found)
    assert factors_of(found)["context"]["value"] == 0


async def test_a_neighbour_that_does_not_meet_the_filter_is_still_shown_around_a_result(both: Rooms) -> None:
    await converse(both, ANSWER, **ELSEWHERE)
    await converse(both, ASKED, tags=["wanted"])

    assert await around(both) == [([ANSWER], [])]


async def test_a_strong_neighbour_counts_also_when_the_engine_is_behind_with_what_is_between(both: Rooms) -> None:
    [_, between, _] = await converse(both, ASKED, "Ben: Hm.", ANSWER)
    before = await scores(both, QUESTION)
    await both.memories.delete(origin(), b"d", "default_agent", between)

    after = await scores(both, QUESTION)

    assert set(after) == {ASKED, ANSWER}
    assert after[ANSWER] > before[ANSWER]
