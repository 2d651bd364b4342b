"""Questions of the same words in which somebody else does, is done to, is denied or is meant."""

import pytest

from memos.equivalence import question_of, refusal

ROLES = (
    ("Who did Cleopatra love?", "Who loved Cleopatra?"),
    ("who sued apple", "who did apple sue"),
    ("What eats herons?", "What do herons eat?"),
    ("Which club signed Pele?", "Which club did Pele sign?"),
    ("How many viewers watched the judge?", "How many viewers did the judge watch?"),
    ("Who will follow the queen?", "Who will the queen follow?"),
    ("Which river is longer than the Rhine?", "Which river is the Rhine longer than?"),
    ("Which towns were burnt by Rome?", "Which towns burnt Rome?"),
    ("Has the guard been seen by the thief?", "Has the guard seen the thief?"),
)
PEOPLE = (
    ("Why did my editor praise me?", "Why did I praise my editor?"),
    ("Should he trust her?", "Should he trust me?"),
    ("Should I invite him?", "Should he invite me?"),
    ("Are my twins liable for my loan?", "Am I liable for my twins' loan?"),
    ("Can I sell my boat to my aunt?", "Can I sell my aunt's boat to me?"),
    ("How do I stop him from teasing her?", "How do I stop her from teasing him?"),
    ("You owe me lunch, right?", "I owe you lunch, right?"),
    ("How do I tell my coach I left?", "How do I tell my coach she left?"),
)
SCOPE = (
    ("What should I not wear when hiking?", "What should I wear when not hiking?"),
    ("Are not all snakes deadly?", "Are all snakes not deadly?"),
    ("Do people who do not drive complain?", "Do people who drive not complain?"),
)
REPEATS = (
    ("When owls meet crows, what do owls do?", "When owls meet crows, what do crows do?"),
    ("What is 2 plus 2 plus 3?", "What is 2 plus 3 plus 3?"),
)
OPPOSITES = (
    ("Can I cancel within 9 days?", "Can I cancel beyond 9 days?"),
    ("Is tax due on shares received?", "Is tax due on shares given?"),
    ("Copy all of the files except logs", "Copy all of the files including logs"),
    ("Did he push her?", "Did she push him?"),
    ("Does he snore?", "Does she snore?"),
)
SAME_QUESTION = (
    ("Which towns were burnt by Rome?", "Which towns did Rome burn?"),
    ("Who was Emma written by?", "Who wrote Emma?"),
    ("What linguists think about slang?", "What do linguists think about slang?"),
    ("which phones apple makes", "Which phones does Apple make?"),
    ("Which tent can I use?", "Which tent should I use?"),
    ("How do you peel a kiwi?", "How can I peel a kiwi?"),
    ("How do I improve my Greek?", "How can one improve their Greek?"),
    ("How do I win my ex back?", "How can I win my ex back?"),
    ("How to make my ex love me?", "How can I get my ex to love me?"),
    ("What should I do if she calls me?", "If she calls me, what should I do?"),
    ("Why aren't cats fond of water?", "Why are cats not fond of water?"),
    ("Why doesn't my lamp work?", "Why does my lamp not work?"),
    ("Is a whale bigger than a bus?", "Is a whale a bigger thing than a bus?"),
    ("Why do owls hunt mice, and how do owls see mice?", "Why do owls hunt mice and how do they see mice?"),
)


@pytest.mark.parametrize(
    ("guard", "pairs"),
    [
        ("roles", ROLES),
        ("people", PEOPLE),
        ("scope", SCOPE),
        ("repeats", REPEATS),
        ("opposites", OPPOSITES),
    ],
)
def test_who_does_what_to_whom_keeps_questions_apart_whichever_was_asked_first(
    guard: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    for asked, cached in pairs:
        for one, other in ((asked, cached), (cached, asked)):
            found = refusal(question_of(one), question_of(other))
            assert found is not None, f"{one} / {other}"
            assert found.startswith(f"{guard}: "), f"{one} / {other}: {found}"


@pytest.mark.parametrize(("asked", "cached"), SAME_QUESTION)
def test_another_way_to_say_who_does_it_keeps_nothing_apart(asked: str, cached: str) -> None:
    assert refusal(question_of(asked), question_of(cached)) is None
    assert refusal(question_of(cached), question_of(asked)) is None


def test_a_reason_names_what_is_done_and_by_whom() -> None:
    asked, cached = question_of("Was the fox seen by the owl?"), question_of("Had the fox seen the owl?")
    assert refusal(asked, cached) == "roles: see by owl and see owl"
