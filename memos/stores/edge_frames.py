"""The wire between the workers and the Edge process: numbered requests and replies in frames.

A frame is the length of all that follows (4 bytes, big-endian), the length of the header (likewise),
the header (JSON in UTF-8), and the vectors and terms as `edge_numbers` packs them. A reply carries the number
of its request, so many requests of one connection may be in flight. Vectors stay out of the JSON because
numbers written as decimals cost more time than the engine itself.
"""

from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from struct import Struct
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from memos.errors import InvalidCommand, MalformedEntry
from memos.stores.points import MAX_MEASURED, MAX_NOMINATED, MAX_TERMS

MAX_FRAME = 64 * 2**20
"""Most bytes of a frame; whoever announces more is refused."""

MAX_POINTS = 32
"""Most points of one upsert or delete, so that searches of others get their turn soon."""

MAX_SEEN = 256
"""Most points of one reply that says what is there: a millisecond's work."""

MAX_LIMIT = 65_536
"""Most hits of one search."""

READ_BUFFER = 2**20
"""Bytes that a stream buffers before it stops reading; a frame of 32 points is about 60 KB."""

_LENGTH = Struct(">I")


Term = Annotated[int, Field(ge=0, lt=2**32)]


class Frame(NamedTuple):
    """A header in JSON and the bytes of the vectors and terms that go with it."""

    header: bytes
    floats: bytes


class Message(BaseModel):
    """The header of a request; fields that it does not know are refused.

    After `deadline`, in seconds of the host's monotonic clock, the sender no longer waits, and the request
    must not be begun.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=0)]
    deadline: Annotated[float, Field(allow_inf_nan=False)] | None = None


class Ping(Message):
    """Is the process there?"""

    op: Literal["ping"] = "ping"


class OnCollection(Message):
    """A request on one generation of a collection."""

    collection: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    generation: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1


class Open(OnCollection):
    """Create the generation or verify that it is of this model; add the indexes that it lacks."""

    op: Literal["open"] = "open"
    model: str
    dimension: Annotated[int, Field(ge=1, le=65_536)]
    indexes: dict[str, str]
    has_terms: bool = False


class Upsert(OnCollection):
    """Write points, each with its `memory_id` in its payload; vectors and terms follow the header.

    `counts` says how many terms each point has; none when it is empty.
    """

    op: Literal["upsert"] = "upsert"
    ids: Annotated[list[str], Field(max_length=MAX_POINTS)]
    payloads: list[dict[str, Any]]
    counts: Annotated[list[Term], Field(max_length=MAX_POINTS)] = []


class Delete(OnCollection):
    """Remove points."""

    op: Literal["delete"] = "delete"
    ids: Annotated[list[str], Field(max_length=MAX_POINTS)]


class Search(OnCollection):
    """Find the points most similar to the vector that follows the header."""

    op: Literal["search"] = "search"
    matching: dict[str, Any]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Question(OnCollection):
    """A request about what is known by its terms, and by the vectors that follow the header."""

    terms: Annotated[list[Term], Field(max_length=MAX_TERMS)]
    matching: dict[str, Any]
    corpus: dict[str, Any]


class Candidates(Question):
    """Find what comes first by each vector and by the terms, and measure it."""

    op: Literal["candidates"] = "candidates"
    limit: Annotated[int, Field(ge=1, le=MAX_NOMINATED)]


class Measured(Question):
    """Measure those of the points that match."""

    op: Literal["measured"] = "measured"
    ids: Annotated[list[UUID], Field(max_length=MAX_MEASURED)]


class Present(OnCollection):
    """Say which points are there, and what they are."""

    op: Literal["present"] = "present"
    ids: Annotated[list[str], Field(max_length=MAX_SEEN)]


class Scroll(OnCollection):
    """List points in the order of their ids, from the one after `after`."""

    op: Literal["scroll"] = "scroll"
    after: UUID | None
    limit: Annotated[int, Field(ge=1, le=MAX_SEEN)]


class Drop(OnCollection):
    """Remove the generation with all its points."""

    op: Literal["drop"] = "drop"


class Count(OnCollection):
    """Count the points that match."""

    op: Literal["count"] = "count"
    matching: dict[str, Any]


PointsRequest = Upsert | Delete | Search | Candidates | Measured | Present | Scroll | Count
"""A request on the points of a generation that is there."""

Request = Annotated[Ping | Open | Drop | PointsRequest, Field(discriminator="op")]

REQUESTS: TypeAdapter[Request] = TypeAdapter(Request)
"""Reads a request's header."""


class Failure(BaseModel):
    """An error of the process, by its code in `memos.errors`."""

    code: str
    detail: str
    faults: list[tuple[str, str]] = []


Row = tuple[list[float], float, dict[int, float], dict[str, Any]]
"""What is measured of a point: its cosines, its BM25 score, the weights of its terms, and `CANDIDATE_FIELDS`."""


class Reply(BaseModel):
    """The header of a reply; `number` is 0 when the request was too broken to have one.

    `seen` has the id and the `SEEN_FIELDS` of each point.
    """

    number: int
    failure: Failure | None = None
    hits: list[tuple[str, float]] = []
    rows: list[Row] = []
    seen: list[tuple[str, dict[str, Any]]] = []
    count: int = 0


def encode(header: BaseModel | Mapping[str, Any], floats: bytes = b"") -> bytes:
    """A frame's bytes. Raises `InvalidCommand` when it would be too long, or its values are not JSON."""
    try:
        encoded = to_json(header)
    except PydanticSerializationError as error:
        raise InvalidCommand(f"A payload or filter cannot be written as JSON: {error}.") from error
    length = _LENGTH.size + len(encoded) + len(floats)
    if length > MAX_FRAME:
        raise InvalidCommand(
            f"The points or the filter of a call take {length:,} bytes, more than the {MAX_FRAME:,} that the "
            f"Edge process accepts. Keep large texts out of payloads."
        )
    return b"".join((_LENGTH.pack(length), _LENGTH.pack(len(encoded)), encoded, floats))


async def read_frame(reader: StreamReader) -> Frame | None:
    """The next frame, or None at the end. Raises `MalformedEntry` when the stream does not carry frames."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    except IncompleteReadError as error:
        if not error.partial:
            return None
        raise MalformedEntry("The stream ended within the length of a frame.") from error
    if not _LENGTH.size <= length <= MAX_FRAME:
        raise MalformedEntry(f"A frame of {length:,} bytes was announced; from 4 to {MAX_FRAME:,} are accepted.")
    return _split(await _rest(reader, length))


def read_request(frame: Frame) -> Request:
    """The request in a frame. Raises `InvalidCommand` naming each field that is wrong."""
    try:
        return REQUESTS.validate_json(frame.header)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidCommand(f"The Edge process was sent a request that it does not know. {wrong}.") from error


def read_number(frame: Frame) -> int:
    """The number of a request of which nothing else may be right; 0 when it has none."""
    try:
        return Message.model_validate_json(frame.header, extra="ignore").number
    except ValidationError:
        return 0


async def _rest(reader: StreamReader, length: int) -> bytes:
    try:
        return await reader.readexactly(length)
    except IncompleteReadError as error:
        raise MalformedEntry(f"The stream ended {length - len(error.partial)} bytes within a frame.") from error


def _split(body: bytes) -> Frame:
    (header,) = _LENGTH.unpack_from(body)
    end = _LENGTH.size + header
    if end > len(body):
        raise MalformedEntry(f"A header of {header:,} bytes was announced in a frame of {len(body):,}.")
    return Frame(body[_LENGTH.size : end], body[end:])
