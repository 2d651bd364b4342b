"""Commands that are handled together: what each wishes for, and one by one what became of the items of each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from memos.errors import Conflict, MemosError
from memos.events.commands import Command
from memos.events.problems import Problem, problem_of
from memos.handlers.digests import digest_of, digest_of_batch
from memos.ports import Memories
from memos.records import CommandKey, Origin, Sent

C = TypeVar("C", bound=Command)
Wished = TypeVar("Wished", bound=Sent)
Result = TypeVar("Result")


class Wish(NamedTuple, Generic[C]):
    """What somebody wants done; `digest` is that of the command."""

    origin: Origin
    command: C
    digest: bytes


def wishes_of(origins: Sequence[Origin], commands: Sequence[C]) -> list[Wish[C]]:
    """What commands that came one by one wish for."""
    return [Wish(origin, command, digest_of(command)) for origin, command in zip(origins, commands, strict=True)]


def items_of(origin: Origin, commands: Sequence[C]) -> list[Wish[C]]:
    """What the items of one batch wish for."""
    return wishes_of([origin.item(index) for index in range(len(commands))], commands)


async def in_batches(
    origins: Sequence[Origin],
    batches: Sequence[Sequence[Wished]],
    run: Callable[[Sequence[Wished]], Awaitable[Sequence[Result | MemosError]]],
    *,
    memories: Memories,
) -> list[list[Result | Problem] | Conflict]:
    """Run the items of all batches together; one result or problem for each item of each batch, in order.

    A batch whose id was used before for another is a conflict as a whole, and nothing of it is run.
    """
    conflicts = await _conflicts(origins, batches, memories=memories)
    taken = [[] if index in conflicts else batch for index, batch in enumerate(batches)]
    outcomes = await run([item for batch in taken for item in batch])
    results = _regroup(taken, outcomes)
    return [conflicts.get(index, found) for index, found in enumerate(results)]


async def _conflicts(
    origins: Sequence[Origin], batches: Sequence[Sequence[Sent]], *, memories: Memories
) -> Mapping[int, Conflict]:
    """Those of the batches, by their places, whose ids were used before for other items, or more, or fewer."""
    digests = [digest_of_batch([item.digest for item in batch]) for batch in batches]
    firsts: dict[CommandKey, bytes] = {}
    for origin, digest in zip(origins, digests, strict=True):
        firsts.setdefault(origin.key, digest)
    taken = await memories.claim(firsts)
    return {
        index: Conflict(
            f"The command id {origin.command_id!r} was used before with another body, or for another number of "
            "items; nothing of this batch is done. Send a new command with an id of its own."
        )
        for index, (origin, digest) in enumerate(zip(origins, digests, strict=True))
        if taken[origin.key] != digest
    }


def _regroup(
    batches: Sequence[Sequence[Sent]], outcomes: Sequence[Result | MemosError]
) -> list[list[Result | Problem]]:
    results = iter(
        problem_of(outcome, item.origin.command_id) if isinstance(outcome, MemosError) else outcome
        for item, outcome in zip((item for batch in batches for item in batch), outcomes, strict=True)
    )
    return [list(islice(results, len(batch))) for batch in batches]


def nobody_waits() -> None:
    """The `ready` of what is handled one by one: no next batch waits until its texts are embedded."""
