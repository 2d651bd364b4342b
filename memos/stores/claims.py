"""Commands as the ledger knows them: claimed before their effect, in its transaction, with their replies."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from memos.errors import Conflict, MemosError, Unavailable
from memos.records import CommandKey, Origin, Sent
from memos.stores.postgres import Connection
from memos.stores.rows import columns

WORKING = "memos.working"
"""The source of the commands by which what is done for working memory is claimed, so that it is done once."""


class Shape(NamedTuple):
    """The fields of a recorded reply: those that it has, and others that some versions write."""

    has: frozenset[str]
    may_have: frozenset[str] = frozenset()


Draft = TypeVar("Draft", bound=Sent)
Result = TypeVar("Result")


class Recorded(NamedTuple):
    """The trace of a handled command: the digest of its body, and its reply."""

    digest: bytes
    reply: Mapping[str, Any]


async def claim(
    connection: Connection,
    sql: Mapping[str, str],
    commands: Sequence[tuple[CommandKey, bytes, Mapping[str, Any]]],
) -> set[CommandKey]:
    """Write commands with their digest and reply; return those that were not written before.

    Waits for a transaction that is handling the same command.
    """
    rows = [(*key, digest, reply) for key, digest, reply in commands]
    claimed = await connection.fetch(sql["claim_commands"], *columns(rows))
    return {CommandKey(*row) for row in claimed}


async def claim_first(
    connection: Connection, sql: Mapping[str, str], drafts: Sequence[Sent], replies: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Claim the commands of drafts, each with its reply; return the places of those not handled before.

    Of drafts of one command the first is claimed.
    """
    first: dict[CommandKey, int] = {}
    for index, draft in enumerate(drafts):
        first.setdefault(draft.origin.key, index)
    commands = [(key, drafts[index].digest, replies[index]) for key, index in first.items()]
    claimed = await claim(connection, sql, commands)
    return [index for key, index in first.items() if key in claimed]


async def claim_or_replay(
    connection: Connection, sql: Mapping[str, str], origin: Origin, digest: bytes, shape: Shape
) -> Mapping[str, Any] | None:
    """The reply of a command that was handled before; of one that is claimed now, none. Raises `Conflict`."""
    if await claim(connection, sql, [(origin.key, digest, {})]):
        return None
    known = (await recorded(connection, sql, [origin.key]))[origin.key]
    if not repeats(known, digest, shape):
        raise same_id_other_body(origin.command_id)
    return known.reply


async def recorded(
    connection: Connection, sql: Mapping[str, str], keys: Sequence[CommandKey]
) -> dict[CommandKey, Recorded]:
    """The traces of commands handled before."""
    rows = await connection.fetch(sql["recorded_commands"], *columns(keys))
    return {
        CommandKey(row["tenant"], row["source"], row["command_id"]): Recorded(row["digest"], row["reply"])
        for row in rows
    }


async def correct_replies(
    connection: Connection, sql: Mapping[str, str], replies: Sequence[tuple[Origin, Mapping[str, Any]]]
) -> None:
    """Record the replies of commands that were claimed without, or with others."""
    if replies:
        rows = [(*origin.key, reply) for origin, reply in replies]
        await connection.execute(sql["correct_replies"], *columns(rows))


async def release(connection: Connection, sql: Mapping[str, str], keys: Sequence[CommandKey]) -> None:
    """Forget commands that were claimed and are refused, so that they can be sent again."""
    if keys:
        await connection.execute(sql["release_commands"], *columns(keys))


async def replay(
    connection: Connection,
    sql: Mapping[str, str],
    drafts: Sequence[Draft],
    outcomes: Mapping[int, Result | MemosError],
    replayed: Callable[[Recorded, Draft], Result | MemosError],
) -> list[Result | MemosError]:
    """All outcomes in order: those given, by place, and of the other drafts what their commands came to before."""
    missing = [draft.origin.key for index, draft in enumerate(drafts) if index not in outcomes]
    known = await recorded(connection, sql, list(dict.fromkeys(missing))) if missing else {}
    refused = {drafts[index].origin.key: one for index, one in outcomes.items() if isinstance(one, MemosError)}

    def outcome(index: int, draft: Draft) -> Result | MemosError:
        if index in outcomes:
            return outcomes[index]
        key = draft.origin.key
        return replayed(known[key], draft) if key in known else refused[key]

    return [outcome(index, draft) for index, draft in enumerate(drafts)]


def repeats(known: Recorded, digest: bytes, reply: Shape) -> bool:
    """Whether a command is the one that was recorded: one of its kind of reply, with the same body.

    Where a purge has emptied the digest, any body counts as the same.
    """
    fields = known.reply.keys()
    return known.digest in {digest, b""} and reply.has <= fields and fields - reply.has <= reply.may_have


def same_id_other_body(command_id: str) -> Conflict:
    """The refusal of a command id that was used for something else."""
    return Conflict(
        f"The command id {command_id!r} was used before with another body. "
        "Send a new command with an id of its own."
    )


def trace_removed(command_id: str) -> Unavailable:
    """The refusal of a draft that was not embedded, since its command seemed to have been handled before."""
    return Unavailable(
        f"The trace of command {command_id!r} was removed while it was being repeated. Send the command again."
    )
