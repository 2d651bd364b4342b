"""What fits into a context: exactly as much as it may cost, the best of each section first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from builders import memory
from hypothesis import given
from hypothesis import strategies as st

from memos.events.context import ContextMessage
from memos.events.memories import RecalledMemory
from memos.events.sessions import SessionMessage
from memos.handlers.context.budget import HEADINGS, filled
from memos.handlers.context.entries import (
    LONGEST_TASK,
    Entry,
    Listed,
    lesson_entries,
    memory_entries,
    message_entry,
    value_entry,
)
from memos.handlers.context.lessons import Lesson
from memos.ranking import tokens_of
from memos.records import KeptValue, content_of

SECTIONS: Sequence[Listed] = (*HEADINGS, "tools")
MOMENT = datetime(2026, 5, 1, tzinfo=UTC)

texts = st.lists(st.text(min_size=1, max_size=60), max_size=6)
several = st.fixed_dictionaries(dict.fromkeys(SECTIONS, texts))


def ranked(contents: Mapping[Listed, Sequence[str]]) -> dict[Listed, list[Entry]]:
    """Entries of some texts, those of the session marked and oldest first."""
    return {
        section: [
            Entry(
                section, text, None, "- " if section == "working" else None, -place if section == "working" else 0
            )
            for place, text in enumerate(some)
        ]
        for section, some in contents.items()
    }


def recalled(content: str, number: int = 1, **fields: Any) -> RecalledMemory:
    """A lesson that was found."""
    complete = {**dict(memory()), "memory_id": UUID(int=number), "content": content, "score": 1.0, **fields}
    return RecalledMemory.model_construct(**{"kind": "lesson", **complete})


@given(several, st.integers(0, 200) | st.none(), st.integers(0, 40))
def test_what_it_costs_is_what_its_text_and_tools_cost_and_never_too_much(
    contents: dict[Listed, list[str]], budget: int | None, spent: int
) -> None:
    fits = filled(ranked(contents), budget, spent)

    costs = fits.tokens()
    tools = sum(tokens_of(line.text) for line in fits.lines["tools"])
    assert costs["tools"] == tools
    assert sum(costs.values()) == tokens_of(fits.text) + tools
    if budget is None:
        assert fits.left_out == []
    elif fits.text or tools:
        assert spent + sum(costs.values()) <= budget
    assert sum(map(len, fits.lines.values())) + len(fits.left_out) == sum(map(len, contents.values()))


@given(several, st.integers(0, 200))
def test_nothing_is_left_out_that_would_fit_beside_the_rest(contents: dict[Listed, list[str]], budget: int) -> None:
    fits = filled(ranked(contents), budget, 0)

    for entry in fits.left_out:
        kept = {section: [line.entry.text for line in fits.lines[section]] for section in SECTIONS}
        with_it = ranked({**kept, entry.section: [*kept[entry.section], entry.text]})
        assert filled(with_it, None, 0).tokens().keys() == fits.tokens().keys()
        assert sum(filled(with_it, None, 0).tokens().values()) > budget


def test_the_best_of_each_section_are_taken_before_the_second_best_of_any() -> None:
    entries = ranked({section: [f"{section} one", f"{section} two"] for section in SECTIONS})
    firsts = filled({section: some[:1] for section, some in entries.items()}, None, 0)

    fits = filled(entries, sum(firsts.tokens().values()), 0)

    assert fits.text == firsts.text
    assert fits.omitted == dict.fromkeys(SECTIONS, 1)


def test_what_does_not_fit_is_passed_over_and_the_numbers_have_no_gap() -> None:
    fits = filled(ranked({"memories": ["a", "b" * 400, "c"]}), 20, 0)

    assert fits.text == "## Memories\n1. a\n2. c"
    assert fits.omitted == {"memories": 1}


def test_a_heading_costs_tokens_too() -> None:
    entries = ranked({"memories": ["a"]})
    cost = tokens_of("## Memories\n1. a")

    assert filled(entries, cost, 0).text
    assert filled(entries, cost - 1, 0).text == ""


def test_messages_are_shown_oldest_first_though_the_newest_are_taken_first() -> None:
    messages = [
        SessionMessage(
            role="user",
            content=f"message {number}",
            name=None,
            occurred_at=MOMENT,
            metadata={},
            sequence=number,
            message_id=UUID(int=number),
            tokens=1,
        )
        for number in (3, 2, 1)
    ]

    fits = filled({"working": [message_entry(one) for one in messages]}, 17, 0)

    assert fits.text == "## Working memory\n2. [user] message 2\n3. [user] message 3"
    assert [one.tokens for one in fits.items(ContextMessage)] == [tokens_of("2. [user] message 2\n")] * 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "[2026-05-01] text"),
        ({"metadata": {"outcome": "failure"}}, "[2026-05-01, failure] text"),
        (
            {"content": content_of("Do it.", "a", "success"), "metadata": {"task": "a"}, "times_stored": 3},
            "[2026-05-01, learned 3 times, task: a] Do it.",
        ),
        ({"metadata": {"lesson": " ", "task": ["x"], "outcome": 1}}, "[2026-05-01] text"),
        ({"metadata": {"task": "a\n## b"}}, "[2026-05-01, task: a ## b] text"),
        ({"metadata": {"task": "x" * (LONGEST_TASK + 1)}}, f"[2026-05-01, task: {'x' * LONGEST_TASK}…] text"),
        ({"occurred_at": datetime(2025, 1, 2, tzinfo=UTC)}, "[2025-01-02] text"),
        ({"content": "one\r\n## two\u2028- three"}, "[2026-05-01] one\n   ## two\n   - three"),
    ],
)
def test_a_lesson_is_shown_with_what_is_known_of_it(fields: dict[str, Any], expected: str) -> None:
    [entry] = lesson_entries([Lesson(recalled(**{"content": "text", **fields}))])

    assert entry.text == expected


def test_a_memory_is_shown_as_to_an_agent_that_is_equipped() -> None:
    [entry] = memory_entries([recalled("text", metadata={"speaker": "Ines"})])

    assert entry.text == "[2026-05-01, Ines] text"


def test_the_name_of_a_value_takes_no_line_of_its_own() -> None:
    entry = value_entry(KeptValue("plan\u2028## Memories", {"a": "b\nc"}, 2, MOMENT, None))

    assert entry is not None
    assert entry.text == 'plan ## Memories = {"a":"b\\nc"}'
