"""Questions that ask the same in other words, and must not be kept apart."""

import pytest

from memos.equivalence import question_of, refusal

SAME_QUESTION = (
    ("How do I learn Python?", "What is the best way to learn Python?"),
    ("How can I lose weight?", "How do I lose weight?"),
    ("What's the capital of France?", "What is the capital of France?"),
    ("Why can't I sleep?", "Why can not I sleep?"),
    ("Why can\u2019t I sleep?", "Why cant I sleep?"),
    ("How do I boil five eggs?", "How do I boil 5 eggs?"),
    ("What is 1,000 in binary?", "What is 1000 in binary?"),
    ("How far is 5 kilometers?", "How far is 5km?"),
    ("Can I live on $25?", "Can I live on 25 dollars?"),
    ("Who won World War II?", "Who won World War 2?"),
    ("Who was the 2nd president?", "Who was the second president?"),
    ("What is the difference between tea and coffee?", "What is the difference between coffee and tea?"),
    ("Which is better, iOS or Android?", "Which is better, Android or iOS?"),
    ("How do I get from Paris to Lyon?", "How do I get to Lyon from Paris?"),
    ("How do I increase website traffic?", "How do I increase the traffic to my website?"),
    ("How do I get rid of odor in my armpits?", "How do I get rid of armpit odor?"),
    ("What are the best books on AI?", "What are the best books on artificial intelligence?"),
    ("How do I move to the US?", "How do I move to the United States?"),
    ("What is wrong with India's schools?", "What is wrong with Indian schools?"),
    ("which phones does apple make?", "Which phones does Apple make?"),
    ("How do I leave Facebook?", "How do I leave Face Book?"),
    ("How do I sort a list in C++?", "How can I sort a list in c++?"),
    ("What does `git  status` show?", "What is shown by `git status`?"),
    ("Is it safe or not?", "Is it safe?"),
    ("Which movies should I watch?", "Which films should I watch?"),
    (
        "What are the similarities and differences of A and B?",
        "What are the differences and similarities of A and B?",
    ),
    ("Wie lerne ich Deutsch?", "wie lerne ich Deutsch"),
    ("¿Por qué duermen los gatos?", "Por qué duermen los gatos"),
)


@pytest.mark.parametrize(("asked", "cached"), SAME_QUESTION)
def test_what_asks_the_same_in_other_words_passes_every_guard(asked: str, cached: str) -> None:
    assert refusal(question_of(asked), question_of(cached)) is None
    assert refusal(question_of(cached), question_of(asked)) is None
