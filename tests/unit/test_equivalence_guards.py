"""Questions that look alike and must not share an answer, and what they are refused for."""

import pytest

from memos.equivalence import question_of, refusal

NUMBERS = (
    ("How do I boil 5 eggs?", "How do I boil 6 eggs?"),
    ("What are the top 10 laptops?", "What are the top laptops?"),
    ("What changed in Python 3.11?", "What changed in Python 3.12?"),
    ("What was the inflation in 2015?", "What was the inflation in 2016?"),
    ("How far is 5 km?", "How far is 5 miles?"),
    ("What is $100 worth?", "What is €100 worth?"),
    ("How can I lose weight in two weeks?", "How can I lose weight in three weeks?"),
    ("Who was the second president?", "Who was the third president?"),
    ("Who won World War II?", "Who won World War III?"),
    ("What is 1,000 in binary?", "What is 1,001 in binary?"),
    ("What is the square root of -4?", "What is the square root of 4?"),
    ("Can I live on twenty-five dollars?", "Can I live on thirty-five dollars?"),
)
TIMES = (
    ("Which shops are open on Monday?", "Which shops are open on Tuesday?"),
    ("What is the weather today?", "What is the weather tomorrow?"),
    ("Where is it warm in January?", "Where is it warm in June?"),
    ("How was revenue last week?", "How was revenue last month?"),
    ("Where is it warm in May?", "Where is it warm?"),
)
NEGATION = (
    ("Why do cats purr?", "Why don't cats purr?"),
    ("Should I eat before running?", "Should I never eat before running?"),
    ("Can I bake bread with yeast?", "Can I bake bread without yeast?"),
    ("Which foods are healthy?", "Which foods are unhealthy?"),
    ("Is the party connected?", "Is the party unconnected?"),
    ("Why cant I sleep?", "Why can I sleep?"),
    ("Who has no taxes to pay?", "Who has taxes to pay?"),
)
OPPOSITES = (
    ("How do I turn on dark mode?", "How do I turn off dark mode?"),
    ("How do I log in?", "How do I log out?"),
    ("Make the text shorter, please", "Make the text longer, please"),
    ("Is it legal to park here?", "Is it illegal to park here?"),
    ("How do I enable logging?", "How do I disable logging?"),
    ("How do I increase the timeout?", "How do I decrease the timeout?"),
    ("Should I eat before running?", "Should I eat after running?"),
    ("What are the pros of solar power?", "What are the cons of solar power?"),
    ("What are the pros and cons of solar power?", "What are the cons of solar power?"),
    ("What is the best phone?", "What is the worst phone?"),
    ("How do I install the driver?", "How do I uninstall the driver?"),
    ("How do I encode a string?", "How do I decode a string?"),
    ("What is the maximum of the list?", "What is the minimum of the list?"),
    ("When should I buy shares?", "When should I sell shares?"),
)
NAMES = (
    ("Should I take option a?", "Should I take option b?"),
    ("What is the capital of France?", "What is the capital of Spain?"),
    ("How do I learn Java?", "How do I learn JavaScript?"),
    ("Where does Tim Cook live?", "Where does Bill Gates live?"),
    ("What are the best schools in India?", "What are the best schools?"),
    ("What does NATO do?", "What does NASA do?"),
    ("What is vitamin C good for?", "What is vitamin D good for?"),
    ("Which iPhone should I buy?", "Which phone should I buy?"),
    ("How do I move to the US?", "How do they move us?"),
    ("What Is The Tallest Building In Dubai?", "What is the tallest building in Boston?"),
    ("WHAT IS DOCKER?", "WHAT IS PODMAN?"),
    ("What does 多少 mean?", "What does 画 mean?"),
)
CODE = (
    ("What is 2+2?", "What is 2*2?"),
    ("What is 7/2?", "What is 7%2?"),
    ("Is 5 > 3?", "Is 5 < 3?"),
    ("How do I sort a vector in C++?", "How do I sort a vector in C#?"),
    ("How do I sort a vector in C++?", "How do I sort a vector in C?"),
    ("What does `map` do?", "What does `filter` do?"),
    ("What does a == b do?", "What does a = b do?"),
    ("How do I use read_csv?", "How do I use read_json?"),
    ("What is in setup.py?", "What is in setup.cfg?"),
    ("What does git push --force do?", "What does git push --tags do?"),
    ("How do I call os.path.join()?", "How do I call os.path.split()?"),
    ("What is in /etc/hosts?", "What is in /etc/passwd?"),
    ("What is x && y?", "What is x || y?"),
    ("What is served at http://a.example/x?", "What is served at http://a.example/y?"),
)
QUOTES = (('How do I pronounce "cache"?', 'How do I pronounce "queue"?'),)
KIND = (
    ("Why do elephants eat grass?", "How do elephants eat grass?"),
    ("Where was the treaty signed?", "When was the treaty signed?"),
    ("Are cats narcissists?", "Why are cats narcissists?"),
    ("How much do nurses earn?", "How do nurses earn?"),
    ("Where is the library?", "What is the library?"),
)
BESIDES = (
    ("How do I improve my writing?", "How do I improve my writing and speaking?"),
    ("Should I learn to ski?", "Should I learn to ski or snowboard?"),
)
DIRECTION = (
    ("What do cats think about dogs?", "What do dogs think about cats?"),
    ("Is A better than B?", "Is B better than A?"),
    ("What does foo(x, y) do?", "What does foo(y, x) do?"),
    ("How do I get from Paris to Lyon?", "How do I get from Lyon to Paris?"),
    ("How do I convert litres to kilograms?", "How do I convert kilograms to litres?"),
    ("Is tea better than coffee?", "Is coffee better than tea?"),
    ("What do Americans think of Germans?", "What do Germans think of Americans?"),
    ("Do cats chase dogs?", "Do dogs chase cats?"),
    ("How do I migrate from MySQL?", "How do I migrate to MySQL?"),
    ("Will India attack China?", "Will China attack India?"),
)
LANGUAGE = (
    ("Wie lerne ich schnell Deutsch?", "Wie lerne ich langsam Deutsch?"),
    ("¿Por qué duermen los gatos?", "¿Por qué no duermen los gatos?"),
    ("猫はなぜ寝るのですか", "犬はなぜ寝るのですか"),
    ("Почему кошки спят днём?", "Почему кошки едят днём?"),
    ("Bagaimana cara membuat kue?", "Bagaimana cara makan kue?"),
)


