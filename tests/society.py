"""A society of agents on a running memOS: its model says what a test wants, and its tool counts what it did."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from conftest import EXAMPLES
from devenviro.cortex import CortexSettings, open_cortex
from devenviro.messages import Task
from devenviro.model import open_model
from devenviro.orchestrator import Orchestrator, OrchestratorSettings, open_orchestrator
from devenviro.reflection import QUESTION
from http_servers import serving
from running import Memos, until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from upstream import Body, Upstream, as_json, completion, upstream_server

from memos.client import Client, connect
from memos.waiting import ended

LEASE = 2.0
"""Seconds after which those who are killed count as gone."""


@dataclass
class Bell:
    """A tool that rings once for each key in `rung`, notes what it was told, and answers when its gate is open.

    First it answers with the statuses of `failing`.
    """

    url: str = ""
    told: list[Any] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def asked(self) -> int:
        """How often it was called."""
        return len(self.told)

    async def ring(self, request: Request) -> Response:
        self.told.append(json.loads(await request.body() or b"{}"))
        if self.failing:
            return JSONResponse({"detail": "the rope is torn"}, self.failing.pop(0))
        key = request.headers["idempotency-key"]
        if key not in self.rung:
            self.rung.append(key)
        await self.gate.wait()
        return JSONResponse({"rung": len(self.rung)})

    async def called(self) -> None:
        """Return when it has been called."""

        async def asked() -> bool:
            return self.asked > 0

        await until(asked)


Script = Callable[[Body], dict[str, Any]]
"""The message that a model answers to a request."""


def calls(name: str, **arguments: Any) -> dict[str, Any]:
    """A message that calls a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "content": None,
        "tool_calls": [{"id": f"call_{uuid4().hex[:8]}", "type": "function", "function": function}],
    }


def says(text: str) -> dict[str, Any]:
    return {"content": text}


def looks_back(body: Body) -> bool:
    """Whether a model is asked what it learned."""
    return bool(body["messages"][-1]["content"] == QUESTION)


def answered(body: Body) -> list[str]:
    """What tools have answered so far."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


@dataclass
class Society:
    """Agents of names, capabilities and a loadout that nobody else has."""

    memos: Memos
    client: Client
    model: Upstream
    bell: Bell
    name: str = field(default_factory=lambda: f"s{uuid4().hex[:10]}")
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def tool(self) -> str:
        """The id of the bell's tool."""
        return f"bell_{self.name}"

    @property
    def lesson(self) -> str:
        """What the model learns unless it is told otherwise."""
        return f"The bell of {self.name} is rung with the tool {self.tool}."

    def task(self, text: str = "Ring the bell of {name}.", task_id: str | None = None) -> Task:
        """A task for this society alone."""
        given = task_id or f"{self.name}-{uuid4().hex[:6]}"
        return Task(task_id=given, text=text.format(name=self.name), needs=(self.name,))

    def script(
        self,
        work: Script | None = None,
        *,
        back: dict[str, Any] | None = None,
        held: Callable[[Body], bool] = lambda _: False,
    ) -> None:
        """Have the model work as it is told, or ring once, and look back as it is told, or have learned the lesson.

        What is `held` is answered when `gate` is open.
        """
        learned = {"outcome": "success", "lessons": [self.lesson], "helped": [1], **(back or {})}

        async def answer(body: Body) -> Response:
            if held(body):
                await self.gate.wait()
            message = says(json.dumps(learned)) if looks_back(body) else (work or self.rings_once)(body)
            return as_json(completion(body | {"messages": [{"content": ""}]}, **message))

        self.model.answer = answer

    def rings_once(self, body: Body) -> dict[str, Any]:
        return says("It has rung.") if answered(body) else calls(self.tool)

    @asynccontextmanager
    async def cortex(self, agent: str = "", **told: Any) -> AsyncIterator[None]:
        """An agent in this process, meanwhile."""
        name, seconds = agent or f"cortex-{self.name}", told.pop("model_seconds", 20.0)
        instance = f"{name}:{uuid4().hex[:6]}"
        settings = CortexSettings(name, instance, (self.name,), self.name, **{"lease": LEASE, **told})
        async with (
            open_model(self.model.url, None, "parrot", seconds) as model,
            open_cortex(settings, self.memos.redis_url, model) as cortex,
        ):
            running = asyncio.create_task(cortex.run())
            try:
                yield
            finally:
                await ended([running], 0)

    @asynccontextmanager
    async def orchestrator(self, name: str = "", **told: Any) -> AsyncIterator[Orchestrator]:
        """An orchestrator in this process, meanwhile."""
        settings = OrchestratorSettings(name or f"orchestrator-{self.name}", **{"lease": LEASE, **told})
        async with open_orchestrator(settings, self.memos.redis_url) as orchestrator:
            yield orchestrator

    @asynccontextmanager
    async def process(self, module: str, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A program of the examples, killed in the end."""
        env = {
            **os.environ,
            "PYTHONPATH": os.fspath(EXAMPLES),
            "MEMOS_REDIS_URL": self.memos.redis_url,
            "OPENAI_BASE_URL": self.model.url,
            "OPENAI_MODEL": "parrot",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, *words, f"--lease={LEASE}"),
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    @asynccontextmanager
    async def cortex_process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The agent as a process of its own."""
        words = (f"--agent=cortex-{self.name}", f"--loadout={self.name}", f"--capability={self.name}")
        async with self.process("devenviro.cortex", *words) as process:
            yield process

    async def asked(self, times: int = 1, *, looking_back: bool = False) -> None:
        """Return when the model has been asked so often for this society, at its gate at least."""

        async def often() -> bool:
            found = [body for body in self.model.asked_for(self.name) if looks_back(body) == looking_back]
            return len(found) >= times

        await until(often)


@asynccontextmanager
async def society(memos: Memos) -> AsyncIterator[Society]:
    """A society with a tool, and a loadout that has it."""
    bell = Bell()
    app = Starlette(routes=[Route("/ring", bell.ring, methods=["POST"])])
    async with (
        upstream_server() as model,
        serving(app) as url,
        connect(memos.redis_url, source="society") as client,
    ):
        bell.url = url
        bell.gate.set()
        made = Society(memos, client, model, bell)
        made.script()
        await client.tools.register(
            tool_id=made.tool,
            name="Bell",
            description=f"Ring the bell of {made.name}.",
            endpoint_url=f"{url}/ring",
            required_capabilities=[made.name],
        )
        loadout = {
            "name": made.name,
            "persona": "You are {agent}.",
            "tools": [{"id": made.tool, "missing": "error"}],
        }
        await client.loadouts.save(loadout)
        yield made
