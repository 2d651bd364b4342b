"""Which of the questions that come near another ask the same."""

from memos.answering import Near, compared

ASKED = "How do I reset my password?"


def near(*questions: tuple[str, float]) -> list[Near]:
    return [Near(f"key-{place}", question, cosine) for place, (question, cosine) in enumerate(questions)]


def test_the_most_alike_comes_first_and_nothing_is_refused_when_all_ask_the_same() -> None:
    found = compared(ASKED, near(("How can I reset my password?", 0.93), (ASKED, 1.0)), 0.5)

    assert [one.near.key for one in found.alike] == ["key-1", "key-0"]
    assert found.alike[0].likeness > found.alike[1].likeness >= 0.5
    assert found.refused is None


def test_what_asks_something_else_is_left_out_and_the_nearest_says_why() -> None:
    others = near(("How do I reset 2 passwords?", 0.97), ("How do I not reset my password?", 0.96), (ASKED, 0.95))

    found = compared(ASKED, others, 0.5)

    assert [one.near.key for one in found.alike] == ["key-2"]
    assert found.refused is not None
    assert found.refused.startswith("numbers")


def test_what_is_less_alike_than_asked_is_left_out_and_says_how_alike_it_is() -> None:
    found = compared(ASKED, near(("How can I reset my password?", 0.9)), 1.0)

    assert found.alike == []
    assert found.refused is not None
    assert found.refused.startswith("likeness: 0.")
    assert found.refused.endswith("is less than 1.000")


def test_without_any_that_come_near_there_is_nothing_to_say() -> None:
    assert compared(ASKED, [], 0.5) == ([], None)