def reason(asked: str, cached: str) -> str | None:
    return refusal(question_of(asked), question_of(cached))


@pytest.mark.parametrize(
    ("guard", "pairs"),
    [
        ("numbers", NUMBERS),
        ("times", TIMES),
        ("negation", NEGATION),
        ("opposites", OPPOSITES),
        ("names", NAMES),
        ("code", CODE),
        ("quotes", QUOTES),
        ("kind", KIND),
        ("besides", BESIDES),
        ("direction", DIRECTION),
        ("language", LANGUAGE),
    ],
)
def test_what_looks_alike_is_refused_by_its_guard_whichever_was_asked_first(
    guard: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    for asked, cached in pairs:
        for found in (reason(asked, cached), reason(cached, asked)):
            assert found, f"{asked} / {cached}"
            assert found.startswith(f"{guard}: "), f"{asked} / {cached}: {found}"


@pytest.mark.parametrize(
    "pairs", [NUMBERS, TIMES, NEGATION, OPPOSITES, NAMES, CODE, QUOTES, KIND, BESIDES, DIRECTION, LANGUAGE]
)
def test_a_question_is_never_kept_apart_from_itself(pairs: tuple[tuple[str, str], ...]) -> None:
    for text in (text for pair in pairs for text in pair):
        assert reason(text, text) is None


def test_a_reason_says_what_each_side_has_that_the_other_has_not() -> None:
    assert reason("How do I boil 5 eggs?", "How do I boil 6 eggs?") == "numbers: 5 and 6"
    assert reason("Is it open on Monday?", "Is it open?") == "times: mon and none"
    assert reason("How far is 5 km?", "How far is 5 miles?") == "numbers: 5 km and 5 mi"
    assert reason("Do cats chase dogs?", "Do dogs chase cats?") == "direction: cat and dog"
