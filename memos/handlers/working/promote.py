"""The handler that makes memories of a session, or of some of its keys."""

from collections.abc import Sequence

from memos.errors import NotFound, Unavailable
from memos.events.sessions import PromotedMemory, PromoteSession, SessionPromoted
from memos.handlers.working.promoting import Promoted, Promoting, of_value, slices_of_log
from memos.ports import Embedder, Memories, Projections, Vectors, Working
from memos.records import KeptSession, KeptValue, Origin, SessionKey, Visibility


async def promote_session(
    command: PromoteSession,
    *,
    origin: Origin,
    working: Working,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
) -> SessionPromoted:
    """Make memories of the messages that are in a log, or of the values of chosen keys.

    Raises `NotFound` when there is no such session, or it has not all of the keys, and `Unavailable` while a
    session that had its id before is becoming memories, whose places come first; then nothing is promoted.
    """
    promoting = Promoting(memories, vectors, projections, embedder)
    key = SessionKey(origin.tenant, command.agent_id, command.session_id)
    if command.keys is not None:
        session, values = await _values(working, key, command.keys)
        await _require_turn(working, session)
        promoted = await promoting.promote(
            key.tenant, [of_value(session, one, command.visibility) for one in values]
        )
    else:
        session = await working.session(key)
        await _require_turn(working, session)
        asked = min(command.through or session.newest, session.newest)
        promoted = await promote_log(promoting, working, session, asked, command.visibility, again=True)
    return SessionPromoted(
        session_id=key.session_id,
        count=promoted.made,
        promoted_through=max(session.promoted_through, promoted.through),
        results=promoted.results,
    )


async def promote_log(
    promoting: Promoting,
    working: Working,
    session: KeptSession,
    through: int,
    visibility: Visibility = "private",
    *,
    again: bool = False,
) -> Promoted:
    """Make memories of the messages of a log up to a number, and note slice by slice that they have become some.

    With `again`, of those too that are in the log and have become memories before, which says what those are.
    It ends early when the session does.
    """
    results: list[PromotedMemory] = []
    made = reached = 0
    after = 0 if again else session.promoted_through
    async for messages in slices_of_log(working, session, after=after, through=through):
        promoted = await promoting.messages(session, messages, visibility)
        await working.promoted(session, promoted.through)
        results += promoted.results
        made += promoted.made
        reached = promoted.through
    return Promoted(results, made, reached)


async def _require_turn(working: Working, session: KeptSession) -> None:
    """Raise `Unavailable` while a session that had the id before this one is becoming memories."""
    if await working.waits(session):
        raise Unavailable(
            f"An earlier session {session.key.session_id!r} has ended and is still being dealt with, and its "
            "memories come before those of this one. Nothing is promoted; try again in a few seconds."
        )


async def _values(
    working: Working, key: SessionKey, names: Sequence[str]
) -> tuple[KeptSession, Sequence[KeptValue]]:
    """A session and its values under keys, all of one epoch. Raises `NotFound` when one of them is not there."""
    session = await working.session(key)
    while True:
        found = await working.get(key, names)
        now = await working.session(key)
        if now.epoch == session.epoch:
            break
        session = now
    if missing := set(names) - {value.key for value in found}:
        named = ", ".join(repr(name) for name in sorted(missing))
        raise NotFound(f"Session {key.session_id!r} has no {named}. Check the keys; nothing is promoted.")
    return session, found
