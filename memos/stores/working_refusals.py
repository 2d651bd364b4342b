"""What writes to working memory are refused for."""

from collections.abc import Callable, Mapping, Sequence

from memos.errors import Conflict, MemosError, QuotaExceeded, TooLarge
from memos.records import Origin, SessionKey, WorkingLimits
from memos.stores.claims import same_id_other_body

HIGHEST = 2**63 - 1


def too_large(what: str, size: int, limits: WorkingLimits) -> TooLarge:
    """The refusal of a value or message of so many bytes."""
    return TooLarge(
        f"{what} has {size} bytes of JSON, and at most {limits.value_bytes} are kept (MEMOS_WORKING_VALUE_BYTES). "
        "Send less, or split it."
    )


def refusal(
    reason: str, told: Sequence[bytes], origin: Origin, session: SessionKey, limits: WorkingLimits
) -> MemosError:
    """The error for what a script says that stands against a write."""
    if reason == "repeated":
        return same_id_other_body(origin.command_id)
    if reason == "full":
        return _full(told[0].decode(), session, limits)
    key = f"Key {told[0].decode()!r} of session {session.session_id!r}"
    if reason == "large":
        return too_large(f"{key} with these items", int(told[1]), limits)
    return _CONFLICTS[reason](key, told)


def _wrong_version(key: str, told: Sequence[bytes]) -> Conflict:
    if told[1] == b"0":
        return Conflict(f"{key} is not there, so it is not at the version asked for. Nothing was written.")
    return Conflict(
        f"{key} is at version {int(told[1])}, not at the one asked for. Nothing was written: read it again first."
    )


_CONFLICTS: Mapping[str, Callable[[str, Sequence[bytes]], Conflict]] = {
    "version": _wrong_version,
    "no_number": lambda key, _: Conflict(f"{key} is no number, so nothing is added to it. Set it to one first."),
    "no_list": lambda key, _: Conflict(f"{key} is no list, so nothing can be appended. Set it to one first."),
    "overflow": lambda key, _: Conflict(
        f"{key} would leave the range of numbers: integers are kept from {-HIGHEST - 1} to {HIGHEST}, others as "
        "doubles. Nothing was written: add less, or set it anew."
    ),
}


def _full(limit: str, session: SessionKey, limits: WorkingLimits) -> QuotaExceeded:
    of_session, of_agent = f"Session {session.session_id!r}", f"Agent {session.agent_id!r}"
    return QuotaExceeded(
        {
            "session_bytes": f"{of_session} has no room for it: at most {limits.session_bytes} bytes are kept "
            "(MEMOS_WORKING_SESSION_BYTES). Delete keys, promote and end the session, or begin another.",
            "session_keys": f"{of_session} has no room for it: at most {limits.session_keys} keys are kept "
            "(MEMOS_WORKING_SESSION_KEYS). Delete some, or begin another session.",
            "agent_bytes": f"{of_agent} has no room for it: at most {limits.agent_bytes} bytes are kept "
            "of all its sessions (MEMOS_WORKING_AGENT_BYTES). End sessions, or delete keys.",
            "agent_sessions": f"{of_agent} has {limits.agent_sessions} sessions already, which is the most "
            "(MEMOS_WORKING_AGENT_SESSIONS). End some first.",
            "aside": f"{of_agent} has ended so many sessions that wait for a worker of the bulk lane "
            "that no further one is begun. See that one runs, and try again.",
        }[limit]
    )
