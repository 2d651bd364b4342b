"""Handlers of the commands on the values of working memory."""

from collections.abc import Sequence

from pydantic_core import to_json

from memos.events.working import (
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    InSession,
    ListWorking,
    SetWorking,
    ValueSet,
    ValueToSet,
    WorkingAppended,
    WorkingDeleted,
    WorkingFound,
    WorkingIncremented,
    WorkingListed,
    WorkingSet,
    WorkingValue,
)
from memos.handlers.digests import digest_of
from memos.ports import Working
from memos.records import KeptValue, Origin, SessionKey, ValueDraft


async def set_working(command: SetWorking, *, origin: Origin, working: Working) -> WorkingSet:
    """Keep values. Raises `Conflict` for a version that is not as asked, `TooLarge` and `QuotaExceeded`."""
    drafts = [_draft(value) for value in command.values]
    kept = await working.set(origin, digest_of(command), session_of(origin, command), drafts)
    results = [ValueSet(key=one.key, version=one.version, expires_at=one.expires_at) for one in kept]
    return WorkingSet(session_id=command.session_id, results=results)


async def get_working(command: GetWorking, *, origin: Origin, working: Working) -> WorkingFound:
    """Read the values of keys, and say which of them there are not."""
    kept = await working.get(session_of(origin, command), command.keys)
    there = {one.key for one in kept}
    missing = [key for key in command.keys if key not in there]
    return WorkingFound(session_id=command.session_id, results=_shown(kept), missing=missing)


async def list_working(command: ListWorking, *, origin: Origin, working: Working) -> WorkingListed:
    """Read a page of keys that begin with a prefix, and where the next one begins."""
    session = session_of(origin, command)
    kept = await working.page(session, command.prefix, command.after, command.limit + 1)
    page = kept[: command.limit]
    following = page[-1].key if len(kept) > len(page) else None
    return WorkingListed(session_id=command.session_id, count=len(page), results=_shown(page), next=following)


async def delete_working(command: DeleteWorking, *, origin: Origin, working: Working) -> WorkingDeleted:
    """Delete keys. Raises `Conflict` when one is not at the version that was asked for."""
    session = session_of(origin, command)
    deleted = await working.delete(origin, digest_of(command), session, command.keys, command.if_version)
    return WorkingDeleted(session_id=command.session_id, deleted=deleted)


async def increment_working(command: IncrementWorking, *, origin: Origin, working: Working) -> WorkingIncremented:
    """Add to a number. Raises `Conflict` for what is no number."""
    session = session_of(origin, command)
    kept = await working.increment(origin, digest_of(command), session, command.key, by=command.by, ttl=command.ttl)
    return WorkingIncremented(
        session_id=command.session_id,
        key=kept.key,
        value=kept.value,
        version=kept.version,
        expires_at=kept.expires_at,
    )


async def append_working(command: AppendWorking, *, origin: Origin, working: Working) -> WorkingAppended:
    """Append to a list. Raises `Conflict` for what is no list, `TooLarge` and `QuotaExceeded`."""
    items = [to_json(item) for item in command.items]
    session = session_of(origin, command)
    appended = await working.append(origin, digest_of(command), session, command.key, items=items, ttl=command.ttl)
    return WorkingAppended(session_id=command.session_id, key=command.key, **appended._asdict())


def session_of(origin: Origin, command: InSession) -> SessionKey:
    """The session that a command names, of the tenant that sent it."""
    return SessionKey(origin.tenant, command.agent_id, command.session_id)


def _draft(value: ValueToSet) -> ValueDraft:
    return ValueDraft(value.key, to_json(value.value), value.ttl, value.if_version)


def _shown(kept: Sequence[KeptValue]) -> list[WorkingValue]:
    return [WorkingValue.model_construct(**one._asdict()) for one in kept]
