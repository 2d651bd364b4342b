"""What tells requests to a model apart."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies

from memos.completions import embedding_key, key_of, surroundings_of

ASKED = {"role": "user", "content": "What is the capital of France?"}
REQUEST: Mapping[str, Any] = {
    "model": "small",
    "messages": [{"role": "system", "content": "Be brief."}, ASKED],
    "temperature": 0.5,
}

numbers = strategies.integers(-(2**63), 2**64 - 1) | strategies.floats(allow_nan=False, allow_infinity=False)
values = strategies.recursive(
    strategies.none() | strategies.booleans() | numbers | strategies.text(max_size=5),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def with_(**fields: Any) -> dict[str, Any]:
    """The request with other fields."""
    return {**REQUEST, **fields}


def reversed_fields(value: Any) -> Any:
    """The same JSON with the fields of every object in another order."""
    if isinstance(value, dict):
        return {name: reversed_fields(value[name]) for name in reversed(value)}
    return [reversed_fields(item) for item in value] if isinstance(value, list) else value


def test_a_key_is_sha_256_in_hexadecimal_and_stays_what_it_is() -> None:
    assert re.fullmatch("[0-9a-f]{64}", key_of(REQUEST))
    assert key_of({"model": "m", "messages": [ASKED]}) == key_of(
        json.loads(json.dumps({"messages": [ASKED], "model": "m"}))
    )


@pytest.mark.parametrize(
    "same",
    [
        with_(stream=True, stream_options={"include_usage": True}),
        with_(user="ann", metadata={"run": "7"}, store=True, service_tier="flex", safety_identifier="a"),
        with_(prompt_cache_key="k", prompt_cache_retention="24h"),
        with_(seed=None, tools=None),
        with_(messages=[REQUEST["messages"][0], {**ASKED, "name": None, "tool_calls": None}]),
        reversed_fields(REQUEST),
    ],
)
def test_what_changes_nothing_in_the_answer_is_no_part_of_the_key(same: dict[str, Any]) -> None:
    assert key_of(same) == key_of(REQUEST)


OTHERS: list[dict[str, Any]] = [
    with_(model="large"),
    with_(temperature=0.4),
    with_(top_p=0.5),
    with_(seed=1),
    with_(n=2),
    with_(max_tokens=10),
    with_(max_completion_tokens=10),
    with_(stop=["\n"]),
    with_(stop="\n"),
    with_(logprobs=True),
    with_(modalities=["text", "audio"]),
    with_(response_format={"type": "json_object"}),
    with_(tools=[{"type": "function", "function": {"name": "a"}}]),
    with_(tools=[{"type": "function", "function": {"name": "b"}}]),
    with_(tool_choice="none"),
    with_(reasoning_effort="low"),
    with_(some_field_of_a_server=0),
    with_(some_field_of_a_server=False),
    with_(some_field_of_a_server="0"),
    with_(some_field_of_a_server=[]),
    with_(some_field_of_a_server={}),
    with_(some_field_of_a_server={"default": None}),
    with_(messages=REQUEST["messages"][::-1]),
    with_(messages=[ASKED]),
    with_(messages=[{**ASKED, "role": "system"}, ASKED]),
    with_(messages=[REQUEST["messages"][0], {**ASKED, "content": ASKED["content"] + " "}]),
    with_(messages=[REQUEST["messages"][0], {**ASKED, "content": ASKED["content"].lower()}]),
    with_(messages=[REQUEST["messages"][0], {**ASKED, "name": "ann"}]),
    with_(messages=[REQUEST["messages"][0], {**ASKED, "content": [{"type": "text", "text": ASKED["content"]}]}]),
]


def test_what_changes_the_answer_changes_the_key() -> None:
    keys = [key_of(REQUEST), key_of(REQUEST, "http://other.test/v1"), *map(key_of, OTHERS)]

    assert len(set(keys)) == len(OTHERS) + 2


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, -0.0), (0.0, -0.0), (2**60, float(2**60)), (100, 1e2)])
def test_a_number_has_one_form(one: float, other: float) -> None:
    assert key_of(with_(top=one, deep=[{"in": one}])) == key_of(with_(top=other, deep=[{"in": other}]))


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (0.1, 0.1 + 2**-50), (2**53, 2**53 + 1), ("1", 1)]
)
def test_what_is_another_value_is_not_taken_for_the_same(one: Any, other: Any) -> None:
    assert key_of(with_(top=one)) != key_of(with_(top=other))


@given(values, values)
def test_two_values_have_one_key_only_when_they_are_equal(one: Any, other: Any) -> None:
    def exact(value: Any) -> Any:
        """JSON that Python compares as it is: 1 is not True there, and is 1.0."""
        if isinstance(value, dict):
            return {name: exact(item) for name, item in value.items()}
        return [exact(item) for item in value] if isinstance(value, list) else (isinstance(value, bool), value)

    same = key_of(with_(tools=[one])) == key_of(with_(tools=[other]))

    assert same == (exact(one) == exact(other))


@given(values)
def test_the_order_of_fields_makes_no_difference(value: Any) -> None:
    assert key_of(with_(tools=value)) == key_of(with_(tools=reversed_fields(value)))


def test_a_text_that_utf_8_cannot_hold_has_a_key_all_the_same() -> None:
    assert key_of(with_(stop="\ud800")) != key_of(with_(stop="\ud801"))


def test_embeddings_are_told_apart_by_all_that_makes_them_others() -> None:
    keys = {
        embedding_key("small", {}, "a"),
        embedding_key("large", {}, "a"),
        embedding_key("small", {"dimensions": 64}, "a"),
        embedding_key("small", {"encoding_format": "base64"}, "a"),
        embedding_key("small", {}, "a "),
        embedding_key("small", {}, [1, 2]),
        embedding_key("small", {}, [12]),
        embedding_key("small", {}, "a", "http://other.test/v1"),
    }

    assert len(keys) == 8
    assert embedding_key("small", {"user": "ann", "dimensions": None}, "a") in keys


def test_questions_in_the_same_place_of_the_same_request_share_their_surroundings() -> None:
    one = surroundings_of(REQUEST)
    other = surroundings_of(
        with_(stream=True, messages=[REQUEST["messages"][0], {**ASKED, "content": "And of Spain?"}])
    )

    assert one is not None
    assert other is not None
    assert (one.question, other.question) == (ASKED["content"], "And of Spain?")
    assert one.context == other.context
    assert one.context != key_of(REQUEST)


def test_what_changes_the_answer_changes_the_surroundings_of_a_question() -> None:
    others = [one for one in OTHERS if key_of({**one, "messages": []}) != key_of({**REQUEST, "messages": []})]
    said_before = [
        with_(messages=[{"role": "system", "content": "Be long."}, ASKED]),
        with_(messages=[ASKED]),
        with_(messages=[REQUEST["messages"][0], {"role": "user", "content": "Hello"}, ASKED]),
        with_(messages=[REQUEST["messages"][0], ASKED, {"role": "assistant", "content": "Paris"}]),
        with_(messages=[REQUEST["messages"][0], {**ASKED, "name": "ann"}]),
        with_(messages=REQUEST["messages"][::-1]),
    ]

    found = [surroundings_of(REQUEST), surroundings_of(REQUEST, "http://other.test/v1")]
    found += map(surroundings_of, [*others, *said_before])

    assert len(others) > 15
    assert len({one.context for one in found if one}) == len(others) + len(said_before) + 2


def test_the_question_is_the_last_message_of_the_user_also_when_others_follow() -> None:
    messages = [ASKED, {"role": "assistant", "content": "Paris"}, {"role": "user", "content": "Why?"}]
    found = surroundings_of(
        with_(messages=[*messages, {"role": "tool", "content": "Because", "tool_call_id": "1"}])
    )

    assert found is not None
    assert found.question == "Why?"


@pytest.mark.parametrize(
    ("content", "question"),
    [
        ([{"type": "text", "text": "Who?"}], "Who?"),
        ([{"type": "text", "text": "Who?"}, {"type": "text", "text": "When?"}], "Who?\nWhen?"),
        ("a" * 2000, "a" * 2000),
        ("a" * 2001, None),
        (" \n", None),
        ("", None),
        (None, None),
        ([], None),
        (7, None),
        ([{"type": "text", "text": "Who?"}, {"type": "image_url", "image_url": {"url": "data:,"}}], None),
        ([{"type": "text"}], None),
        (["Who?"], None),
    ],
)
def test_only_what_is_wholly_text_and_short_is_a_question(content: Any, question: str | None) -> None:
    found = surroundings_of(with_(messages=[{"role": "user", "content": content}]))

    assert (found and found.question) == question


def test_a_request_in_which_no_user_says_anything_has_no_question() -> None:
    assert surroundings_of(with_(messages=[{"role": "system", "content": "Go on."}])) is None
