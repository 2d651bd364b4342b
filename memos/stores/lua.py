"""Lua kept in `.lua` files: scripts that Redis runs in one step."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from importlib.resources import files
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from memos.errors import Unavailable

Argument = str | bytes | int | float


class Script(NamedTuple):
    """The text of a script, and the name that Redis has for it."""

    text: str
    digest: str


class Run(NamedTuple):
    """A script with its key and arguments."""

    script: Script
    key: str
    arguments: Sequence[Argument]


def load_script(*names: str) -> Script:
    """The script of files in `scripts`, one after the other."""
    folder = files("memos.stores") / "scripts"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


async def run(redis: Redis, one: Run) -> Any:
    """What a script answers. Raises what redis-py raises."""
    script, key, arguments = one
    try:
        return await redis.evalsha(script.digest, 1, key, *arguments)
    except NoScriptError:
        return await redis.eval(script.text, 1, key, *arguments)


async def run_all(redis: Redis, runs: Sequence[Run]) -> list[Any]:
    """What scripts answer that are sent together, in order; others may come between them.

    Raises what redis-py raises.
    """
    try:
        return await _sent_together(redis, runs)
    except NoScriptError:
        for script in {one.script for one in runs}:
            await redis.script_load(script.text)
        return await _sent_together(redis, runs)


async def _sent_together(redis: Redis, runs: Sequence[Run]) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for script, key, arguments in runs:
        pipeline.evalsha(script.digest, 1, key, *arguments)
    found: list[Any] = await pipeline.execute()
    return found


@contextmanager
def reached(what: str) -> Iterator[None]:
    """Raise `Unavailable` in place of every error of Redis."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(
            f"{what} (Redis) cannot be used now: {type(error).__name__}: {error}. See that Redis runs and has room."
        ) from error
