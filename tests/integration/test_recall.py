"""What a question finds first: by rare names, by who and when, without the outdated and the repeated."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import COLLECTION, Rooms, draft, factors_of
from conftest import Engines
from recalling import chatter, near, remember_all, results

from memos.events.memories import StoreMemory
from memos.handlers.memories.understanding import READ_FOR_CUES
from memos.records import Source
from memos.stores.edge import open_edge

pytest_plugins = ["rooms"]

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Deploys fail with ERR-1042 when a disk is full.", "What does ERR-1042 mean?"),
        ("Guests make parseUserName return nothing.", "Why is parseUserName empty?"),
        ("The setting MAX_RETRY_COUNT is five.", "max retry count"),
        ("Invoice 20231 was paid twice.", "Which customer had 20231?"),
        ("On the market place is Café Zoë.", "cafe zoe?"),
        ("Der Schlüssel hängt am Türrahmen.", "TURRAHMEN"),
        ("東京都に住んでいます", "東京"),
        ("Our mascot is 🦔.", "🦔"),
    ],
)
async def test_a_rare_name_is_found_first_though_other_texts_are_closer_in_meaning(
    both: Rooms, text: str, query: str
) -> None:
    await chatter(both, 10, query, 0.3)
    await both.remember("Mistakes of that kind are described in the handbook.", **near(query, 0.6))
    await both.remember(text, **near(query, 0.2))

    first, second, *_ = await results(both, query)

    assert first.content == text
    assert factors_of(second)["meaning"]["value"] > factors_of(first)["meaning"]["value"]


async def test_a_memory_is_found_by_its_tags(both: Rooms) -> None:
    query = "What is there about billing?"
    await chatter(both, 10, query, 0.3)
    await both.remember("The letter came late.", tags=["billing"], **near(query, 0.1))

    assert (await both.recalled(query))[0] == "The letter came late."


async def test_a_word_that_most_memories_have_tells_little(both: Rooms) -> None:
    query = "office key"
    words = ["lamp", "desk", "rug", "clock", "plant", "window", "door", "shelf"]
    everywhere = [StoreMemory(content=f"The office has a {word}.", **near(query, 0.3)) for word in words]
    await remember_all(both, everywhere)
    await both.remember("Take a key along.", **near(query, 0.3))

    assert (await both.recalled(query))[0] == "Take a key along."


@pytest.mark.parametrize(
    "fields", [{"metadata": {"speaker": "Caroline"}}, {"content": "Caroline: Roses grow here."}]
)
async def test_what_the_named_one_said_is_preferred(both: Rooms, fields: dict[str, Any]) -> None:
    query = "Which plants did Caroline mention?"
    other = "Which plants did Melanie mention?"
    hers: dict[str, Any] = {"content": "Roses grow here.", **fields}
    await both.remember(**hers, **near(query, 0.3))
    await both.remember("Melanie: Tulips grow there.", **near(query, 0.3))

    assert (await both.recalled(query))[0] == hers["content"]
    assert (await both.recalled(other))[0] == "Melanie: Tulips grow there."


async def test_names_and_times_are_looked_for_at_the_beginning_of_a_query(both: Rooms) -> None:
    cue, rest = "What did Melanie plant in May 2023?", "plant " * (READ_FOR_CUES // 6 + 1)
    await both.remember("Melanie: Tulips grow there.", occurred_at=datetime(2023, 5, 8, tzinfo=UTC))

    [cued], [late] = await results(both, cue + rest), await results(both, rest + cue)

    assert {"speaker", "time"} <= set(factors_of(cued))
    assert not {"speaker", "time"} & set(factors_of(late))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("What was planted on 8 May 2023?", "Beans."),
        ("What was planted in September 2023?", "Garlic."),
        ("What was planted last May?", "Onions."),
        ("What was planted between December 2023 and February 2024?", "Leeks."),
    ],
)
async def test_a_memory_of_the_time_that_is_named_is_preferred(both: Rooms, query: str, first: str) -> None:
    for text, moment in {
        "Beans.": datetime(2023, 5, 8, 10, tzinfo=UTC),
        "Garlic.": datetime(2023, 9, 20, tzinfo=UTC),
        "Onions.": datetime(2025, 5, 3, tzinfo=UTC),
        "Leeks.": datetime(2024, 1, 10, tzinfo=UTC),
        "Carrots.": datetime(2025, 12, 31, tzinfo=UTC),
    }.items():
        await both.remember(text, occurred_at=moment, **near(query, 0.3))

    [found, *others] = await results(both, query, as_of=datetime(2026, 1, 15, tzinfo=UTC))

    assert found.content == first
    assert factors_of(found)["time"]["value"] == pytest.approx(1)
    assert all(factors_of(one)["time"]["value"] < 0.5 for one in others)


@pytest.mark.parametrize(("trip", "bought"), [(NOON, "Boots."), (NOON + timedelta(days=90), "Gloves.")])
async def test_a_time_told_from_an_event_is_that_from_the_memory_of_the_event(
    both: Rooms, trip: datetime, bought: str
) -> None:
    query = "What was bought two weeks before the trip to Rome?"
    await both.remember("the trip to Rome", occurred_at=trip)
    for text, moment in {"Boots.": NOON, "Gloves.": NOON + timedelta(days=90)}.items():
        await both.remember(text, occurred_at=moment - timedelta(days=14), **near(query, 0.3))

    found = {one.content: factors_of(one) for one in await results(both, query, preferences={"recency": 0})}

    assert next(text for text in found if text != "the trip to Rome") == bought
    assert found[bought]["time"]["value"] == pytest.approx(1)


async def test_a_superseded_memory_is_left_out_unless_asked_for(both: Rooms) -> None:
    former = await both.remember("The office is on Mill Street.")
    await both.remember("The office is on Oak Lane, behind the station.", supersedes=[former])

    assert await both.recalled("office on Mill Street") == ["The office is on Oak Lane, behind the station."]
    every = await both.query("office on Mill Street", include_superseded=True)
    assert every.memories.count == 2
    assert every.memories.results[0].memory_id == former


async def test_a_superseded_memory_is_left_out_though_the_engine_has_not_heard_of_it(both: Rooms) -> None:
    former = await both.remember("The office is on Mill Street.", agent_id="ada")
    await both.commit(draft("It has moved.", supersedes=[former]))

    assert await both.recalled("office on Mill Street", agent_id="ada") == []


async def test_texts_that_say_nearly_the_same_are_one_result(both: Rooms) -> None:
    text = "The build takes five minutes on the old machine."
    first = await both.remember(text)
    longer = await both.remember("The build really takes just five minutes on the old machine.")
    shouted = await both.remember("THE BUILD takes five minutes, on the old machine!")

    found = await results(both, "How long does the build take on the old machine?")

    assert len(found) == 1
    assert {found[0].memory_id, *found[0].repeats} == {first, longer, shouted}


@pytest.mark.parametrize(
    "other",
    [
        "The build takes 6 minutes on the old machine.",
        "The build takes 5 minutes on machine 2, the old one.",
        "The build never takes 5 minutes on the old machine.",
        "The build doesn't take 5 minutes on the old machine.",
    ],
)
async def test_texts_of_other_numbers_or_a_negation_are_results_of_their_own(both: Rooms, other: str) -> None:
    text = "The build takes 5 minutes on the old machine."
    await both.remember(text)
    await both.remember(other)

    found = await results(both, "How long does the build take on the old machine?")

    assert {one.content for one in found} == {text, other}
    assert [one.repeats for one in found] == [[], []]


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({"occurred_at": datetime(2026, 1, 10, tzinfo=UTC)}, {"occurred_at": datetime(2026, 6, 10, tzinfo=UTC)}),
        ({"metadata": {"speaker": "Anna"}}, {"metadata": {"speaker": "Bob"}}),
        ({}, {"occurred_at": datetime(2026, 6, 10, tzinfo=UTC)}),
    ],
)
async def test_the_same_words_of_another_day_or_speaker_are_a_result_of_their_own(
    both: Rooms, fields: dict[str, Any], others: dict[str, Any]
) -> None:
    await both.remember("I went to the dentist.", session_id="s", **fields)
    await both.remember("I went to the dentist!", session_id="t", **others)

    assert len(await results(both, "Who went to the dentist, and when?")) == 2


async def test_definitions_in_two_places_are_two_results(both: Rooms) -> None:
    for uri in ("a.py", "b.py"):
        await both.remember("def close(self)\nCloses the door.", kind="function", source=Source(uri=uri))

    assert len(await results(both, "How is the door closed?")) == 2


async def test_long_texts_that_only_begin_alike_are_two_results(both: Rooms) -> None:
    licence = "This text is licensed to whom it may concern. " * 300
    await both.remember(licence + "The password is in the safe.")
    await both.remember(licence + "The garden is behind the house.")

    assert len(await results(both, "To whom is this text licensed?")) == 2


async def test_repetitions_take_no_places_from_others(both: Rooms) -> None:
    query = "Is the door locked?"
    same = [StoreMemory(content="The door is locked.", session_id=f"s{n}", **near(query, 0.9)) for n in range(80)]
    await remember_all(both, same)
    await chatter(both, 10, query, 0.1)

    found = await results(both, query, top_k=5)

    assert len(found) == 5
    assert [one.content for one in found].count("The door is locked.") == 1


@pytest.mark.parametrize(
    ("query", "first"), [("the of and", "Closest."), ("🎉", "We won 🎉"), ("🎉🎉!", "We won 🎉")]
)
async def test_a_question_without_words_is_answered(both: Rooms, query: str, first: str) -> None:
    await both.remember("Closest.", **near(query, 0.5))
    await both.remember("We won 🎉", **near(query, 0.3))
    await both.remember("Rain is due.", **near(query, 0.1))

    found = await both.recalled(query)

    assert len(found) == 3
    assert found[0] == first


async def test_equals_come_in_one_order_each_time_and_from_every_worker(engines: Engines, rooms: Rooms) -> None:
    query, collection = "anything", replace(COLLECTION, name=f"t{draft().memory_id.hex}")
    async with (
        open_edge(engines.edge_socket, collection) as first,
        open_edge(engines.edge_socket, collection) as second,
    ):
        one, another = replace(rooms, vectors=first), replace(rooms, vectors=second)  # type: ignore[arg-type]
        await chatter(one, 40, query, 0.3, occurred_at=NOON)

        found = await one.recalled(query, top_k=40)

        assert len(found) == 40
        assert await one.recalled(query, top_k=40) == found
        assert await another.recalled(query, top_k=40) == found
        assert await another.recalled(query, top_k=7) == found[:7]
