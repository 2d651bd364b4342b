"""Putting the working values of a loadout into a session that has them not yet."""

from pydantic_core import to_json

from memos.errors import Conflict, NotFound
from memos.events.equipment import Assignment
from memos.events.seeds import WorkingSeeds
from memos.handlers.loadouts.placeholders import filled_in
from memos.ports import SessionChanges, Working
from memos.records import Origin, SessionKey, ValueDraft, content_hash


async def seeded(
    seeds: WorkingSeeds | None, assignment: Assignment, *, origin: Origin, working: Working
) -> list[str]:
    """Set those of the seeds whose keys are not in the session that is named, if one is; return their keys.

    A session that is begun by it is kept as the seeds say. Raises `TooLarge`, and `QuotaExceeded` when there is no
    room for them.
    """
    if seeds is None or assignment.session_id is None:
        return []
    session = SessionKey(origin.tenant, assignment.agent_id, assignment.session_id)
    await _begin(seeds, session, origin=origin, working=working)
    there = {value.key for value in await working.get(session, list(seeds.values))}
    set_now: list[str] = []
    for key in (key for key in seeds.values if key not in there):
        json = to_json(filled_in(seeds.values[key], assignment))
        if await _set(session, key, json, origin=origin, working=working):
            set_now.append(key)
    return set_now


async def _begin(seeds: WorkingSeeds, session: SessionKey, *, origin: Origin, working: Working) -> None:
    """Begin the session with the options of the seeds, if it is not there and they have any."""
    changes = SessionChanges(ttl=seeds.ttl, promote=seeds.promote)
    if changes == SessionChanges():
        return
    try:
        await working.session(session)
    except NotFound:
        step = _step(origin, "begin")
        await working.configure(step, content_hash(f"{session}{changes}"), session, changes)


async def _set(session: SessionKey, key: str, json: bytes, *, origin: Origin, working: Working) -> bool:
    """Set a value unless there is one, by another agent's hand for instance; whether it was set."""
    step, draft = _step(origin, f"set:{key}"), ValueDraft(key, json, if_version=0)
    try:
        await working.set(step, content_hash(f"{session}{draft}"), session, [draft])
    except Conflict:
        return False
    return True


def _step(origin: Origin, name: str) -> Origin:
    """A part of the command, so that it takes effect once when the command comes twice."""
    return Origin(origin.tenant, origin.source, f"{origin.command_id}:{name}")
