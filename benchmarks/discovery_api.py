"""Tools through the production API: registered, discovered and reported on by REST."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from discovery_plans import Outcome
from discovery_scores import Found
from stack import Connection, share

from memos.events.tools import MOST_OUTCOMES, MOST_TOOLS_REGISTERED

ENDPOINT = "https://tools.example/call"
One = TypeVar("One")

NOT_OF_AN_ID = re.compile(r"[^A-Za-z0-9_.:-]")


def tool_id_of(name: str) -> str:
    """The name as an id, which has no other characters than letters, digits and `_ . : -`."""
    return NOT_OF_AN_ID.sub("_", name)


def definitions(described: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tools with descriptions by their names, as bodies of registrations."""
    return [
        {"tool_id": tool_id_of(name), "name": name, "description": text, "endpoint_url": ENDPOINT}
        for name, text in described.items()
    ]


def outcome_body(one: Outcome) -> dict[str, Any]:
    """An outcome as the body of a report."""
    return {"tool_id": tool_id_of(one.tool), "agent_id": one.agent, "task": one.task, "success": one.success}


def in_batches(items: Sequence[One], size: int) -> list[Sequence[One]]:
    """Pieces of at most so many."""
    return [items[start : start + size] for start in range(0, len(items), size)]


async def register(clients: Sequence[Connection], tools: Sequence[Mapping[str, Any]]) -> None:
    """Register tools, every client a batch at a time; one that is not registered ends the benchmark."""

    async def send(client: Connection, batch: Sequence[Mapping[str, Any]]) -> None:
        results = (await client.post("/tools/register/batch", {"tools": batch}))["results"]
        _check(results, lambda result: result.get("status") == "registered", len(batch))

    await share(clients, in_batches(tools, MOST_TOOLS_REGISTERED), send)


async def report(clients: Sequence[Connection], outcomes: Sequence[Outcome]) -> None:
    """Report outcomes, every client a batch at a time; one that is not recorded ends the benchmark."""

    async def send(client: Connection, batch: Sequence[Outcome]) -> None:
        body = {"outcomes": [outcome_body(one) for one in batch]}
        results = (await client.post("/tools/outcomes/batch", body))["results"]
        _check(results, lambda result: result.get("success") is True, len(batch))

    await share(clients, in_batches(outcomes, MOST_OUTCOMES), send)


async def discover(client: Connection, body: Mapping[str, Any]) -> Found:
    """Look for tools once."""
    started = time.perf_counter()
    answer = await client.post("/tools/discover", body)
    taken = (time.perf_counter() - started) * 1000
    results = answer["results"]
    names = tuple(result["name"] for result in results)
    return Found(names, tuple(result["need"] for result in results), taken, answer["took_ms"])


async def discover_all(clients: Sequence[Connection], bodies: Sequence[Mapping[str, Any]]) -> list[Found]:
    """Look for tools, every client the next as soon as it has an answer; what is found comes in order."""
    answers: dict[int, Found] = {}

    async def ask(client: Connection, numbered: tuple[int, Mapping[str, Any]]) -> None:
        number, body = numbered
        answers[number] = await discover(client, body)

    await share(clients, list(enumerate(bodies)), ask)
    return [answers[number] for number in range(len(bodies))]


async def found_for(clients: Sequence[Connection], texts: Iterable[str], top_k: int) -> list[Found]:
    """What is found for texts, as they are."""
    return await discover_all(clients, [{"query": text, "top_k": top_k} for text in texts])


def _check(results: Sequence[Mapping[str, Any]], good: Callable[[Mapping[str, Any]], bool], count: int) -> None:
    if failed := [result for result in results if not good(result)]:
        raise SystemExit(f"{len(failed)} of {len(results)} were refused, the first so: {failed[0]}")
    assert len(results) == count, f"{len(results)} results for {count}"
