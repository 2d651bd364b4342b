"""Streams of completions: read in any pieces, put together, and told again."""

import json
from itertools import pairwise
from typing import Any

import pytest

from memos.completions.streams import DONE, Assembly, Event, EventReader, replayed


def answer(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "a-model",
        "choices": [{"index": index, **choice} for index, choice in enumerate(choices)],
        **more,
    }


def choice(finish_reason: str = "stop", logprobs: Any = None, **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **message}
    return {"message": message, "logprobs": logprobs, "finish_reason": finish_reason}


def chunk(index: int = 0, finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def assembled(*chunks: Any) -> Assembly:
    assembly = Assembly()
    for each in chunks:
        assembly.add(each)
    return assembly


def message_of(*chunks: Any) -> dict[str, Any]:
    made = assembled(*chunks).answer()
    assert made is not None
    message: dict[str, Any] = made["choices"][0]["message"]
    return message


TOKEN = {"token": "Yes", "logprob": -0.1, "bytes": [89], "top_logprobs": [{"token": "No", "logprob": -2.0}]}
CALLS = [
    {"id": f"call-{name}", "type": "function", "function": {"name": name, "arguments": '{"city": "Zürich"}'}}
    for name in ("weather", "time")
]
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}

ANSWERS = {
    "a text": answer(choice(content="Yes, it does.")),
    "a long text with its usage": answer(choice(content="ein Wort, 猫 🐈\n" * 50), usage=USAGE),
    "an empty text": answer(choice(content="")),
    "a refusal": answer(choice(refusal="I can't say that.")),
    "reasoning": answer(choice(content="42", reasoning_content="Let me think. " * 10)),
    "parallel calls of tools": answer(choice("tool_calls", tool_calls=CALLS)),
    "a call of a function": answer(choice("function_call", function_call={"name": "f", "arguments": "{}"})),
    "several choices": answer(choice(content="one"), choice("length", content="two" * 40)),
    "log probabilities": answer(choice(content="Yes", logprobs={"content": [TOKEN, TOKEN], "refusal": None})),
    "annotations": answer(choice(content="See it.", annotations=[{"type": "url_citation", "url": "x"}])),
    "fields of the server's own": answer(
        {**choice(content="A"), "stop_reason": 7}, system_fingerprint="fp", service_tier=None, provider="p"
    ),
}


@pytest.mark.parametrize("given", ANSWERS.values(), ids=ANSWERS.keys())
def test_the_chunks_of_an_answer_put_together_are_the_answer(given: dict[str, Any]) -> None:
    chunks = [json.loads(json.dumps(each)) for each in replayed(given, include_usage="usage" in given)]
    assert assembled(*chunks).answer() == given
    assert all(each["object"] == "chat.completion.chunk" and each["id"] == given["id"] for each in chunks)


def test_a_long_text_is_told_in_pieces_and_its_usage_at_the_end_where_it_was_asked_for() -> None:
    given = ANSWERS["a long text with its usage"]
    chunks = list(replayed(given, include_usage=True))
    assert len(chunks) > 10
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], USAGE)
    assert {each["usage"] for each in map(dict, chunks[:-1])} == {None}
    assert not any("usage" in each for each in replayed(given, include_usage=False))


def test_what_a_model_thought_is_told_before_what_it_said() -> None:
    deltas = [each["choices"][0]["delta"] for each in replayed(ANSWERS["reasoning"], include_usage=False)]
    names = [name for delta in deltas[1:] for name in delta]
    assert names[0] == "reasoning_content"
    assert names[-1] == "content"


