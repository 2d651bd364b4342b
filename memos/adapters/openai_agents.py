"""memOS as the session of the OpenAI Agents SDK: a conversation in working memory, item by item."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast
from uuid import uuid5

from pydantic_core import PydanticCustomError

from memos.adapters.extras import missing

try:
    from agents import SessionSettings
    from agents.memory.session_settings import resolve_session_limit
except ImportError as error:
    raise missing("openai-agents", "openai-agents") from error

from memos.client import Client
from memos.errors import Conflict, Fault, Gone, InvalidCommand
from memos.events.commands import DEFAULT_AGENT
from memos.events.memories import MOST_BATCHED, StoreOutcome
from memos.events.problems import Problem, error_of
from memos.events.texts import storable_json
from memos.events.working import MOST_DEPTH, MOST_KEYS, MOST_LISTED, WorkingValue
from memos.records import MEMORY_NAMESPACE, SEPARATOR, Visibility

if TYPE_CHECKING:
    from agents import TResponseInputItem

COUNT = "items"
"""The key of how many items were ever added."""

PREFIX = "items/"
PROMOTED = "items-promoted"
"""The key of the number of the last item that has been made a memory."""

DIGITS = 12
WIDER = 4
"""How many times as many places are looked at when items that were popped have left too few."""

SPEAKERS = ("user", "assistant")


class SessionOptions(TypedDict, total=False):
    """How a session that begins is kept: for `ttl` seconds after its last item or, `lasting`, until it is ended."""

    ttl: int
    lasting: bool


class MemosSession:
    """A `Session` whose items are values of a session of working memory, each under a key of its own.

    Any number of processes may use one session: items that are added together stay together, and none is popped
    twice. Every method raises what those of `Client` do.
    """

    def __init__(
        self,
        session_id: str,
        client: Client,
        *,
        agent_id: str = DEFAULT_AGENT,
        session_settings: SessionSettings | None = None,
        **options: Unpack[SessionOptions],
    ) -> None:
        self.session_id = session_id
        self.session_settings: SessionSettings | None = session_settings or SessionSettings()
        self._client = client
        self._agent = agent_id
        self._options = options

    async def get_items(self, limit: int | None = None) -> "list[TResponseInputItem]":
        """The items, oldest first: the newest `limit`, or as many as the session's settings say, or all."""
        most = resolve_session_limit(limit, self.session_settings)
        return [_item(one) for one in await self._newest(most)]

    async def add_items(self, items: "list[TResponseInputItem]") -> None:
        """Add items.

        Raises `InvalidCommand` for what is no mapping, `TooLarge` and `QuotaExceeded` for what working memory has
        no room for.
        """
        if not items:
            return
        _check(items)
        working = self._client.working
        counted = await working.increment(self.session_id, COUNT, len(items), agent_id=self._agent)
        first = int(counted.value) - len(items) + 1
        if first == 1 and self._options:
            await working.configure(self.session_id, agent_id=self._agent, **self._options)
        values = [
            {"key": key_of(number), "value": _kept(item), "if_version": 0}
            for number, item in enumerate(items, start=first)
        ]
        for start in range(0, len(values), MOST_KEYS):
            await working.set_many(self.session_id, values[start : start + MOST_KEYS], agent_id=self._agent)

    async def pop_item(self) -> "TResponseInputItem | None":
        """Remove the newest item and return it; nothing if there is none."""
        while newest := await self._newest(1):
            if await self._removed(newest[0]):
                return _item(newest[0])
        return None

    async def clear_session(self) -> None:
        """Remove all items; the session's other values and its messages stay."""
        keys = [one.key for one in await self._newest(None)]
        for start in range(0, len(keys), MOST_KEYS):
            page = keys[start : start + MOST_KEYS]
            await self._client.working.delete(self.session_id, *page, agent_id=self._agent)

    async def promote(self, *, visibility: Visibility = "private") -> list[StoreOutcome]:
        """Make memories of what the user and the assistant said since the last time; one outcome each, in order.

        Raises the first refusal after all have been tried; what was made is not made again then.
        """
        done = await self._number(PROMOTED)
        items = await self._after(done)
        said = [(number_of(one), message) for one in items if (message := _message(_item(one)))]
        outcomes = await self._stored([self._memory(*one, visibility) for one in said])
        if items:
            newest = number_of(items[-1])
            await self._client.working.set(self.session_id, PROMOTED, newest, agent_id=self._agent)
        return outcomes

    async def _stored(self, memories: Sequence[Mapping[str, Any]]) -> list[StoreOutcome]:
        results: list[StoreOutcome | Problem] = []
        for start in range(0, len(memories), MOST_BATCHED):
            done = await self._client.store_many(memories[start : start + MOST_BATCHED])
            results += done.results
        for one in results:
            if isinstance(one, Problem) and one.code != Gone.code:
                raise error_of(one)
        return [one for one in results if isinstance(one, StoreOutcome)]

    def _memory(self, number: int, message: Mapping[str, str], visibility: Visibility) -> dict[str, Any]:
        """A message as a memory, whose id is the same however often it is made."""
        digest = sha256(message["content"].encode()).hexdigest()
        told = ("agents-item", self._agent, self.session_id, str(number), digest)
        return {
            "id": uuid5(MEMORY_NAMESPACE, SEPARATOR.join(told)),
            "content": message["content"],
            "metadata": {"role": message["role"]},
            "agent_id": self._agent,
            "session_id": self.session_id,
            "sequence": number,
            "visibility": visibility,
        }

    async def _removed(self, value: WorkingValue) -> bool:
        """Remove an item unless somebody else was first; say whether it was removed by this."""
        try:
            done = await self._client.working.delete(
                self.session_id, value.key, agent_id=self._agent, if_version=value.version
            )
        except Conflict:
            return False
        return bool(done.deleted)

    async def _newest(self, most: int | None) -> list[WorkingValue]:
        """The newest items as they are kept, oldest first; all of them if `most` is `None` or negative."""
        if most is None or most < 0:
            return await self._after(0)
        last = await self._number(COUNT) if most else 0
        width = most
        while width < last:
            found = await self._after(last - width)
            if len(found) >= most:
                return found[-most:]
            width *= WIDER
        return (await self._after(0))[-most:] if last else []

    async def _after(self, number: int) -> list[WorkingValue]:
        """All items with higher numbers as they are kept, read page by page."""
        found: list[WorkingValue] = []
        after: str | None = key_of(number)
        while after is not None:
            page = await self._client.working.list(
                self.session_id, agent_id=self._agent, prefix=PREFIX, after=after, limit=MOST_LISTED
            )
            found += page.results
            after = page.next
        return found

    async def _number(self, key: str) -> int:
        found = await self._client.working.get_many(self.session_id, [key], agent_id=self._agent)
        return int(found.results[0].value) if found.results else 0


