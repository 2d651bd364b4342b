"""What the context of a task is gathered from: memories, lessons, tools and sessions that nobody has."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from discovery_api import register
from recall_api import say, store
from stack import Connection, Stack, connections, share
from synthetic import AGENTS, Texts, memories
from synthetic_tools import Purpose, queries, tools

from memos.records import LESSON

SESSION = "bench"
STORING_CLIENTS = 4
STORED_AT_ONCE = 100
OUTCOMES = ("success", "failure", "partial")


@dataclass(frozen=True)
class World:
    """What is stored, and the words that it is made of."""

    words: Sequence[str]
    purposes: Sequence[Purpose]
    memories: int
    lessons: int
    messages: int

    def texts(self, seed: int) -> Texts:
        """A supply of words of its own."""
        return Texts(self.words, seed)

    def tasks(self, count: int, seed: int) -> list[str]:
        """So many tasks, each of one need."""
        return list(queries(self.purposes, self.texts(seed), count, seed))


def lessons(world: World) -> Iterator[dict[str, Any]]:
    """Shared lessons of tasks like those that are asked, as bodies of stores."""
    draw, texts = random.Random(5), world.texts(5)  # noqa: S311 - the same lessons in every run
    for number, task in enumerate(world.tasks(world.lessons, 6)):
        lesson = texts.text(8, 20).capitalize()
        outcome = draw.choice(OUTCOMES)
        yield {
            "content": f"{lesson}\n\nLearned from this task: {task}",
            "agent_id": draw.choice(AGENTS),
            "visibility": "shared",
            "kind": LESSON,
            "metadata": {"lesson": lesson, "task": task, "task_id": f"task-{number}", "outcome": outcome},
        }


async def fill(stack: Stack, world: World) -> None:
    """Store everything, and have every agent talk in a session of its own."""
    bodies = [*memories(world.texts(1), world.memories), *lessons(world)]
    random.Random(7).shuffle(bodies)  # noqa: S311 - the same order in every run
    batches = [bodies[start : start + STORED_AT_ONCE] for start in range(0, len(bodies), STORED_AT_ONCE)]
    async with connections(stack.port, STORING_CLIENTS) as clients:
        say(f"storing {world.memories} memories and {world.lessons} lessons")
        await share(clients, batches, _store)
        await register(clients, list(tools(world.purposes, world.texts(2), 2)))
        await share(clients, [(agent, world) for agent in AGENTS], _talk)


async def _store(client: Connection, batch: Sequence[dict[str, Any]]) -> None:
    await store(client, batch)


async def _talk(client: Connection, whose: tuple[str, World]) -> None:
    agent, world = whose
    texts = world.texts(AGENTS.index(agent) + 10)
    for number in range(world.messages):
        message = {"role": "assistant" if number % 2 else "user", "content": texts.text(8, 24)}
        await client.post(f"/working/{SESSION}/messages?agent_id={agent}", message)
    await client.ask("PUT", f"/working/{SESSION}/keys/plan?agent_id={agent}", {"value": {"step": 1, "done": False}})
