"""Which answers may be kept, and how many tokens they took."""

from typing import Any

import pytest

from memos.completions import estimated_tokens, tokens_in, unfit


def answer(choice: Any = None, **fields: Any) -> dict[str, Any]:
    """A whole answer, unless told otherwise."""
    whole = {"index": 0, "message": {"role": "assistant", "content": "Paris"}, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "choices": [choice if choice is not None else whole], **fields}


def saying(finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    """An answer with one message."""
    return answer({"message": {"role": "assistant", **message}, "finish_reason": finish_reason})


CALL = {"id": "1", "type": "function", "function": {"name": "search", "arguments": "{}"}}


@pytest.mark.parametrize(
    "fit",
    [
        answer(),
        answer(error=None),
        saying("length", content="Par"),
        saying("tool_calls", content=None, tool_calls=[CALL]),
        saying("tool_calls", content="", tool_calls=[{"id": "1", "type": "custom", "custom": {"name": "a"}}]),
        saying("function_call", content=None, function_call={"name": "search", "arguments": "{}"}),
        saying(content=None, refusal="I cannot help with that."),
        saying(content=None, audio={"id": "a", "data": "AAAA"}),
        saying(content=[{"type": "text", "text": "Paris"}]),
    ],
)
def test_a_whole_answer_may_be_kept(fit: dict[str, Any]) -> None:
    assert unfit(fit) is None


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (None, "is not an object"),
        ("Paris", "is not an object"),
        ([answer()], "is not an object"),
        ({}, "has no choices"),
        (answer(choices=None), "has no choices"),
        (answer(choices=[]), "has no choices"),
        (answer(choices={}), "has no choices"),
        (answer(error={"message": "overloaded"}), "has an error"),
        (answer("Paris"), "has a choice that has no message"),
        (answer({"delta": {"content": "Paris"}, "finish_reason": "stop"}), "has a choice that has no message"),
        (answer({"text": "Paris", "finish_reason": "stop"}), "has a choice that has no message"),
        (
            answer({"message": {"content": "Paris"}, "error": {"code": 502}, "finish_reason": "stop"}),
            "has a choice that has an error",
        ),
        (answer({"message": {"content": "Paris"}}), "has a choice that did not come to its end"),
        (saying(None, content="Par"), "has a choice that did not come to its end"),
        (saying("content_filter", content="Par"), "has a choice that ended by 'content_filter'"),
        (saying("error", content="Par"), "has a choice that ended by 'error'"),
        (saying(content=None), "has a choice that says nothing"),
        (saying(content=" \n"), "has a choice that says nothing"),
        (saying(content=[]), "has a choice that says nothing"),
        (saying(), "has a choice that says nothing"),
        (saying("tool_calls", content=None, tool_calls=[]), "has a choice that says nothing"),
        (saying(content=7), "has a choice that has a content that is neither a text nor a list"),
        (saying("tool_calls", tool_calls=["search"]), "has a choice that has a tool call that names no function"),
        (
            saying("tool_calls", tool_calls=[{"id": "1"}]),
            "has a choice that has a tool call that names no function",
        ),
        (saying("tool_calls", tool_calls={"id": "1"}), "has a choice that has a tool call that names no function"),
    ],
)
def test_an_answer_that_is_none_or_not_whole_may_not_be_kept_and_says_why(odd: object, why: str) -> None:
    assert unfit(odd) == why


def test_an_answer_of_which_one_choice_is_cut_may_not_be_kept() -> None:
    [whole] = answer()["choices"]
    [cut] = saying(None, content="Par")["choices"]

    assert unfit(answer(choices=[whole, cut])) == "has a choice that did not come to its end"


def test_an_answer_with_fewer_choices_than_were_asked_for_may_not_be_kept() -> None:
    assert unfit(answer(), 2) == "has 1 of 2 choices"
    assert unfit(answer(choices=answer()["choices"] * 2), 2) is None


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN"])
def test_an_answer_with_a_number_that_json_has_not_may_not_be_kept(number: str) -> None:
    [choice] = answer()["choices"]
    odd = answer({**choice, "logprobs": {"content": [{"token": "Paris", "logprob": float(number)}]}})

    assert unfit(odd) == "has a number that JSON has not"


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}, (12, 3)),
        ({"prompt_tokens": 12, "total_tokens": 15}, (12, 3)),
        ({"prompt_tokens": 12}, (12, 0)),
        ({"prompt_tokens": -1, "completion_tokens": "3"}, (0, 0)),
        ({"prompt_tokens": True, "completion_tokens": 1.5}, (0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": 3}, (0, 3)),
        ([], (0, 0)),
        (None, (0, 0)),
    ],
)
def test_tokens_are_those_that_the_server_counted_as_far_as_it_did(usage: Any, tokens: tuple[int, int]) -> None:
    assert tokens_in(answer(usage=usage)) == tokens
    assert tokens_in({}) == (0, 0)


def test_tokens_that_nobody_counted_are_estimated_from_what_is_read_and_said() -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "a" * 41}]}

    assert estimated_tokens(request, saying(content="b" * 8)) == (11, 2)


def test_pictures_are_not_counted_as_text_and_tools_are() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:" + "A" * 4000}}
    parts = [{"type": "text", "text": "What is it?"}, picture]
    request = {"messages": [{"role": "user", "content": parts}]}

    assert estimated_tokens(request, {}) == (3, 0)
    assert estimated_tokens({**request, "tools": [{"type": "function"}]}, {})[0] > 3
    assert estimated_tokens({}, saying(tool_calls=[CALL])) == (0, 2)
