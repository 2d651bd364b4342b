"""Tools that nobody has, as many as are wanted and the same in every run, with tasks for them.

Each does something with something for somebody, in words of a template and some of the vocabulary, so that its
description is about as long, and as like others', as those of operations of real interfaces.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from discovery_plans import Outcome
from synthetic import Texts

VERBS = (
    *("search", "list", "create", "update", "cancel", "export", "import", "summarise", "translate", "compare"),
    *("validate", "schedule", "forecast", "convert", "archive", "approve", "merge", "publish", "track", "rank"),
    *("estimate", "book", "share", "annotate", "classify", "monitor", "restore", "sign", "print", "audit"),
)
OBJECTS = (
    *("invoices", "calendar events", "weather reports", "customer reviews", "shipping labels", "tax returns"),
    *("job openings", "flight tickets", "hotel rooms", "blood tests", "recipes", "playlists", "stock prices"),
    *("research papers", "source files", "pull requests", "log entries", "support tickets", "contracts"),
    *("product photos", "meeting notes", "road maps", "house listings", "insurance claims", "course plans"),
    *("sensor readings", "bank transfers", "news articles", "sports results", "warehouse stocks"),
)
PLACES = (
    *("hospital", "warehouse", "law firm", "university", "bakery", "bank", "city council", "film studio"),
    *("research group", "online shop", "travel agency", "power plant", "football club", "newspaper", "farm"),
    *("software team", "museum", "airline", "school", "construction site"),
)
TASKS = (
    "I need to {verb} {object} for our {place}",
    "Could you {verb} the {object} of the {place}?",
    "Please {verb} all {object} that the {place} got last week",
    "How can a {place} {verb} its {object}?",
)
CAPABILITIES = ("net.http", "files.read", "files.write", "payments")
REPORTERS = tuple(f"reporter-{number:02}" for number in range(50))
WITH_EXAMPLE = 4
"""One tool of so many brings an example."""


class Purpose(NamedTuple):
    """What a tool does, with what, for whom."""

    verb: str
    object: str
    place: str

    @property
    def name(self) -> str:
        """The words as one name."""
        return "".join(word.capitalize() for part in self for word in part.split())

    def task(self, draw: random.Random) -> str:
        """Words in which somebody might have this need."""
        return draw.choice(TASKS).format(**self._asdict())


def purposes(count: int, seed: int) -> list[Purpose]:
    """So many different purposes."""
    draw = random.Random(seed)  # noqa: S311 - the same purposes in every run
    return [Purpose(*one) for one in draw.sample(list(product(VERBS, OBJECTS, PLACES)), count)]


def tools(some: Sequence[Purpose], texts: Texts, seed: int) -> Iterator[dict[str, Any]]:
    """Tools for purposes, as bodies of registrations."""
    draw = random.Random(seed)  # noqa: S311 - the same tools in every run
    for number, one in enumerate(some):
        does = f"{one.verb.capitalize()} {one.object} of a {one.place}."
        yield {
            "tool_id": one.name,
            "name": one.name,
            "description": f"{does} {texts.text(6, 16).capitalize()}.",
            "endpoint_url": f"https://tools.example/{one.name}",
            "request_schema": _schema(one),
            "required_capabilities": draw.sample(CAPABILITIES, draw.randint(0, 2)),
            "tags": [one.place],
            "examples": [one.task(draw)] if number % WITH_EXAMPLE == 0 else [],
        }


def outcomes(some: Sequence[Purpose], texts: Texts, count: int, seed: int) -> Iterator[Outcome]:
    """What agents report: for the most part that the right tool solved a task."""
    draw = random.Random(seed)  # noqa: S311 - the same outcomes in every run
    for _ in range(count):
        one = draw.choice(some)
        task = f"{one.task(draw)} {texts.text(2, 6)}"
        yield Outcome(task, one.name, draw.choice(REPORTERS), draw.random() < 0.9)


def queries(some: Sequence[Purpose], texts: Texts, count: int, seed: int) -> Iterator[str]:
    """Tasks of one need each."""
    draw = random.Random(seed)  # noqa: S311 - the same queries in every run
    for _ in range(count):
        yield f"{draw.choice(some).task(draw)} {texts.text(2, 5)}"


def _schema(one: Purpose) -> dict[str, Any]:
    filtered = {"type": "string", "description": f"Which {one.object} are meant, by name or number."}
    most = {"type": "integer", "minimum": 1, "maximum": 100, "description": f"How many to {one.verb} at most."}
    return {"type": "object", "properties": {"which": filtered, "most": most}, "required": ["which"]}
