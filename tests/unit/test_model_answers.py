"""What servers may answer for a model: read if it can be used, and refused in one sentence if not."""

import json
from typing import Any

import pytest
from devenviro.model_answers import ModelFailed, read_answer

FUNCTION = {"name": "ring", "arguments": "{}"}
CALL = {"id": "call_1", "type": "function", "function": FUNCTION}
NO_MESSAGES: list[Any] = [{"content": 7}, {"content": [7]}, {"tool_calls": {}}, "hello"]


def body(message: Any, **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": message}], **more}).encode()


def called(**function: Any) -> dict[str, Any]:
    """The call that is read of one whose function is said so."""
    [call] = read_answer(body({"tool_calls": [{**CALL, "function": {**FUNCTION, **function}}]}))[0]["tool_calls"]
    return dict(call)


@pytest.mark.parametrize(
    "given",
    [
        *(b"", b"hello", b"<html>502</html>", b"\xff", b"[]", b"{}", b'"text"', b'{"choices": []}'),
        b"[" * 100_000,
        b'{"choices": [{"message": null}]}',
        *(body(message) for message in NO_MESSAGES),
        *(body({"tool_calls": [call]}) for call in (None, {"id": "call_1"}, {**CALL, "function": {}})),
        *(
            body({"tool_calls": [{**CALL, "function": FUNCTION | wrong}]})
            for wrong in ({"name": None}, {"name": ""}, {"arguments": 7})
        ),
    ],
)
def test_what_is_no_answer_is_refused_in_a_line_that_says_so(given: bytes) -> None:
    with pytest.raises(ModelFailed, match=r"^The model.*(?:no JSON|no completion): ") as refused:
        read_answer(given)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


def test_a_call_without_an_id_is_given_one_of_its_own() -> None:
    message, _ = read_answer(body({"tool_calls": [{"function": FUNCTION}, {**CALL, "id": None}, CALL]}))
    ids = [call["id"] for call in message["tool_calls"]]
    assert all(one.startswith("call_") for one in ids)
    assert (len(set(ids)), ids[2]) == (3, "call_1")


def test_arguments_are_json_however_they_are_given() -> None:
    given = [None, "", {"times": 1}, '{"times": 1}', "{times"]
    assert [called(arguments=one)["function"]["arguments"] for one in given] == [
        *("{}", "{}", '{"times": 1}', '{"times": 1}', "{times")
    ]


def test_what_cannot_be_kept_of_a_text_is_left_out() -> None:
    raw = b'{"choices": [{"message": {"content": "a\\u0000b \\ud800 \\ud83d\\ude00"}}]}'
    assert read_answer(raw)[0] == {"role": "assistant", "content": "ab ? \U0001f600"}


def test_a_text_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    assert read_answer(body({"content": parts}))[0]["content"] == "hello"


@pytest.mark.parametrize("tokens", ["many", -5, None, 1.5, True, 2**60])
def test_a_count_of_tokens_that_is_none_counts_as_none(tokens: Any) -> None:
    assert read_answer(body({"content": "x"}, usage={"total_tokens": tokens}))[1] == 0
    assert read_answer(body({"content": "x"}, usage=tokens))[1] == 0
    assert read_answer(body({"content": "x"}, usage={"total_tokens": 7}))[1] == 7
