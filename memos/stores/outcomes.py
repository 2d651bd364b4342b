"""One transaction that keeps what became of many calls, each with an outcome of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memos.errors import Conflict, MemosError, NotFound
from memos.records import OutcomeDraft, OutcomeKept, ToolKey
from memos.stores import claims
from memos.stores.claims import Shape, claim_first, release, repeats, replay, same_id_other_body, trace_removed
from memos.stores.noting import Noted, note
from memos.stores.postgres import Connection
from memos.stores.registering import Revisions, Sql, advance_catalogs, lock_catalogs
from memos.stores.rows import columns
from memos.stores.texts import Said, keep_texts

RECORDED = Shape(frozenset({"tool_id"}))
"""What is recorded of the answer to an outcome."""


@dataclass(slots=True)
class Told:
    """What one agent tells of one tool."""

    successes: int = 0
    failures: int = 0
    judged: int = 0
    plausible: int = 0
    latencies: int = 0
    latency_ms: float = 0.0
    last_error: str | None = None

    def add(self, draft: OutcomeDraft) -> None:
        """Count one more call."""
        self.successes += draft.success
        self.failures += not draft.success
        self.judged += draft.plausible is not None
        self.plausible += bool(draft.plausible)
        if draft.latency_ms is not None:
            self.latencies += 1
            self.latency_ms += draft.latency_ms
        self.last_error = draft.error or self.last_error

    @property
    def row(self) -> tuple[Any, ...]:
        """The fields in the order of `add_reports`."""
        return (
            self.successes,
            self.failures,
            self.judged,
            self.plausible,
            self.latencies,
            self.latency_ms,
            self.last_error,
        )


class Recording:
    """The drafts of one transaction, and what has become of each."""

    def __init__(self, connection: Connection, sql: Sql, drafts: Sequence[OutcomeDraft]) -> None:
        self._connection = connection
        self._sql = sql
        self._drafts = drafts
        self._outcomes: dict[int, OutcomeKept | MemosError] = {}

    async def run(self) -> list[OutcomeKept | MemosError]:
        """One outcome per draft, in order."""
        replies = [{"tool_id": draft.tool_id} for draft in self._drafts]
        claimed = await claim_first(self._connection, self._sql, self._drafts, replies)
        if claimed:
            await self._record(claimed)
        return await replay(self._connection, self._sql, self._drafts, self._outcomes, _replayed)

    async def _record(self, claimed: Sequence[int]) -> None:
        tenants = [self._drafts[index].origin.tenant for index in claimed]
        revisions = await lock_catalogs(self._connection, self._sql, tenants)
        versions = await self._versions(claimed)
        for index in claimed:
            draft = self._drafts[index]
            known = _key(draft) in versions
            self._outcomes[index] = OutcomeKept(draft.tool_id) if known else no_tool(draft.tool_id)
        refused = [index for index in claimed if isinstance(self._outcomes[index], NotFound)]
        await release(self._connection, self._sql, [self._drafts[index].origin.key for index in refused])
        if kept := [self._drafts[index] for index in claimed if index not in set(refused)]:
            await self._keep(kept, revisions, versions)

    async def _versions(self, claimed: Sequence[int]) -> Mapping[ToolKey, int]:
        """The versions of those of the tools that are registered."""
        keys = sorted({_key(self._drafts[index]) for index in claimed})
        rows = await self._connection.fetch(self._sql["registered_versions"], *columns(keys))
        return {ToolKey(row["tenant"], row["tool_id"]): row["version"] for row in rows}

    async def _keep(
        self, drafts: Sequence[OutcomeDraft], revisions: Revisions, versions: Mapping[ToolKey, int]
    ) -> None:
        await self._add_evidence(drafts, revisions)
        await self._add_reports(drafts, revisions)
        await note(self._connection, self._sql, [_fact(draft, versions[_key(draft)]) for draft in drafts])
        await advance_catalogs(self._connection, self._sql, revisions.keys() & {_key(one).tenant for one in drafts})

    async def _add_evidence(self, drafts: Sequence[OutcomeDraft], revisions: Revisions) -> None:
        said: list[Said] = []
        counts: dict[tuple[str, str, str, bytes], list[int]] = defaultdict(lambda: [0, 0])
        for draft in drafts:
            if draft.task is None:
                continue
            if not len(draft.task.vector):
                raise trace_removed(draft.origin.command_id)
            said.append(Said(draft.origin.tenant, draft.model, draft.task))
            counts[(*_key(draft), draft.agent_id, draft.task.content_hash)][not draft.success] += 1
        if counts:
            await keep_texts(self._connection, self._sql, said)
            rows = [(*key, *counts[key], revisions[key[0]]) for key in sorted(counts)]
            await self._connection.execute(self._sql["add_evidence"], *columns(rows))

    async def _add_reports(self, drafts: Sequence[OutcomeDraft], revisions: Revisions) -> None:
        told: dict[tuple[str, str, str], Told] = defaultdict(Told)
        for draft in drafts:
            told[*_key(draft), draft.agent_id].add(draft)
        rows = [(*key, *told[key].row, revisions[key[0]]) for key in sorted(told)]
        await self._connection.execute(self._sql["add_reports"], *columns(rows))


def no_tool(tool_id: str) -> NotFound:
    """The refusal of a tool that is not registered."""
    return NotFound(f"No tool {tool_id!r} is registered. Check the tool_id, or register the tool first.")


def _key(draft: OutcomeDraft) -> ToolKey:
    return ToolKey(draft.origin.tenant, draft.tool_id)


def _fact(draft: OutcomeDraft, version: int) -> Noted:
    data = {
        "tool_id": draft.tool_id,
        "version": version,
        "agent_id": draft.agent_id,
        "success": draft.success,
        "latency_ms": draft.latency_ms,
        "error": draft.error,
    }
    return Noted(draft.origin.tenant, "memos.tool.outcome.v1", _key(draft).record_id, version, data)


def _replayed(known: claims.Recorded, draft: OutcomeDraft) -> OutcomeKept | Conflict:
    if not repeats(known, draft.digest, RECORDED):
        return same_id_other_body(draft.origin.command_id)
    return OutcomeKept(known.reply["tool_id"])
