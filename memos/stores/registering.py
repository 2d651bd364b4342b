"""One transaction that registers many tools, each with an outcome of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from memos.errors import Conflict, MemosError
from memos.records import Invocation, Registered, ToolDraft, ToolKey
from memos.stores.claims import (
    Recorded,
    Shape,
    claim_first,
    correct_replies,
    repeats,
    replay,
    same_id_other_body,
    trace_removed,
)
from memos.stores.noting import Noted, note
from memos.stores.postgres import Connection
from memos.stores.rows import columns
from memos.stores.texts import Said, delete_unused_texts, keep_texts

REGISTERED = Shape(frozenset(Registered._fields))
"""What is recorded of the answer to a registration."""

Sql = Mapping[str, str]
Revisions = Mapping[str, int]
Row = tuple[Any, ...]


async def lock_catalogs(connection: Connection, sql: Sql, tenants: Iterable[str]) -> Revisions:
    """Have the tenants' tools to itself until commit; return the revisions that its changes get."""
    rows = await connection.fetch(sql["lock_catalogs"], sorted(set(tenants)))
    return {row["tenant"]: row["revision"] + 1 for row in rows}


async def advance_catalogs(connection: Connection, sql: Sql, tenants: Iterable[str]) -> None:
    """Have what was changed of the tenants' tools found by readers of what is new."""
    await connection.execute(sql["advance_catalogs"], sorted(set(tenants)))


class Registering:
    """The drafts of one transaction, and what has become of each.

    Several drafts of one tool are written in order, one in each round.
    """

    def __init__(self, connection: Connection, sql: Sql, drafts: Sequence[ToolDraft]) -> None:
        self._connection = connection
        self._sql = sql
        self._drafts = drafts
        self._outcomes: dict[int, Registered | MemosError] = {}

    async def run(self) -> list[Registered | MemosError]:
        """One outcome per draft, in order."""
        claimed = await claim_first(self._connection, self._sql, self._drafts, [{}] * len(self._drafts))
        if claimed:
            await self._register(claimed)
        return await replay(self._connection, self._sql, self._drafts, self._outcomes, _replayed)

    async def _register(self, claimed: Sequence[int]) -> None:
        tenants = [self._drafts[index].origin.tenant for index in claimed]
        revisions = await lock_catalogs(self._connection, self._sql, tenants)
        for one_each in _rounds([(index, self._drafts[index].key) for index in claimed]):
            await self._write({key: self._drafts[index] for key, index in one_each.items()}, revisions, one_each)
        await self._tell(claimed)

    async def _write(
        self, drafts: Mapping[ToolKey, ToolDraft], revisions: Revisions, places: Mapping[ToolKey, int]
    ) -> None:
        rows = [_row(draft, revisions[key.tenant]) for key, draft in drafts.items()]
        written = await self._connection.fetch(self._sql["write_tools"], *columns(rows))
        results = {ToolKey(row["tenant"], row["tool_id"]): Registered(*row[1:]) for row in written}
        self._outcomes.update({places[key]: outcome for key, outcome in results.items()})
        await self._keep_texts(drafts.values())
        changed = {key: drafts[key] for key, outcome in results.items() if outcome.status != "unchanged"}
        await self._keep_sayings(changed)

    async def _keep_texts(self, drafts: Iterable[ToolDraft]) -> None:
        """Keep texts and vectors of all drafts: also a tool that is there just so may be new to the model."""
        said = (Said(draft.origin.tenant, draft.model, text) for draft in drafts for text in draft.said)
        await keep_texts(self._connection, self._sql, said)

    async def _keep_sayings(self, changed: Mapping[ToolKey, ToolDraft]) -> None:
        """Note what changed tools say now, and delete the texts that nothing says any more."""
        if not changed:
            return
        former = await self._connection.fetch(self._sql["forget_sayings"], *columns(sorted(changed)))
        rows = {(*key, said.content_hash) for key, draft in changed.items() for said in draft.said}
        await self._connection.execute(self._sql["keep_sayings"], *columns(sorted(rows)))
        await delete_unused_texts(self._connection, self._sql, [tuple(row) for row in former])

    async def _tell(self, claimed: Sequence[int]) -> None:
        """Note the facts, record the replies, and have readers find what was changed."""
        replies: list[tuple[Any, Mapping[str, Any]]] = []
        facts: list[Noted] = []
        for index in claimed:
            draft, outcome = self._drafts[index], self._outcomes[index]
            if isinstance(outcome, Registered):
                replies.append((draft.origin, outcome._asdict()))
                facts += _facts(draft, outcome)
        await correct_replies(self._connection, self._sql, replies)
        await note(self._connection, self._sql, facts)
        if facts:
            await advance_catalogs(self._connection, self._sql, [fact.tenant for fact in facts])


def _rounds(places: Iterable[tuple[int, ToolKey]]) -> Iterator[dict[ToolKey, int]]:
    """Places by their tools, each tool once a round, in order."""
    left = list(places)
    while left:
        one_each: dict[ToolKey, int] = {}
        for index, key in left:
            one_each.setdefault(key, index)
        yield one_each
        left = [(index, key) for index, key in left if one_each[key] != index]


def _row(draft: ToolDraft, revision: int) -> Row:
    """A draft as `write_tools` takes it; lists as JSON, since `unnest` flattens arrays of arrays."""
    if not draft.said:
        raise trace_removed(draft.origin.command_id)
    tool = draft.definition
    return (
        *draft.key,
        revision,
        tool.name,
        tool.description,
        tool.endpoint_url,
        tool.request_schema,
        tool.response_schema,
        to_json(tool.required_capabilities).decode(),
        to_json(tool.tags).decode(),
        to_json(tool.examples).decode(),
        _stored_invocation(tool.invocation),
    )


def _stored_invocation(invocation: Invocation) -> dict[str, Any]:
    """How a tool is called, without defaults: a field that a later version adds changes nothing."""
    return {**invocation.model_dump(mode="json", exclude_defaults=True), "kind": invocation.kind}


def _facts(draft: ToolDraft, outcome: Registered) -> Iterator[Noted]:
    if outcome.status != "unchanged":
        key, name = draft.key, draft.definition.name
        data = {"tool_id": key.tool_id, "version": outcome.version, "name": name, "status": outcome.status}
        yield Noted(key.tenant, "memos.tool.registered.v1", key.record_id, outcome.version, data)


def _replayed(known: Recorded, draft: ToolDraft) -> Registered | Conflict:
    if not repeats(known, draft.digest, REGISTERED):
        return same_id_other_body(draft.origin.command_id)
    return Registered(**known.reply)
