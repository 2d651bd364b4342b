"""Streamed completions: server-sent events read, chunks put together to an answer, and an answer told in chunks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

DONE = b"[DONE]"
"""The data of the event that ends a stream of OpenAI's."""

PIECE = 48
"""Characters of a text that a chunk of a replayed answer has."""

LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""An end of line; a carriage return at the very end may be the first half of one."""

MARK = b"\xef\xbb\xbf"

REPEATED = frozenset({"role", "id", "type", "name", "format"})
"""Fields of a delta that are given whole, by some servers again in each chunk."""

OF_CHUNKS = frozenset({"object", "choices"})

MOST_TOLD_APART = 1000
"""Choices of an answer, and items of a list that are told apart by their index; no sound server has as many."""


class Event(NamedTuple):
    """A server-sent event: its data, and its name if it was given one."""

    data: bytes
    name: bytes = b""

    def encode(self) -> bytes:
        """The event as it travels."""
        head = b"event: %s\n" % self.name if self.name else b""
        return head + b"".join(b"data: %s\n" % line for line in self.data.split(b"\n")) + b"\n"


class EventReader:
    """Reads server-sent events (WHATWG HTML, section 9.2) out of bytes that come in any pieces.

    Comments and fields other than `data` and `event` are passed over, as is an event without data.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._begun = False

    def feed(self, piece: bytes) -> list[Event]:
        """The events that are complete with a further piece of the stream."""
        self._rest.append(piece)
        if b"\n" not in piece and b"\r" not in piece and not self._held_back():
            return []
        *lines, rest = LINE_END.split(b"".join(self._rest))
        self._rest = [rest]
        return [event for line in lines if (event := self._read(line))]

    def end(self) -> list[Event]:
        """The end mark of a stream that ended without the blank line behind it; other events are not complete."""
        lines = [*LINE_END.split(b"".join(self._rest)), b""]
        return [event for line in lines if (event := self._read(line.removesuffix(b"\r"))) and event.data == DONE]

    def _held_back(self) -> bool:
        return len(self._rest) > 1 and self._rest[-2].endswith(b"\r")

    def _read(self, line: bytes) -> Event | None:
        if not self._begun:
            line, self._begun = line.removeprefix(MARK), True
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ")
        return None

    def _dispatch(self) -> Event | None:
        event = Event(b"\n".join(self._data), self._name) if self._data else None
        self._data, self._name = [], b""
        return event


class Assembly:
    """Puts the chunks of a stream together to the answer that the same request has without `stream`.

    Texts are joined, lists with an `index` merged by it, other lists joined; of anything else the last value that
    is not null counts. What is no chunk is noted as `fault`, as are two names for one thing, which a server gives
    that confuses two calls of tools; `error` is what the server said in the place of a chunk.
    """

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self.fault: str | None = None
        self.error: Any = None

    def add(self, chunk: Any) -> None:
        """Take a further chunk."""
        if isinstance(chunk, Mapping) and chunk.get("error"):
            self.error, self.fault = chunk["error"], self.fault or "the server told of an error"
        elif not isinstance(chunk, Mapping) or not isinstance(chunk.get("choices"), list):
            self.fault = self.fault or "an event is no chunk of a completion"
        elif self.fault is None:
            head = {name: value for name, value in chunk.items() if name not in OF_CHUNKS}
            _merge(self._head, head, joined=False)
            self._add_choices(chunk["choices"])

    @property
    def usage(self) -> Any:
        """The tokens, as the server has counted them by now."""
        return self._head.get("usage")

    def answer(self) -> dict[str, Any] | None:
        """The answer; none while a choice has not come to its end, or when there was a fault."""
        if self.fault or not self._choices or not all(map(_ended, self._choices.values())):
            return None
        head = {"id": self._head.get("id"), "object": "chat.completion", **self._head}
        usage = {"usage": head.pop("usage")} if "usage" in head else {}
        return {**head, "choices": [_choice(self._choices[index]) for index in sorted(self._choices)], **usage}

    def _add_choices(self, choices: Sequence[Any]) -> None:
        try:
            for choice in choices:
                self._add_choice(choice)
        except ValueError as error:
            self.fault = str(error)

    def _add_choice(self, choice: Any) -> None:
        if not _is_choice(choice):
            raise ValueError("an event has a choice that is none")
        index, delta, logprobs = choice.get("index", 0), choice.get("delta"), choice.get("logprobs")
        kept = self._choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": None}})
        if len(self._choices) > MOST_TOLD_APART:
            raise ValueError(f"it has more than {MOST_TOLD_APART} choices")
        _merge(kept["message"], delta or {})
        _merge(kept.setdefault("logprobs", {}), logprobs or {})
        others = {name: value for name, value in choice.items() if name not in {"index", "delta", "logprobs"}}
        _merge(kept, others, joined=False)


