"""How each set is stored, asked and scored.

A set has a memOS of its own. A query names the agent that asks, `top_k` and nothing else, but for the fields
that a comparison adds.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import datasets
from datasets import Conversation, Turn
from metrics import Latency, hit, latency, mean, ndcg, recall, reciprocal_rank
from recall_api import Asked, Result, Stored, ask_all, ingest, store
from stack import Connection, Stack, connections

from memos.events.memories import MOST_RESULTS
from memos.ingestion import Passage, read

BUDGET = 300
TOP = {"top_k": 10}
BUDGETED = {"top_k": 20, "max_tokens": BUDGET}
WHOLE = {"top_k": MOST_RESULTS}

Figures = dict[str, float]
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """What one file of questions showed.

    `figures` are by group of questions, `all` first: fractions, but for the counts among them. `latency` is by
    kind of query as the client sees it, `worker` the same as the worker measured it.
    """

    kind: str
    file: str
    questions: Mapping[str, int]
    figures: Mapping[str, Figures]
    stored: Stored
    latency: Mapping[str, Latency]
    worker: Mapping[str, Latency]
    counts: Mapping[str, int]
    asked: Sequence[Asked]


async def locomo(stack: Stack, folder: Path, extra: Fields) -> list[Section]:
    """Each conversation an agent, each turn a memory of it."""
    sections = []
    async with connections(stack.port, 1) as [client]:
        for path in datasets.matching(folder, "locomo/locomo*.json"):
            asked: list[Asked] = []
            stores: list[Stored] = []
            for conversation in datasets.conversations(path):
                stored, answered = await _converse(client, path.stem, conversation, extra)
                stores.append(stored)
                asked += answered
            sections.append(section("locomo", path, asked, _together(stores), score=turns_found))
    return sections


async def metatool(stack: Stack, folder: Path, extra: Fields) -> list[Section]:
    """Each tool a memory of one agent, `name: description`."""
    described = datasets.tools(folder / "metatool/tools.json")
    agent = {"agent_id": "metatool"}
    memories = [{"content": f"{name}: {text}", "kind": "tool", **agent} for name, text in described.items()]
    sections = []
    async with connections(stack.port, 1) as [client]:
        ids, stored = await store(client, memories)
        names = dict(zip(ids, described, strict=True))
        for kind, pattern in (("metatool single", "single_*.jsonl"), ("metatool two tools", "two_tool_*.jsonl")):
            for path in datasets.matching(folder, f"metatool/{pattern}"):
                questions = datasets.tool_questions(path)
                kinds = {"top 10": {**agent, **TOP, **extra}}
                asked = await ask_all(client, questions, kinds, _by_id(names), label=path.name)
                sections.append(section(kind, path, asked, stored, score=tools_found))
    return sections


async def cosqa(stack: Stack, folder: Path, extra: Fields) -> list[Section]:
    """Each function a source file, all of them ingested by `memos ingest`."""
    code = datasets.functions(folder / "cosqa/functions.jsonl")
    with sources(code) as below:
        ingested = {_stem(one.uri) for one in read(below) if isinstance(one, Passage)}
        stored = await ingest(stack, below)
    sections = []
    kinds = {"top 10": {**TOP, **extra}, f"top {MOST_RESULTS}": {**WHOLE, **extra}}
    async with connections(stack.port, 1) as [client]:
        for path in datasets.matching(folder, "cosqa/queries_*.jsonl"):
            questions = datasets.function_questions(path)
            asked = await ask_all(client, questions, kinds, _by_source, label=path.name)
            counts = {
                "functions": len(code),
                "functions without a docstring that can be read": len(code.keys() - ingested),
                "questions about those, which count as missed": sum(not one.wanted & ingested for one in questions),
            }
            sections.append(section("cosqa", path, asked, stored, score=functions_found, counts=counts))
    return sections


def turns_found(asked: Sequence[Asked]) -> Figures:
    """Recall of the turns that hold the evidence, and how much of it a budget of tokens keeps."""
    pairs = [(one.answers["top 10"].ranked, one.question.wanted) for one in asked]
    budgeted = [(one.answers["budget"], one.question.wanted) for one in asked]
    within = mean(recall(answer.ranked, wanted) for answer, wanted in budgeted)
    found = mean(recall(ranked, wanted, 10) for ranked, wanted in pairs)
    return {
        "R@5": mean(recall(ranked, wanted, 5) for ranked, wanted in pairs),
        "R@10": found,
        "hit@5": mean(hit(ranked, wanted, 5) for ranked, wanted in pairs),
        "hit@10": mean(hit(ranked, wanted, 10) for ranked, wanted in pairs),
        "NDCG@10": mean(ndcg(ranked, wanted, 10) for ranked, wanted in pairs),
        f"R in {BUDGET} tokens": within,
        "kept of R@10": within / found if found else 0.0,
        "tokens used": mean(answer.tokens for answer, _ in budgeted),
    }


def tools_found(asked: Sequence[Asked]) -> Figures:
    """Recall of the tools that are right."""
    pairs = [(one.answers["top 10"].ranked, one.question.wanted) for one in asked]
    return {
        "NDCG@10": mean(ndcg(ranked, wanted, 10) for ranked, wanted in pairs),
        "R@1": mean(recall(ranked, wanted, 1) for ranked, wanted in pairs),
        "R@5": mean(recall(ranked, wanted, 5) for ranked, wanted in pairs),
        "R@10": mean(recall(ranked, wanted, 10) for ranked, wanted in pairs),
        "hit@1": mean(hit(ranked, wanted, 1) for ranked, wanted in pairs),
    }


def functions_found(asked: Sequence[Asked]) -> Figures:
    """Ranks of the functions that answer."""
    pairs = [(one.answers["top 10"].ranked, one.question.wanted) for one in asked]
    whole = [(one.answers[f"top {MOST_RESULTS}"].ranked, one.question.wanted) for one in asked]
    return {
        "MRR": mean(reciprocal_rank(ranked, wanted) for ranked, wanted in whole),
        "MRR@10": mean(reciprocal_rank(ranked, wanted, 10) for ranked, wanted in pairs),
        "R@1": mean(recall(ranked, wanted, 1) for ranked, wanted in pairs),
        "R@10": mean(recall(ranked, wanted, 10) for ranked, wanted in pairs),
    }


def section(
    kind: str,
    path: Path,
    asked: Sequence[Asked],
    stored: Stored,
    *,
    score: Callable[[Sequence[Asked]], Figures],
    counts: Mapping[str, int] | None = None,
) -> Section:
    """Score all questions, and each group of them."""
    groups = {"all": list(asked)}
    for name in datasets.CATEGORIES.values():
        if group := [one for one in asked if one.question.group == name]:
            groups[name] = group
    queries = list(asked[0].answers) if asked else []
    return Section(
        kind,
        path.name,
        {name: len(group) for name, group in groups.items()},
        {name: score(group) for name, group in groups.items()},
        stored,
        {query: latency(one.answers[query].milliseconds for one in asked) for query in queries},
        {query: latency(one.answers[query].took_ms for one in asked) for query in queries},
        counts or {},
        asked,
    )


@contextmanager
def sources(code: Mapping[str, str]) -> Iterator[Path]:
    """A folder with one Python file for each function, named for its id."""
    with tempfile.TemporaryDirectory(prefix="memos-bench-") as name:
        for identity, text in code.items():
            (Path(name) / f"f{identity}.py").write_text(text, encoding="utf-8")
        yield Path(name)


async def _converse(
    client: Connection, file: str, conversation: Conversation, extra: Fields
) -> tuple[Stored, list[Asked]]:
    """Store a conversation and ask about it; turns that say the same in one session are one memory."""
    agent = {"agent_id": f"{file}/{conversation.name}"}
    ids, stored = await store(client, [_memory(turn, conversation.name, agent) for turn in conversation.turns])
    memory_of = dict(zip((turn.dia_id for turn in conversation.turns), ids, strict=True))
    names = {memory_id: dia_id for dia_id, memory_id in reversed(memory_of.items())}
    questions = [
        replace(one, wanted=frozenset(names[memory_of[dia_id]] for dia_id in one.wanted))
        for one in conversation.questions
    ]
    kinds = {"top 10": {**agent, **TOP, **extra}, "budget": {**agent, **BUDGETED, **extra}}
    label = f"{file} {conversation.name}"
    return stored, await ask_all(client, questions, kinds, _by_id(names), label=label)


def _memory(turn: Turn, conversation: str, agent: Fields) -> dict[str, Any]:
    return {
        "content": turn.content,
        "session_id": f"{conversation}/{turn.session}",
        "sequence": turn.sequence,
        "occurred_at": turn.occurred_at,
        "metadata": {"speaker": turn.speaker, "dia_id": turn.dia_id},
        **agent,
    }


def _together(stores: Sequence[Stored]) -> Stored:
    count = sum(one.memories for one in stores)
    seconds = sum(one.memories / one.per_second for one in stores)
    return Stored(count, sum(one.duplicates for one in stores), count / seconds if seconds else 0.0)


def _by_id(names: Mapping[str, str]) -> Callable[[Result], str]:
    return lambda result: names[result["memory_id"]]


def _by_source(result: Result) -> str:
    return _stem(result["source"]["uri"])


def _stem(uri: str) -> str:
    return PurePosixPath(uri).stem.removeprefix("f")
