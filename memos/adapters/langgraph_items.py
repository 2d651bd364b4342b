"""A LangGraph item as a memory, and back."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid5

from langgraph.store.base import Item, ListNamespacesOp, Op, PutOp, SearchItem, SearchOp, get_text_at_path

from memos.errors import Conflict, Fault, InvalidCommand
from memos.records import MEMORY_NAMESPACE, SEPARATOR, Memory

KIND = "item"
ROOT = "langgraph"
WHOLE = "$"
"""The path of a whole value, and what is made searchable of it unless fields are named."""

LONGEST_TAG = 128
LONGEST_URI = 2048
"""How many characters the source of a memory may have."""

MOST_SHOWN = 40
"""How much of a name is in a message about it."""

PLACES = 2**32


class Address(NamedTuple):
    """Where an item is."""

    namespace: tuple[str, ...]
    key: str

    @property
    def uri(self) -> str:
        """What tells it from all others, as the source of its memory."""
        return f"{ROOT}:{'/'.join(quote(label, safe='') for label in self.namespace)}#{quote(self.key, safe='')}"

    @property
    def name(self) -> str:
        """What it is called where nothing of its value is to be found."""
        return " / ".join([*self.namespace, self.key])

    @property
    def place(self) -> int:
        """A number below `PLACES` by which items are told apart evenly, so that many are read part by part."""
        return uuid5(MEMORY_NAMESPACE, self.uri).int % PLACES

    def memory_id(self, agent_id: str) -> UUID:
        """The id of the first memory that it is; one that is put again after its deletion has another."""
        return uuid5(MEMORY_NAMESPACE, SEPARATOR.join((ROOT, agent_id, self.uri)))


def check_names(op: Op) -> None:
    """Raise `InvalidCommand` for an operation on labels or a key that cannot be kept, or not together."""
    if isinstance(op, ListNamespacesOp):
        for condition in op.match_conditions or ():
            _check_texts("match_conditions", condition.path)
    elif isinstance(op, SearchOp):
        _check_texts("namespace_prefix", op.namespace_prefix)
    else:
        _check_texts("namespace", op.namespace)
        _check_texts("key", [op.key])
        _check_length(Address(op.namespace, op.key))


def _check_texts(field: str, names: Sequence[str]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            shown = ascii(name[max(error.start - MOST_SHOWN, 0) : error.end])
            raise InvalidCommand(
                f"The {field} has a lone surrogate at the end of {shown}. UTF-8 has none: replace it.",
                faults=[Fault(field, "must be valid Unicode without lone surrogates")],
            ) from error


def _check_length(address: Address) -> None:
    length = len(address.uri)
    if length > LONGEST_URI:
        raise InvalidCommand(
            f"The namespace and the key {address.key[:MOST_SHOWN]!r}… have {length:,} characters as a URI; one "
            f"that is no ASCII letter or digit counts as three or more; {LONGEST_URI:,} is the limit. Give shorter "
            "ones, or a digest as the key.",
            faults=[Fault("key", f"must have at most {LONGEST_URI:,} characters as a URI with the namespace")],
        )


def tag_of(prefix: Sequence[str]) -> str:
    """The tag of all items whose namespaces begin so; labels have no dots."""
    tag = ":".join([ROOT, ".".join(prefix)]) if prefix else ROOT
    return tag if len(tag) <= LONGEST_TAG else f"{ROOT}:#{sha256(tag.encode()).hexdigest()}"


def fields_of(put: PutOp, value: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """What the memory of an item says; the fields that a later put of it changes.

    The content is what is to be found: the value as JSON, or the texts of chosen fields. Of an item that is not
    to be found by what it says it is the name alone.
    """
    address, text = Address(put.namespace, put.key), _json(value)
    content = _content(text, value, _paths(put, paths))
    metadata = {
        "namespace": list(put.namespace),
        "key": put.key,
        "place": address.place,
        "indexed": content is not None,
        "put_at": datetime.now(UTC).isoformat(),
        **({} if content == text else {"value": text}),
        **({} if put.ttl is None else {"ttl": put.ttl}),
    }
    return {"content": content or address.name, "metadata": metadata, "expires_at": expiry(put.ttl)}


def expiry(ttl: float | None) -> datetime | None:
    """When what is used now expires, of so many minutes. Raises `InvalidCommand` for what no calendar has."""
    try:
        return None if ttl is None else datetime.now(UTC) + timedelta(minutes=ttl)
    except (OverflowError, ValueError) as error:
        raise InvalidCommand(f"A time to live of {ttl} minutes ends in no year. Give less, or none.") from error


def address_of(memory: Memory) -> Address:
    """Where the item of a memory is."""
    return Address(tuple(memory.metadata["namespace"]), memory.metadata["key"])


def item_of(memory: Memory) -> Item:
    """The item of a memory. Raises `Conflict` when the memory was changed to something that is no item."""
    return Item(**_parts(memory))


def found_item(memory: Memory, score: float | None) -> SearchItem:
    """The item of a memory as a search answers it; items that are not ranked have no score."""
    return SearchItem(**_parts(memory), score=score)


def put_at(memory: Memory) -> datetime:
    """When an item was put last, which its expiry being put off does not change."""
    return max(memory.created_at, datetime.fromisoformat(memory.metadata["put_at"]))


def _parts(memory: Memory) -> dict[str, Any]:
    namespace, key = address_of(memory)
    times = {"created_at": memory.created_at, "updated_at": put_at(memory)}
    return {"value": _value(memory), "namespace": namespace, "key": key, **times}


def _value(memory: Memory) -> dict[str, Any]:
    try:
        value = json.loads(memory.metadata.get("value", memory.content))
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Conflict(f"Memory {memory.memory_id} has no item in it any more. Put the item again, or delete it.")
    return value


def _paths(put: PutOp, paths: Sequence[str]) -> Sequence[str]:
    return [] if put.index is False else paths if put.index is None else put.index


def _content(text: str, value: Mapping[str, Any], paths: Sequence[str]) -> str | None:
    if list(paths) == [WHOLE]:
        return text
    said = [one for path in paths for one in get_text_at_path(value, path) if one.strip()]
    return "\n".join(said) or None


def _json(value: Mapping[str, Any]) -> str:
    """A value as JSON; a lone surrogate is escaped, since no text may have one."""
    text = json.dumps(dict(value), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(dict(value))
    return text