def replayed(answer: Mapping[str, Any], include_usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks in which a server would have streamed an answer; put together they give it again."""
    head = {name: value for name, value in answer.items() if name not in {*OF_CHUNKS, "usage"}}
    head = {"id": head.get("id"), "object": "chat.completion.chunk", **head}
    usage = {"usage": None} if include_usage else {}
    for choice in answer["choices"]:
        for part in _parts(choice):
            yield {**head, "choices": [{"index": choice.get("index", 0), **part}], **usage}
    if include_usage:
        yield {**head, "choices": [], "usage": answer.get("usage")}


def _is_choice(choice: Any) -> bool:
    """Whether it has the shape of a choice in a chunk."""
    return (
        isinstance(choice, Mapping)
        and type(choice.get("index", 0)) is int
        and all(isinstance(choice.get(name), Mapping | None) for name in ("delta", "logprobs"))
    )


def _ended(choice: Mapping[str, Any]) -> bool:
    return bool(choice.get("finish_reason"))


def _choice(kept: dict[str, Any]) -> dict[str, Any]:
    """A choice as it is in an answer; the places of tool calls are told by their order there."""
    told: dict[str, Any] = _told(kept)
    if isinstance(calls := told["message"].get("tool_calls"), list):
        told["message"]["tool_calls"] = [_without_index(call) for call in calls]
    return {**told, "logprobs": told["logprobs"] or None}


def _told(value: Any) -> Any:
    """A value with the texts that were collected in it."""
    if isinstance(value, StringIO):
        return value.getvalue()
    if isinstance(value, dict):
        return {name: _told(item) for name, item in value.items()}
    return [_told(item) for item in value] if isinstance(value, list) else value


def _without_index(call: Any) -> Any:
    return {name: value for name, value in call.items() if name != "index"} if isinstance(call, dict) else call


def _merge(kept: dict[str, Any], more: Mapping[str, Any], *, joined: bool = True) -> None:
    for name, value in more.items():
        if value is None:
            kept.setdefault(name, None)
        elif joined and name in REPEATED:
            kept[name] = _the_same(name, kept.get(name), value)
        elif joined:
            kept[name] = _joined(kept.get(name), value)
        else:
            kept[name] = value


def _the_same(name: str, kept: Any, more: Any) -> Any:
    """What is given whole: some servers leave it empty afterwards. Raises `ValueError` when it is another."""
    if kept and more and kept != more:
        raise ValueError(f"one thing has two values of {name}")
    return kept or more


def _joined(kept: Any, more: Any) -> Any:
    """What was kept with what comes behind it."""
    if isinstance(more, str):
        text = kept if isinstance(kept, StringIO) else StringIO(newline="")
        text.write(more)
        return text
    if isinstance(more, Mapping):
        merged = kept if isinstance(kept, dict) else {}
        _merge(merged, more)
        return merged
    if isinstance(more, list):
        return _joined_lists(kept if isinstance(kept, list) else [], more)
    return more


def _joined_lists(kept: list[Any], more: list[Any]) -> list[Any]:
    if not any(map(_is_indexed, more)):
        kept += more
        return kept
    places = {item["index"]: item for item in kept if _is_indexed(item)}
    for item in more:
        if not _is_indexed(item):
            kept.append(item)
        elif (place := places.get(item["index"])) is not None:
            _merge(place, item)
        else:
            kept.append(_joined(None, item))
            places[item["index"]] = kept[-1]
    if len(places) > MOST_TOLD_APART:
        raise ValueError(f"a list in it has more than {MOST_TOLD_APART} items")
    return kept


def _is_indexed(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("index"), int | str)


def _parts(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a choice: what is short or null first, then texts in pieces, lists, and why it ended."""
    message: Mapping[str, Any] = choice["message"]
    spoken = sorted(message.items(), key=lambda item: item[0] == "content")  # what it thought comes before
    texts = {name: text for name, text in spoken if isinstance(text, str) and name not in REPEATED}
    lists = {name: value for name, value in message.items() if isinstance(value, list | dict)}
    first = {name: "" if name in texts else value for name, value in message.items() if name not in lists}
    pieces = [{name: text[at : at + PIECE]} for name, text in texts.items() for at in range(0, len(text), PIECE)]
    deltas = [first, *pieces, *({name: _indexed(name, value)} for name, value in lists.items())]
    for place, delta in enumerate(deltas):
        logprobs = choice.get("logprobs") if place == 0 else None
        yield {"delta": delta, "logprobs": logprobs, "finish_reason": None}
    others = {name: value for name, value in choice.items() if name not in {"index", "message", "logprobs"}}
    yield {"delta": {}, "logprobs": None, **others}


def _indexed(name: str, value: Any) -> Any:
    if name != "tool_calls" or not isinstance(value, list):
        return value
    return [{"index": place, **call} if isinstance(call, dict) else call for place, call in enumerate(value)]
