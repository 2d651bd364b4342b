"""Storing and asking through the production API, with what each answer named and how long it took."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Question
from metrics import tokens_of
from stack import Connection, Stack, command

from memos.events.memories import MOST_BATCHED

SAID_EVERY = 250

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """What a set became: memories, those of them that repeated another, and the rate of storing them."""

    memories: int
    duplicates: int
    per_second: float


@dataclass(frozen=True)
class Answer:
    """What a query found, by name, best first and each once; `tokens` are those of all results' contents."""

    ranked: tuple[str, ...]
    tokens: int
    milliseconds: float
    took_ms: float


@dataclass(frozen=True)
class Asked:
    """A question with its answers, by the kind of query."""

    question: Question
    answers: Mapping[str, Answer]


def fields(text: str) -> dict[str, Any]:
    """The fields of a query, as the command line gives them."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise argparse.ArgumentTypeError(f'{text} is no JSON object. Give one like {{"diversity": 0.2}}.')
    return read


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


async def store(client: Connection, memories: Sequence[Mapping[str, Any]]) -> tuple[list[str], Stored]:
    """Store in batches, one after the other; the ids come in the order of the memories."""
    results: list[Result] = []
    started = time.perf_counter()
    for start in range(0, len(memories), MOST_BATCHED):
        body = {"memories": memories[start : start + MOST_BATCHED]}
        results += (await client.post("/memory/store/batch", body))["results"]
    taken = time.perf_counter() - started
    if failed := [result for result in results if result.get("status") not in {"stored", "duplicate"}]:
        raise SystemExit(f"{len(failed)} of {len(results)} memories were not stored, the first so: {failed[0]}")
    duplicates = sum(result["status"] == "duplicate" for result in results)
    return [result["memory_id"] for result in results], Stored(len(results), duplicates, len(results) / taken)


async def ingest(stack: Stack, folder: Path) -> Stored:
    """Have `memos ingest` remember a folder; the rate includes the start of the command."""
    started = time.perf_counter()
    output = await command("ingest", str(folder), "--json", "--url", stack.addresses.redis_url)
    outcomes: dict[str, int] = json.loads(output)["outcomes"]
    count = sum(outcomes.values())
    duplicates = outcomes.get("duplicate", 0)
    if count != outcomes.get("stored", 0) + duplicates:
        raise SystemExit(f"memos ingest did not store everything: {outcomes}")
    return Stored(count, duplicates, count / (time.perf_counter() - started))


async def ask(client: Connection, body: Mapping[str, Any], name_of: Callable[[Result], str]) -> Answer:
    """Pose one query."""
    started = time.perf_counter()
    found = await client.post("/memory/query", body)
    taken = (time.perf_counter() - started) * 1000
    results = found["memories"]["results"]
    tokens = sum(tokens_of(result["content"]) for result in results)
    return Answer(tuple(dict.fromkeys(map(name_of, results))), tokens, taken, found["took_ms"])


async def ask_all(
    client: Connection,
    questions: Sequence[Question],
    kinds: Mapping[str, Mapping[str, Any]],
    name_of: Callable[[Result], str],
    *,
    label: str,
) -> list[Asked]:
    """Pose every question as it is, in each kind of query, one after the other."""
    answers: list[dict[str, Answer]] = [{} for _ in questions]
    for kind, fields in kinds.items():
        for number, (question, known) in enumerate(zip(questions, answers, strict=True), start=1):
            known[kind] = await ask(client, {"query": question.text, **fields}, name_of)
            if number % SAID_EVERY == 0 or number == len(questions):
                say(f"{label}, {kind}: {number} of {len(questions)} questions")
    return [Asked(question, known) for question, known in zip(questions, answers, strict=True)]