def test_calls_of_tools_that_come_mixed_and_in_pieces_are_told_apart_by_their_index() -> None:
    def piece(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
        return chunk(tool_calls=[{"index": index, "function": function, **more}])

    calls = message_of(
        piece(0, "", id="a", type="function", name="weather"),
        piece(1, "", id="b", type="function", name="time"),
        piece(0, '{"ci'),
        piece(1, "{}"),
        piece(0, 'ty":1}'),
        chunk(finish_reason="tool_calls"),
    )["tool_calls"]
    assert [(call["id"], call["function"]) for call in calls] == [
        ("a", {"name": "weather", "arguments": '{"city":1}'}),
        ("b", {"name": "time", "arguments": "{}"}),
    ]
    assert all("index" not in call for call in calls)


def test_names_that_a_server_repeats_in_every_chunk_are_not_joined() -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    again = {**call, "function": {"name": "weather", "arguments": ""}}
    message = message_of(
        chunk(role="assistant", tool_calls=[call]),
        chunk(role="assistant", tool_calls=[again]),
        chunk(finish_reason="tool_calls"),
    )
    assert (message["role"], message["tool_calls"][0]["function"]["name"]) == ("assistant", "weather")


def test_an_answer_is_none_until_every_choice_has_come_to_its_end() -> None:
    begun = [chunk(0, content="a"), chunk(1, content="b"), chunk(0, "stop")]
    assert assembled(*begun).answer() is None
    assert assembled(*begun, chunk(1, "stop")).answer() is not None
    assert assembled().answer() is None


@pytest.mark.parametrize(
    "garbage",
    [
        7,
        "text",
        [],
        {},
        {"choices": 1},
        {"choices": [1]},
        {"choices": [{"index": "0", "delta": {}}]},
        {"choices": [{"index": True, "delta": {}}]},
        {"choices": [{"index": 0, "delta": "text"}]},
        {"choices": [{"index": 0, "delta": {}, "logprobs": 3}]},
        {"error": {"message": "overloaded"}},
    ],
    ids=str,
)
def test_a_stream_with_what_is_no_chunk_gives_no_answer(garbage: Any) -> None:
    made = assembled(chunk(content="a"), garbage, chunk(finish_reason="stop"))
    assert made.fault
    assert made.answer() is None


def test_what_a_server_says_of_its_error_is_kept() -> None:
    error = {"message": "the model crashed", "code": 500}
    assert assembled(chunk(content="a"), {"error": error}).error == error


def test_null_puts_nothing_in_the_place_of_what_was_said() -> None:
    message = message_of(
        chunk(content="a", refusal=None), chunk(content=None), chunk(content="b"), chunk(0, "stop")
    )
    assert (message["content"], message["refusal"]) == ("ab", None)


EVENTS = b": hello\n\ndata: 1\n\ndata:2\n\nevent: error\ndata: a\ndata:  b\nid: 9\n\nretry: 5\n\ndata: [DONE]\n\n"
READ = [Event(b"1"), Event(b"2"), Event(b"a\n b", b"error"), Event(DONE)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_whatever_their_line_ends_and_in_any_pieces(end: bytes, size: int) -> None:
    stream = b"\xef\xbb\xbf" + EVENTS.replace(b"\n", end) + (b":" if end == b"\r" else b"")
    reader = EventReader()
    places = [*range(0, len(stream), size), len(stream)]
    assert [event for start, stop in pairwise(places) for event in reader.feed(stream[start:stop])] == READ


def test_events_survive_being_written_and_read() -> None:
    assert EventReader().feed(b"".join(event.encode() for event in READ)) == READ


def test_an_event_that_was_cut_short_is_none_but_for_the_end_mark() -> None:
    reader = EventReader()
    assert reader.feed(b'data: {"a": 1') == []
    assert reader.end() == []
    for stream in (b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r"):
        reader = EventReader()
        assert reader.feed(stream) == []
        assert reader.end() == [Event(DONE)]


def call_piece(**more: Any) -> dict[str, Any]:
    return chunk(tool_calls=[{"index": 0, **more}])


def test_what_a_server_leaves_empty_afterwards_stays_as_it_was() -> None:
    [call] = message_of(
        call_piece(id="a", type="function", function={"name": "weather", "arguments": ""}),
        call_piece(id="", type="", function={"name": "", "arguments": "{}"}),
        chunk(finish_reason="tool_calls"),
    )["tool_calls"]
    assert call == {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


@pytest.mark.parametrize("other", [{"id": "b"}, {"function": {"name": "time"}}], ids=str)
def test_two_calls_of_tools_in_one_place_give_no_answer(other: dict[str, Any]) -> None:
    first = call_piece(id="a", function={"name": "weather", "arguments": "{}"})
    made = assembled(first, call_piece(**other), chunk(finish_reason="tool_calls"))
    assert made.fault
    assert made.answer() is None


def test_more_calls_or_choices_than_any_sound_server_gives_are_not_looked_through() -> None:
    calls = chunk(tool_calls=[{"index": place} for place in range(100_000)])
    choices = {"choices": [{"index": place, "delta": {}} for place in range(100_000)]}
    for many in (calls, choices):
        assert "more than 1000" in (assembled(many).fault or "")
