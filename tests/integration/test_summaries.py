"""Running summaries, made by a model behind a real HTTP server."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from chat_server import ChatServer, asked_of, refused

from memos.errors import CompletionRefused, Unavailable
from memos.handlers.working.summarise import LONGEST_SUMMARY, MOST_CHARACTERS, MOST_IDS, foldable, folded
from memos.language_models.openai_compatible import OpenAICompatibleModel
from memos.records import KeptMessage, KeptSummary

pytest_plugins = ["model_fixtures"]


def said(sequence: int, content: str, **fields: str) -> KeptMessage:
    return KeptMessage(sequence, {"role": "user", "content": content, **fields}, 1, UUID(int=sequence))


def summary(text: str, *numbers: int) -> KeptSummary:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [UUID(int=number) for number in numbers]
    return KeptSummary(text=text, through=numbers[-1], message_ids=ids, model="m", updated_at=moment)


async def test_a_summary_covers_the_former_one_and_the_messages_and_names_them_all(
    teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    made = await folded(model, summary("they met", 1, 2), [said(3, "they talked"), said(4, "they left")])

    assert made.text == "they met; they talked; they left"
    assert (made.through, made.model) == (4, "teller")
    assert list(made.message_ids) == [UUID(int=number) for number in (1, 2, 3, 4)]
    assert len(teller.asked) == 1


async def test_a_summary_counts_the_messages_that_left_without_one(model: OpenAICompatibleModel) -> None:
    first = await folded(model, None, [said(4, "they talked")])
    second = await folded(model, first, [said(5, "they left")])
    third = await folded(model, second, [said(8, "they came back"), said(9, "they slept")])

    assert [(one.through, one.missing) for one in (first, second, third)] == [(4, 3), (5, 3), (9, 5)]


async def test_the_model_is_told_who_said_what_and_when(teller: ChatServer, model: OpenAICompatibleModel) -> None:
    ines = said(7, "On Friday, then.", name="Ines", occurred_at="2026-03-02T18:05:00Z")

    await folded(model, None, [ines, said(8, "Fine.")])

    asked = asked_of(teller.asked[0])
    assert asked == (
        "Summary so far:\n(none)\n\nMessages that come next:\n"
        "[7] Ines (user), 2026-03-02 18:05:\nOn Friday, then.\n\n[8] user:\nFine."
    )


def test_a_model_is_given_as_many_messages_at_a_time_as_it_reads() -> None:
    third = "x" * (MOST_CHARACTERS // 3)

    assert foldable([said(number, third) for number in range(1, 9)]) == [
        said(number, third) for number in (1, 2, 3)
    ]
    assert len(foldable([said(1, "x" * 9 * MOST_CHARACTERS), said(2, "y")])) == 1


async def test_a_message_that_is_too_long_for_the_model_is_read_in_parts(
    teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    teller.answer = lambda body: json.dumps({"summary": f"{len(teller.asked)} read"})
    words = "word " * MOST_CHARACTERS

    made = await folded(model, None, [said(1, words)])

    assert made.text == "3 read"
    texts = [asked_of(asked) for asked in teller.asked]
    assert max(len(text) for text in texts) < 2 * MOST_CHARACTERS + 200
    assert "".join(text.split("come next:\n", 1)[1] for text in texts) == f"[1] user:\n{words}"
    assert [text.split("\n", 2)[1] for text in texts] == ["(none)", "1 read", "2 read"]


async def test_a_summary_stays_bounded_however_much_a_model_says(
    teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    teller.answer = lambda _: json.dumps({"summary": "very " * LONGEST_SUMMARY})
    former = summary("long ago", *range(1, MOST_IDS + 1))

    made = await folded(model, former, [said(MOST_IDS + 1, "again")])

    assert len(made.text) == LONGEST_SUMMARY
    assert len(made.message_ids) == MOST_IDS
    assert made.message_ids[-1] == UUID(int=MOST_IDS + 1)


async def test_a_summary_can_always_be_kept(teller: ChatServer, model: OpenAICompatibleModel) -> None:
    teller.answer = lambda _: '{"summary": " half \\ud83d a face and \\u0000 nothing "}'

    assert (await folded(model, None, [said(1, "a")])).text == "half ? a face and  nothing"


async def test_an_empty_summary_is_none(teller: ChatServer, model: OpenAICompatibleModel) -> None:
    teller.answer = lambda _: '{"summary": " "}'

    with pytest.raises(CompletionRefused, match="teller"):
        await folded(model, None, [said(1, "a")])


async def test_a_model_that_is_away_is_unavailable(teller: ChatServer, model: OpenAICompatibleModel) -> None:
    teller.answer = lambda _: refused(503)

    with pytest.raises(Unavailable):
        await folded(model, None, [said(1, "a")])
