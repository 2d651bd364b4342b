"""One transaction that keeps what an agent learned: its uses, its lessons, and what those contradict."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from memos.errors import Unavailable
from memos.records import LearningDraft, LessonKept, task_key
from memos.records.usefulness import UseReports, usefulness_of
from memos.stores.claims import claim, correct_replies
from memos.stores.noting import Noted, note
from memos.stores.postgres import Connection
from memos.stores.rows import DAY, columns, usefulness_in
from memos.stores.storing import reply_of

MOST_AGENTS = 1000
"""Agents whose reports of a memory are put together; those that reported last."""

STRENGTHENING = 1.0
"""What a memory that is learned again gains in reports."""

Rows = Mapping[UUID, asyncpg.Record]


class Teaching:
    """The draft of one transaction, whose command is claimed."""

    def __init__(self, connection: Connection, sql: Mapping[str, str], draft: LearningDraft) -> None:
        self._connection = connection
        self._sql = sql
        self._draft = draft
        self._tenant = draft.origin.tenant

    async def run(self) -> dict[str, Any]:
        """Keep it all; return the reply, which is recorded. Raises `Unavailable` when it has to be tried again."""
        rows = await self._lock()
        strengthened = await self._strengthen(rows)
        counted = await self._count(rows)
        usefulness = await self._report(rows, self._weights(rows, strengthened))
        pairs = await self._contradict(rows)
        await self._keep(rows)
        await self._note(rows, strengthened)
        reply = {
            **self._draft.reply,
            "learning_id": str(self._draft.learning_id),
            "usefulness": {str(one): value for one, value in usefulness.items()},
            "times": {str(one): times for one, times in self._times(rows, counted).items()},
            "contradicts": [[str(lesson), str(other)] for lesson, other in pairs],
        }
        await correct_replies(self._connection, self._sql, [(self._draft.origin, reply)])
        return reply

    def _times(self, rows: Rows, counted: Collection[UUID]) -> dict[UUID, int]:
        """Of how many tasks each lesson was learned, with this one."""
        return {one: rows[one]["times_stored"] + (one in counted) for one in self._lessons if one in rows}

    @property
    def _lessons(self) -> list[UUID]:
        return list(dict.fromkeys(lesson.memory_id for lesson in self._draft.lessons))

    async def _lock(self) -> Rows:
        """The memories that it is about, as far as they are there for the agent, locked."""
        draft = self._draft
        named = {use.memory_id for use in draft.memories}
        for lesson in draft.lessons:
            named |= {lesson.memory_id, *(one.memory_id for one in lesson.contradicts)}
        found = await self._connection.fetch(self._sql["lock_learned"], self._tenant, draft.agent_id, sorted(named))
        return {row["memory_id"]: row for row in found}

    async def _strengthen(self, rows: Rows) -> set[UUID]:
        """See to the commands of the known lessons; return the memories that say those."""
        known = [lesson for lesson in self._draft.lessons if lesson.known]
        unclaimed = [lesson for lesson in known if not lesson.claimed]
        for lesson in unclaimed:
            if lesson.memory_id not in rows:
                raise _gone(lesson)
        if unclaimed:
            await self._claim(unclaimed, rows)
        return {lesson.memory_id for lesson in known} & rows.keys()

    async def _claim(self, lessons: Sequence[LessonKept], rows: Rows) -> None:
        """Claim lessons that are learned again, as if they had been stored again under their own commands."""
        claims = [(one.origin.key, one.digest, self._reply(one, rows[one.memory_id]["version"])) for one in lessons]
        claimed = await claim(self._connection, self._sql, claims)
        if len(claimed) < len(lessons):
            raise Unavailable("Another worker is learning the same lessons just now. Send the command again.")

    async def _count(self, rows: Rows) -> set[UUID]:
        """Count lessons once more that this agent had not learned of this task; return which those are."""
        task = (self._draft.agent_id, self._draft.task, self._draft.task_id)
        others = [one for one in self._lessons if one in rows and not self._is_first(rows[one])]
        if not others:
            return set()
        told = [(self._tenant, one, *task) for one in others]
        found = await self._connection.fetch(self._sql["count_tasks"], *columns(told))
        if found:
            counted = sorted((self._tenant, row["memory_id"], 1) for row in found)
            await self._connection.execute(self._sql["count_again"], *columns(counted))
        return {row["memory_id"] for row in found}

    def _is_first(self, row: asyncpg.Record) -> bool:
        """Whether a lesson was stored by this agent for this task, for which it was counted then."""
        draft = self._draft
        if row["agent_id"] != draft.agent_id or row["task"] is None:
            return False
        same_id = draft.task_id is not None and row["task_id"] == draft.task_id
        return same_id or task_key(row["task"]) == draft.task

    def _reply(self, lesson: LessonKept, version: int) -> dict[str, Any]:
        return reply_of(lesson.origin, lesson.memory_id, version, duplicate=True)

    def _weights(self, rows: Rows, strengthened: set[UUID]) -> dict[UUID, float]:
        """What is reported of each memory; of one that was used and learned again, what is said of its use."""
        said = {use.memory_id: use.weight for use in self._draft.memories if use.memory_id in rows}
        return dict.fromkeys(sorted(strengthened), STRENGTHENING) | said

    async def _report(self, rows: Rows, weights: Mapping[UUID, float]) -> dict[UUID, float]:
        """Add the agent's reports of memories; return the usefulness of each memory by now."""
        reported = {memory_id: weight for memory_id, weight in weights.items() if weight}
        usefulness = {one: usefulness_in(rows[one], rows[one]["now"]) for one in weights if one not in reported}
        if not reported:
            return usefulness
        reports = await self._reports(rows, list(reported))
        kept, written = [], []
        for memory_id, weight in sorted(reported.items()):
            now, by_agent = rows[memory_id]["now"], reports.get(memory_id, {})
            own = by_agent.get(self._draft.agent_id, UseReports()).plus(weight)
            together = usefulness_of([*(by_agent | {self._draft.agent_id: own}).values()])
            kept.append((self._tenant, memory_id, self._draft.agent_id, *own, now))
            written.append((self._tenant, memory_id, *together, now))
            usefulness[memory_id] = together.value
        await self._connection.execute(self._sql["keep_reports"], *columns(kept))
        await self._connection.execute(self._sql["write_usefulness"], *columns(written))
        return usefulness

    async def _reports(self, rows: Rows, ids: Sequence[UUID]) -> dict[UUID, dict[str, UseReports]]:
        """What agents have reported of memories, as much as it counts by now."""
        asked = [(self._tenant, memory_id, self._draft.agent_id) for memory_id in ids]
        found: dict[UUID, dict[str, UseReports]] = {}
        for memory_id, agent_id, helped, hindered, at in await self._connection.fetch(
            self._sql["reports_of_memories"], *columns(asked), MOST_AGENTS
        ):
            reports = UseReports(helped, hindered).faded(_days(rows[memory_id]["now"], at))
            found.setdefault(memory_id, {})[agent_id] = reports
        return found

    async def _contradict(self, rows: Rows) -> list[tuple[UUID, UUID]]:
        """Link lessons with what they contradict, the later memory first; return the pairs, the lesson first."""
        links: dict[tuple[UUID, UUID], tuple[float, str]] = {}
        pairs = []
        for lesson in self._draft.lessons:
            for other in lesson.contradicts:
                if other.memory_id == lesson.memory_id or not {other.memory_id, lesson.memory_id} <= rows.keys():
                    continue
                both = sorted((lesson.memory_id, other.memory_id), key=lambda one: (rows[one]["created_at"], one))
                links[both[1], both[0]] = (other.similarity, other.reason)
                pairs.append((lesson.memory_id, other.memory_id))
        if links:
            written = [(self._tenant, *both, *said) for both, said in sorted(links.items())]
            await self._connection.execute(self._sql["add_contradictions"], *columns(written))
        return pairs

    async def _keep(self, rows: Rows) -> None:
        draft = self._draft
        await self._connection.execute(
            self._sql["insert_learning"],
            self._tenant,
            draft.learning_id,
            draft.agent_id,
            draft.task_id,
            draft.session_id,
            draft.outcome,
            draft.visibility,
            self._lessons,
            [use.memory_id for use in draft.memories if use.memory_id in rows],
            draft.tools,
            draft.cost,
            draft.tokens,
            draft.seconds,
            draft.occurred_at,
        )

    async def _note(self, rows: Rows, strengthened: set[UUID]) -> None:
        draft = self._draft
        used = [use for use in draft.memories if use.memory_id in rows]
        data = {
            "learning_id": draft.learning_id,
            "version": 1,
            "agent_id": draft.agent_id,
            "task_id": draft.task_id,
            "outcome": draft.outcome,
            "visibility": draft.visibility,
            "lessons": self._lessons,
            "strengthened": sorted(strengthened),
            "helped": [use.memory_id for use in used if use.weight > 0],
            "hindered": [use.memory_id for use in used if use.weight < 0],
            "tools": draft.tools,
        }
        fact = Noted(self._tenant, "memos.learning.recorded.v1", draft.learning_id, 1, data)
        await note(self._connection, self._sql, [fact])


def _days(now: datetime, then: datetime) -> float:
    return (now - then) / DAY


def _gone(lesson: LessonKept) -> Unavailable:
    return Unavailable(
        f"Memory {lesson.memory_id}, which said a lesson already, was deleted while the lesson was learned. "
        "Send the command again."
    )