def key_of(number: int) -> str:
    """The key of an item, by which items are in the order of their numbers."""
    return f"{PREFIX}{number:0{DIGITS}}"


def number_of(value: WorkingValue) -> int:
    """The number of an item."""
    return int(value.key.removeprefix(PREFIX))


def _check(items: Sequence[Any]) -> None:
    """Raise `InvalidCommand` for what is no item."""
    faults = [
        Fault(f"items.{place}", f"is a {type(item).__name__}, not a mapping")
        for place, item in enumerate(items)
        if not isinstance(item, Mapping)
    ]
    if faults:
        raise InvalidCommand(
            f"No item was added: {faults[0].field} {faults[0].message}. Give messages, such as "
            '{"role": "user", "content": "…"}, or what `to_input_list()` of a result gives.',
            faults=faults,
        )


def _kept(item: Any) -> Any:
    """An item as working memory holds it: as it is, or as JSON text where it has what only text can hold."""
    try:
        return storable_json(item, most=MOST_DEPTH)
    except PydanticCustomError:
        return json.dumps(item)


def _item(value: WorkingValue) -> "TResponseInputItem":
    item = json.loads(value.value) if isinstance(value.value, str) else value.value
    return cast("TResponseInputItem", item)


def _message(item: Any) -> dict[str, str] | None:
    """Who says what in an item that is a message of a user or an assistant, and has text."""
    role, content = item.get("role"), item.get("content")
    text = content if isinstance(content, str) else "\n".join(_texts(content or []))
    sayable = text.encode(errors="replace").decode().replace("\x00", "")
    return {"role": role, "content": sayable} if role in SPEAKERS and sayable.strip() else None


def _texts(parts: Iterable[Any]) -> Iterator[str]:
    """The texts among the parts of a message; others are images and files."""
    for part in parts:
        if isinstance(part, Mapping) and isinstance(text := part.get("text"), str):
            yield text
