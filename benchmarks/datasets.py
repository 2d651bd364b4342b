"""Reading LoCoMo, MetaTool and CoSQA from a folder that is not part of the project.

The folder has `locomo/locomo*.json`, `metatool/tools.json` with `single_*.jsonl` and `two_tool_*.jsonl`, and
`cosqa/functions.jsonl` with `queries_*.jsonl`; other slices of the same sets are read by the same names.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CATEGORIES: Mapping[int, str] = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
    5: "adversarial",
}
"""LoCoMo's numbers as its evaluation code uses them; its paper lists the types in another order."""

EVIDENCE = re.compile(r"D:?(\d+):(\d+)")
SESSION = re.compile(r"session_(\d+)")
BETWEEN_TURNS = timedelta(seconds=10)
"""LoCoMo dates sessions, not turns."""


@dataclass(frozen=True)
class Wanted:
    """A set: the files of which there must be one each, and where they come from."""

    name: str
    patterns: tuple[str, ...]
    origin: str


SETS = (
    Wanted(
        "locomo",
        ("locomo/locomo*.json",),
        "LoCoMo, very long conversations with questions (Maharana et al., ACL 2024): data/locomo10.json of "
        "github.com/snap-research/LoCoMo, or some of its conversations; CC BY-NC 4.0.",
    ),
    Wanted(
        "metatool",
        ("metatool/tools.json", "metatool/single_*.jsonl"),
        "MetaTool, which tool answers a query (Huang et al., ICLR 2024): github.com/HowieHwong/MetaTool, MIT. "
        'tools.json is one object of name → description, each query a line {"query": …, "tool": …}; '
        "two_tool_*.jsonl has a list of two tools.",
    ),
    Wanted(
        "cosqa",
        ("cosqa/functions.jsonl", "cosqa/queries_*.jsonl"),
        "CoSQA, web queries and the Python functions that answer them (Huang et al., ACL 2021): "
        'github.com/Jun-jie-Huang/CoCLR, C-UDA. Each function is a line {"id": …, "code": …}, each query a line '
        '{"query": …, "function": id}.',
    ),
)


@dataclass(frozen=True)
class Question:
    """What is asked, the names of what answers it, and its group."""

    text: str
    wanted: frozenset[str]
    group: str = ""


@dataclass(frozen=True)
class Turn:
    """What somebody says in a conversation, at its place in a session."""

    dia_id: str
    speaker: str
    content: str
    session: str
    sequence: int
    occurred_at: datetime


@dataclass(frozen=True)
class Conversation:
    """The turns of two speakers over many sessions, and the questions about them that have evidence."""

    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def missing(folder: Path) -> list[Wanted]:
    """The sets that are not below the folder, in whole."""
    return [one for one in SETS if not all(matching(folder, pattern) for pattern in one.patterns)]


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files below the folder that match a pattern, by name."""
    return sorted(folder.glob(pattern))


def conversations(path: Path) -> Iterator[Conversation]:
    """The conversations of a LoCoMo file."""
    for one in json.loads(path.read_text(encoding="utf-8")):
        turns = tuple(_turns(one["conversation"]))
        yield Conversation(one["sample_id"], turns, tuple(_questions(one["qa"], {turn.dia_id for turn in turns})))


def moment(text: str) -> datetime:
    """A session's beginning, written `1:56 pm on 8 May, 2023`, in UTC since no zone is named."""
    return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def repaired(evidence: Iterable[str], known: AbstractSet[str]) -> frozenset[str]:
    """The turns that evidence names: split, their numbers written as the turns' are, unknown ones left out."""
    named = (f"D{int(session)}:{int(turn)}" for text in evidence for session, turn in EVIDENCE.findall(text))
    return frozenset(name for name in named if name in known)


def tools(path: Path) -> dict[str, str]:
    """The descriptions of MetaTool's tools by their names."""
    described: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return described


def tool_questions(path: Path) -> list[Question]:
    """Queries with the tool, or the tools, that answer them."""
    return [Question(line["query"], frozenset(_listed(line["tool"]))) for line in _lines(path)]


def functions(path: Path) -> dict[str, str]:
    """The source of CoSQA's functions by their ids."""
    return {str(line["id"]): line["code"] for line in _lines(path)}


def function_questions(path: Path) -> list[Question]:
    """Web queries with the function that answers them."""
    return [Question(line["query"], frozenset({str(line["function"])})) for line in _lines(path)]


def _turns(conversation: Mapping[str, Any]) -> Iterator[Turn]:
    for session, said in conversation.items():
        if SESSION.fullmatch(session):
            began = moment(conversation[f"{session}_date_time"])
            for number, turn in enumerate(said):
                at = began + number * BETWEEN_TURNS
                yield Turn(turn["dia_id"], turn["speaker"], _content(turn), session, number, at)


def _content(turn: Mapping[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['speaker']}: {turn['text']}" + (f" [shares {caption}]" if caption else "")


def _questions(asked: Iterable[Mapping[str, Any]], known: AbstractSet[str]) -> Iterator[Question]:
    for one in asked:
        if wanted := repaired(one.get("evidence", ()), known):
            yield Question(one["question"], wanted, CATEGORIES[one["category"]])


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
