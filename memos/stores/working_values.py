"""Values under keys of sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic_core import from_json

from memos.ports import Appended
from memos.records import KeptValue, Origin, SessionKey, ValueDraft
from memos.stores.lua import Argument
from memos.stores.working_calls import AT_ONCE, WorkingCalls
from memos.stores.working_keys import Agent, end_of, lexical_range, moment_of
from memos.stores.working_refusals import too_large


class RedisValues(WorkingCalls):
    """The part of the port `Working` that is about values."""

    async def set(
        self, origin: Origin, digest: bytes, session: SessionKey, values: Sequence[ValueDraft]
    ) -> list[KeptValue]:
        """Keep values, all or none; each is at its next version. In what is returned `value` is `None`."""
        for value in values:
            if len(value.json) > self._limits.value_bytes:
                raise too_large(f"The value of key {value.key!r}", len(value.json), self._limits)
        arguments = [part for value in values for part in _arguments(value)]
        now, *versions = await self._write("set", origin, digest, session, *arguments)
        moment = moment_of(now)
        return [
            KeptValue(value.key, None, version, moment, _end_after(moment, value.ttl))
            for value, version in zip(values, versions, strict=True)
        ]

    async def get(self, session: SessionKey, keys: Sequence[str]) -> list[KeptValue]:
        """Those of the keys that there are, in the order asked for."""
        if not keys:
            return []
        now, *found = await self._ask("get", Agent.of(session), session.session_id, *keys)
        kept = [_value_of(key, text) for key, text in zip(keys, found[0], strict=True) if text] if found else []
        moment = moment_of(now)
        return [value for value in kept if _is_live(value.expires_at, moment)]

    async def page(
        self, session: SessionKey, prefix: str, after: str, limit: int, *, largest: int | None = None
    ) -> list[KeptValue]:
        """At most `limit` keys that begin with the prefix, in the order of their UTF-8, from after `after`.

        Values of more than `largest` bytes of JSON are left out.
        """
        agent, values = Agent.of(session), list[KeptValue]()
        start, end = lexical_range(prefix, after)
        while start and len(values) < limit:
            most = min(limit - len(values), AT_ONCE)
            arguments = (session.session_id, start, end, most, _or_none(largest))
            last, found = await self._ask("page", agent, *arguments)
            each = zip(found[::3], found[1::3], found[2::3], strict=True)
            values += [_value_of(key.decode(), text, int(left_out)) for key, text, left_out in each]
            start = last and b"(" + last
        return values

    async def delete(
        self, origin: Origin, digest: bytes, session: SessionKey, keys: Sequence[str], if_version: int | None
    ) -> list[str]:
        """Delete keys; return those that were there. What is done for nothing keeps no session alive."""
        places = await self._write("delete", origin, digest, session, _or_none(if_version), *keys)
        return [keys[place] for place in places]

    async def increment(
        self, origin: Origin, digest: bytes, session: SessionKey, key: str, *, by: int | float, ttl: int | None
    ) -> KeptValue:
        """Add to a number: exactly if both are integers, else as doubles."""
        arguments = (key, _or_none(ttl), repr(by))
        now, version, expires, number = await self._write("increment", origin, digest, session, *arguments)
        return KeptValue(key, from_json(number), int(version), moment_of(now), end_of(expires))

    async def append(
        self,
        origin: Origin,
        digest: bytes,
        session: SessionKey,
        key: str,
        *,
        items: Sequence[bytes],
        ttl: int | None,
    ) -> Appended:
        """Append items, each its JSON, to a list."""
        arguments = (key, _or_none(ttl), *items)
        version, expires, length = await self._write("append", origin, digest, session, *arguments)
        return Appended(int(length), int(version), end_of(expires))


def _arguments(value: ValueDraft) -> Sequence[Argument]:
    return value.key, value.json, _or_none(value.ttl), _or_none(value.if_version)


def _or_none(number: int | None) -> Argument:
    return "" if number is None else number


def _value_of(key: str, text: bytes, left_out: int = 0) -> KeptValue:
    version, updated, expires, _, json = text.split(b"|", 4)
    value = None if left_out else from_json(json)
    return KeptValue(key, value, int(version), moment_of(updated), end_of(expires), left_out)


def _end_after(moment: datetime, ttl: int | None) -> datetime | None:
    return None if ttl is None else moment + timedelta(seconds=ttl)


def _is_live(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is None or expires_at > now
