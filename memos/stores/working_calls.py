"""How scripts of working memory are run: with the settings, once for each command, and with what is due noted."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from memos.records import Origin, SessionKey, SessionPolicy, WorkingLimits
from memos.stores.lua import Argument, Run, Script, load_script, reached, run, run_all
from memos.stores.working_keys import DUE, Agent, done_name
from memos.stores.working_refusals import refusal

AGENT = ("working_agent.lua", "working_session.lua")
ENDING = (*AGENT, "working_value.lua", "working_logging.lua", "working_ending.lua")
COMMAND = (*ENDING, "working_command.lua")

PARTS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("get", "page", "read", "messages", "sessions"), ("working_reading.lua", *AGENT)),
    **dict.fromkeys(("expired", "waits"), ("working_reading.lua", *AGENT)),
    **dict.fromkeys(("set", "increment", "append", "add_messages", "configure"), ("working_writing.lua", *COMMAND)),
    **dict.fromkeys(("delete", "end"), ("working_freeing.lua", *COMMAND)),
    **dict.fromkeys(("leave", "sweep", "ended", "forget"), ("working_freeing.lua", *ENDING)),
    **dict.fromkeys(("promoted", "put_off", "told"), ("working_freeing.lua", *AGENT)),
    **dict.fromkeys(("claim", "register"), ("working_freeing.lua",)),
    "crowded": ("working_reading.lua", *ENDING),
    "waiting": ("working_reading.lua",),
}
"""What each script is made of before its own file: whether it may write, and is so even when Redis is full."""

AT_ONCE = 100
"""Agents, sessions or keys that one step looks at together."""


class WorkingCalls:
    """Runs scripts. Every error of Redis is raised as `Unavailable`."""

    def __init__(self, redis: Redis, policy: SessionPolicy, limits: WorkingLimits) -> None:
        self._redis = redis
        self._limits = limits
        self._defaults: Sequence[Argument] = [policy.ttl or "", *policy[1:], *limits]
        self._scripts: Mapping[str, Script] = {
            name: load_script(*parts, f"working_{name}.lua") for name, parts in PARTS.items()
        }

    def _call(self, name: str, agent: Agent, *arguments: Argument) -> Run:
        return Run(self._scripts[name], agent.key, arguments)

    async def _ask(self, name: str, agent: Agent, *arguments: Argument) -> Any:
        """The answer of a script that needs no more than its arguments."""
        with reached("Working memory"):
            return await run(self._redis, self._call(name, agent, *arguments))

    async def _write(
        self, name: str, origin: Origin, digest: bytes, session: SessionKey, *arguments: Argument
    ) -> list[Any]:
        """The answer to a command, be it handled now or before. Raises what it is refused for.

        What is due is registered afterwards. A worker that dies before that is not done with its command; whoever
        is given the command next registers it.
        """
        agent = Agent.of(session)
        fixed = (done_name(origin), digest, session.session_id, uuid4().hex, *self._defaults)
        status, due, *answer = await self._ask(name, agent, *fixed, *arguments)
        if due:
            await self._register(agent, *due)
        if status != b"done":
            raise refusal(status.decode(), answer, origin, session, self._limits)
        found: list[Any] = answer[0]
        return found

    async def _register(self, agent: Agent, moment: bytes, kept: bytes) -> None:
        """Have an agent be looked at, and know it until then."""
        with reached("Working memory"):
            await run(self._redis, Run(self._scripts["register"], DUE, ("", agent.name, moment, kept)))
            await self._redis.set(f"{agent.key}:registered", moment, pxat=int(moment), nx=True)

    async def _ask_waiting(self, name: str, *arguments: Argument) -> AsyncGenerator[tuple[Agent, Any], None]:
        """The answers of a script for each agent of whom something is due."""
        place = 0
        while True:
            with reached("Working memory"):
                names = await run(self._redis, Run(self._scripts["waiting"], DUE, (place, AT_ONCE)))
                agents = [Agent.named(each) for each in names]
                answers = await run_all(self._redis, [self._call(name, agent, *arguments) for agent in agents])
            for each in zip(agents, answers, strict=True):
                yield each
            if len(agents) < AT_ONCE:
                return
            place += AT_ONCE
