"""Texts as terms: identifiers, numbers, accents, any script."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from threading import Barrier, get_ident

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.lexical import clauses, question_terms, term_count, terms_of, words
from memos.lexical.english import IRREGULAR, STOP_WORDS
from memos.lexical.terms import AVERAGE_LENGTH, LENGTH_PENALTY, MOST_QUESTION_TERMS, SATURATION, number_of
from memos.lexical.words import LONGEST_WORD, _known, _stemmer

LONGEST_QUERY = 16_000
LONGEST_CONTENT = 1_000_000


def test_each_thread_has_a_stemmer_of_its_own() -> None:
    both = Barrier(2)

    def stemmed(word: str) -> tuple[str, int]:
        both.wait(10)
        [term] = words(word)
        both.wait(10)
        return term, id(_stemmer(get_ident()))

    with ThreadPoolExecutor(2) as threads:
        (one, its), (other, others) = threads.map(stemmed, ["barricading", "balustrading"])

    assert (one, other) == ("barricad", "balustrad")
    assert len({its, others}) == 2


def shared(text: str, other: str) -> set[str]:
    return set(words(text)) & set(words(other))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("getUserName", ["get", "user", "name", "getusername"]),
        ("MAX_RETRY_COUNT", ["max", "retri", "count", "max_retry_count"]),
        ("HTTPServer v1.2.3", ["http", "server", "httpserver", "v", "1.2.3", "v1.2.3"]),
        ("ERR-1042", ["err", "1042", "err-1042"]),
        ("2023-05-08", ["2023", "05", "08", "2023-05-08"]),
        ("12,000,000.5 and 3.14", ["12000000.5", "3.14"]),
        ("well-known user@example.com", ["well", "know", "user", "exampl", "com"]),
        ("/usr/local/bin", ["usr", "local", "bin"]),
    ],
)
def test_an_identifier_yields_its_parts_and_itself(text: str, terms: list[str]) -> None:
    assert list(words(text)) == terms


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Café", "CAFE"),
        ("naïve", "naive"),
        ("Straße", "STRASSE"),
        ("\uff34\uff25\uff21", "tea"),
        ("running shoes", "run shoe"),
        ("Caroline's dog", "caroline dogs"),
        ("Caroline’s", "Caroline"),  # noqa: RUF001 - as word processors write it
        ("She went home", "go home"),
        ("children", "child"),
        ("don't", "don’t"),  # noqa: RUF001
    ],
)
def test_what_differs_in_case_accent_or_inflection_is_alike(text: str, other: str) -> None:
    assert set(words(text)) == set(words(other)) - STOP_WORDS


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("東京都に住んでいます", "東京"),
        ("我喜欢北京烤鸭", "烤鸭"),
        ("나는 서울에 산다", "서울"),
        ("ฉันชอบกาแฟ", "กาแฟ"),
        ("Я живу в Москве", "москве"),
        ("मुझे हिन्दी पसंद है", "हिन्दी"),
        ("أحب القهوة", "القهوة"),
        ("launch 🚀 day", "🚀"),
    ],
)
def test_any_script_is_found_by_a_word_of_it(text: str, question: str) -> None:
    assert shared(text, question)


@pytest.mark.parametrize("text", ["Crème brûlée à la carte", "나는 서울에 산다", "\uf900\uf901", "Việt Nam"])
def test_composed_and_decomposed_characters_are_alike(text: str) -> None:
    assert list(words(unicodedata.normalize("NFD", text))) == list(words(unicodedata.normalize("NFC", text)))


def test_compatible_characters_are_alike() -> None:
    assert list(words("น\u0e4d\u0e32")) == list(words("น\u0e33"))


def test_a_single_character_of_an_unspaced_script_is_a_term() -> None:
    assert list(words("東 X")) == ["東", "x"]


def test_stop_words_and_punctuation_are_no_terms() -> None:
    assert list(words("Who is the one of us, and what am I?!... — (…)")) == ["one"]
    assert list(words(" ".join(STOP_WORDS))) == list(words(" ".join(STOP_WORDS).upper())) == []


def test_negations_are_terms() -> None:
    assert "not" in words("Do not deploy")
    assert "never" in words("never again")


@pytest.mark.parametrize(
    "digest", ["a1b2c3d4e5f6a7b8c9d0", "5f0c1a9b-3d2e-4f6a-8b7c-9d0e1f2a3b4c", "a-b-c-d-e-f-g-h-i"]
)
def test_a_hash_is_one_term(digest: str) -> None:
    assert list(words(digest)) == [digest]


def test_a_long_path_is_found_by_any_part_of_it() -> None:
    path = "https://docs.example.com/en/latest/guide/install/linux/troubleshooting"
    assert {"guid", "instal", "linux", "troubleshoot"} <= set(words(path))


def test_a_moment_is_found_by_its_day() -> None:
    assert {"2023", "05", "08"} <= set(words("2023-05-08T10:00:00.123+02:00"))


def test_what_is_longer_than_a_word_is_cut() -> None:
    for character in ("x", "7"):
        assert list(words(character * 100)) == [character * LONGEST_WORD]
    assert max(map(len, words("x_" * 100))) == LONGEST_WORD


def test_irregular_forms_lead_to_their_plain_form_at_once() -> None:
    assert not set(IRREGULAR.values()) & set(IRREGULAR)


@given(st.text(max_size=200))
def test_any_text_has_terms_without_spaces_or_length(text: str) -> None:
    for term in words(text):
        assert term
        assert not any(map(str.isspace, term))
        assert len(term) <= LONGEST_QUERY


PATTERNS = ["x", "a.", "a'", "abc.", "a_", "aA", "1,", "1.", "\u0301", "\u0301\u0316", "_", "9", "東", "🎉", "?!"]


@pytest.mark.parametrize("text", PATTERNS)
def test_the_longest_content_of_one_pattern_is_read_within_seconds(text: str) -> None:
    """What takes steps by the square of the length, such as putting accents in order, would take many minutes."""
    assert term_count(text * (LONGEST_CONTENT // len(text))) <= LONGEST_CONTENT


@pytest.mark.parametrize("text", ["東京" * 1000, "ab." * 1000, "x" * 1000, "🎉" * 1000])
def test_only_the_terms_of_words_of_usual_length_are_remembered(text: str) -> None:
    _known.cache_clear()
    assert list(words(text)) == list(words(text))
    assert _known.cache_info().currsize == 0


@pytest.mark.parametrize("text", PATTERNS)
def test_the_longest_query_of_one_pattern_is_read_at_once(text: str) -> None:
    assert term_count(text * (LONGEST_QUERY // len(text))) <= LONGEST_QUERY


def test_a_term_weighs_more_the_more_often_and_the_shorter_the_text() -> None:
    once, often = terms_of("tea and milk"), terms_of("tea tea tea and milk")
    longer = terms_of("tea and milk " + "word " * AVERAGE_LENGTH)
    tea = number_of("tea")
    assert longer[tea] < once[tea] < often[tea] < 1.9


def test_a_terms_weight_is_that_of_bm25_without_the_frequency_in_documents() -> None:
    weights = terms_of("tea tea and milk")
    lengths = 1 - LENGTH_PENALTY + LENGTH_PENALTY * 3 / AVERAGE_LENGTH
    for term, count in (("tea", 2), ("milk", 1)):
        bm25 = count * (SATURATION + 1) / (count + SATURATION * lengths)
        assert weights[number_of(term)] == pytest.approx(bm25, abs=1e-4)


def test_tags_count_as_words() -> None:
    assert set(question_terms("billing")) <= set(terms_of("The invoice is late", ["billing"]))


def test_a_text_without_words_has_no_terms() -> None:
    assert terms_of("?!") == {}
    assert question_terms("the of and") == []


def test_a_question_counts_each_term_once_up_to_a_limit() -> None:
    assert question_terms("tea, Tea and teas") == [number_of("tea")]
    assert len(question_terms(" ".join(map(str, range(1000))))) == MOST_QUESTION_TERMS


def test_a_term_is_a_number_of_32_bits() -> None:
    assert all(0 <= number < 2**32 for number in terms_of("some words of any length"))


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Find news about Tesla and how the stock market did.",
            ["Find news about Tesla", "how the stock market did."],
        ),
        ("What did Caroline research?", []),
        ("black and white", []),
        ("and and, and", []),
        (
            "Book a flight, reserve a hotel room; then rent a small red car and find museums in Rome",
            ["reserve a hotel room", "rent a small red car", "find museums in Rome"],
        ),
    ],
)
def test_a_question_falls_into_clauses_that_could_be_asked_alone(question: str, parts: list[str]) -> None:
    """Of many, those of the most terms."""
    assert clauses(question) == parts


@pytest.mark.parametrize("character", ".?!;,")
def test_a_long_run_of_punctuation_is_no_border_and_read_at_once(character: str) -> None:
    """Trying it anew from each of its characters would take many minutes."""
    assert clauses(character * 300_000) == []
    assert clauses(f"buy green apples{character * 3} paint walls") == ["buy green apples", "paint walls"]


def test_clauses_come_in_their_order() -> None:
    asked = ["buy green apples", "sell ten old bicycles today", "paint walls"]
    for order in permutations(asked):
        assert clauses(" and ".join(order)) == list(order)
