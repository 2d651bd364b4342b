"""What working memory and the LLM cache cost by REST, beside a request that does no work, on the embedded stack.

    python benchmarks/llm_cache_latency.py
    python benchmarks/llm_cache_latency.py --requests 100 --rounds 1 --json

A request without work is a command that the worker answers at once (idle_worker.py): what facade, bus and lane
take for any command. One client asks it in turns with commands on working memory and with exact hits of
`/v1/chat/completions`, so that all meet the same noise. Then 64 clients ask it, in turns with hits of 2,000
prompts. At last 1,000 clients ask the same at once of a server that takes half a second, by one facade and by two,
and the calls of that server are counted. A run of the usual size replaces benchmarks/results/llm_cache.json and
.md; others are only printed unless `--out` says where to.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop
from llm_cache_report import AIM_BEYOND, AIM_OF_HIT, Rate, Run, Shape, Stampede, as_markdown
from llm_cache_stack import running_facades
from llm_server import SLOW, Upstream, running_upstream
from metrics import latency
from provenance import RESULTS, provenance
from recall_api import say
from recall_report import write
from stack import Connection, connections, share

REQUESTS = 500
ROUNDS = 3
CLIENTS = 64
PROMPTS = 2_000
AT_ONCE = 1_000
MESSAGES = 100
SECONDS = 0.5
RATED = 8
"""Requests at 64 clients, for each of those of one client."""

BEYOND = f"≤ + {AIM_BEYOND:g}"
SESSION = "/working/bench"

Ask = Callable[[Connection, int], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--requests", type=int, default=REQUESTS, help="requests of each kind by one client and round (%(default)s)"
    )
    add("--rounds", type=int, default=ROUNDS, help="times that everything is measured (%(default)s)")
    add("--out", type=Path, help="folder that llm_cache.json and .md are written to")
    add("--json", action="store_true", help="print JSON in place of Markdown")
    chosen = parser.parse_args()
    ran = provenance()
    measured = uvloop.run(run(chosen.requests, max(1, chosen.rounds)))
    data, text = {"ran": asdict(ran), **asdict(measured)}, as_markdown(ran, measured)
    usual = (chosen.requests, chosen.rounds) == (REQUESTS, ROUNDS)
    if out := chosen.out or (RESULTS if usual else None):
        write(out, "llm_cache", data, text)
    print(json.dumps(data, indent=2) if chosen.json else text)


async def run(requests: int, rounds: int) -> Run:
    """Everything, on one memOS."""
    shapes: list[Shape] = []
    rates: list[Rate] = []
    stampedes: list[Stampede] = []
    async with running_upstream(SECONDS) as upstream, running_facades(upstream.url) as ports:
        await fill(ports[0])
        kept = upstream.calls
        for number in range(rounds):
            shapes += await one_client(ports[0], requests, number)
            rates.append(await many_clients(ports[0], RATED * requests))
            say(f"round {number}: {rates[-1].hits:.0f} hits/s beside {rates[-1].idle:.0f} requests/s without work")
        if upstream.calls != kept:
            raise SystemExit(f"{upstream.calls - kept} requests that should have been hits went to the server.")
        for number in range(rounds):
            for among in (ports[:1], ports):
                stampedes.append(await stampede(among, upstream, number))
                say(f"{AT_ONCE} at once by {len(among)} facades: {stampedes[-1].calls} calls")
    return Run(CLIENTS, AT_ONCE, SECONDS, tuple(shapes), tuple(rates), tuple(stampedes))


def prompt(number: int) -> Mapping[str, Any]:
    """One of the prompts whose answers are kept."""
    system = "You are a careful assistant. Answer in few words, and say so when you do not know."
    asked = f"What is known of shipment number {number % PROMPTS}, and when is it due?"
    messages = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
    return {"model": "quick", "messages": messages, "temperature": 0}


async def fill(port: int) -> None:
    """Have the answers to all prompts kept, and a session with some content."""
    async with connections(port, CLIENTS) as clients:
        await share(clients, range(PROMPTS), _hit)
        await clients[0].ask("PUT", f"{SESSION}/keys/plan", {"value": _value(0)})
        for number in range(MESSAGES):
            await clients[0].post(f"{SESSION}/messages", _message(number))


async def _idle(client: Connection, number: int) -> None:
    await client.post("/llm/cache/renew", {"key": f"{number:064x}", "lease": "bench"})


async def _hit(client: Connection, number: int) -> None:
    await client.post("/v1/chat/completions", prompt(number))


async def _set(client: Connection, number: int) -> None:
    await client.ask("PUT", f"{SESSION}/keys/plan", {"value": _value(number)})


async def _get(client: Connection, number: int) -> None:
    await client.ask("GET", f"{SESSION}/keys/plan")


async def _append(client: Connection, number: int) -> None:
    await client.post(f"{SESSION}/messages", _message(number))


async def _read(client: Connection, number: int) -> None:
    await client.ask("GET", f"{SESSION}?last=20")


async def _read_all(client: Connection, number: int) -> None:
    await client.ask("GET", f"{SESSION}?last=100")


SHAPES: Mapping[str, tuple[Ask, str]] = {
    "request without work": (_idle, ""),
    "set a value": (_set, BEYOND),
    "get a value": (_get, BEYOND),
    "append a message": (_append, BEYOND),
    "read a session, 20 messages": (_read, BEYOND),
    "read a session, 100 messages": (_read_all, ""),
    "exact hit of /v1/chat/completions": (_hit, f"≤ {AIM_OF_HIT:g}"),
}
"""Kinds of requests, each with its aim: for what it takes beyond the first, or, of a hit, for all that it takes."""


def _value(number: int) -> Mapping[str, Any]:
    return {"step": number, "next": ["look for the ferry", "book it"], "done": False}


def _message(number: int) -> Mapping[str, Any]:
    return {"role": "user", "content": f"Message {number}: the ferry to the island leaves at noon on weekdays."}


async def one_client(port: int, requests: int, number: int) -> list[Shape]:
    """Milliseconds of each kind of request, in turns."""
    times: dict[str, list[float]] = {name: [] for name in SHAPES}
    async with connections(port, 1) as [client]:
        for place in range(requests):
            for name, (ask, _) in SHAPES.items():
                started = time.perf_counter()
                await ask(client, place)
                times[name].append((time.perf_counter() - started) * 1000)
    return [Shape(number, name, SHAPES[name][1], latency(some)) for name, some in times.items()]


async def many_clients(port: int, requests: int) -> Rate:
    """Requests a second of many clients, without work and as hits, in two turns each."""
    half, idle, hits = requests // 2, 0.0, 0.0
    async with connections(port, CLIENTS) as clients:
        await share(clients, range(CLIENTS * 4), _idle)
        for turn in range(2):
            idle += await _seconds(share(clients, range(turn * half, (turn + 1) * half), _idle))
            hits += await _seconds(share(clients, range(turn * half, (turn + 1) * half), _hit))
    return Rate(round(2 * half / idle, 1), round(2 * half / hits, 1))


async def stampede(ports: Sequence[int], upstream: Upstream, number: int) -> Stampede:
    """All clients ask the same at once, which nobody asked before; who they are is shared by the facades."""
    asked = {"model": SLOW, "messages": [{"role": "user", "content": f"Stampede {number} by {len(ports)}"}]}
    before = upstream.calls
    async with AsyncExitStack() as stack:
        clients = [
            client
            for port in ports
            for client in await stack.enter_async_context(connections(port, AT_ONCE // len(ports)))
        ]
        answers: list[Any] = []

        async def ask(client: Connection) -> None:
            answers.append(await client.post("/v1/chat/completions", asked))

        seconds = await _seconds(asyncio.gather(*map(ask, clients)))
    different = len({json.dumps(answer) for answer in answers})
    return Stampede(len(ports), upstream.calls - before, len(answers), different, round(seconds, 3))


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
