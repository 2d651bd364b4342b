"""The envelope of everything on the bus: one CloudEvents 1.0 JSON document."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json, to_json

from memos.errors import MalformedEntry
from memos.events.problems import faults_of, summary_of
from memos.records import PRINTABLE

FIELD = "__data__"
REPLY_PREFIX = "memos:reply:"
CHANNEL_PREFIX = "channel:"
DEFAULT_TENANT = "default"

ADDRESS = ("id", "tenant", "replyto", "correlationid", "traceparent")
"""The attributes that take an answer to whoever sent a command."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=PRINTABLE)]
Tenant = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
ReplyTo = Annotated[str, StringConstraints(max_length=512, pattern=r"^(channel:)?memos:reply:[^\x00-\x20\x7f]+$")]


class Envelope(BaseModel):
    """A CloudEvents 1.0 document with the extensions that memOS reads.

    `source` and `id` make a command unique within its `tenant`; `replyto` names a list (RPUSH) or,
    after `channel:`, a pub/sub channel; `ttlms` is the life of a read in milliseconds from the time
    of its stream entry. A fact names its record as `subject` and its place in the log as `position`.
    Extensions that memOS does not know are ignored, as the specification asks.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: Name
    source: Name
    type: Name
    time: datetime | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    data: Any = None
    tenant: Tenant = DEFAULT_TENANT
    replyto: ReplyTo | None = None
    correlationid: Name | None = None
    ttlms: Annotated[int, Field(ge=1)] | None = None
    traceparent: Annotated[str, StringConstraints(max_length=128)] | None = None
    subject: Annotated[str, StringConstraints(max_length=255)] | None = None
    position: Annotated[int, Field(ge=1)] | None = None

    def encode(self) -> bytes:
        """The document as it travels: compact UTF-8 JSON without absent attributes."""
        return to_json({name: value for name, value in self if value is not None})

    def answer(self, kind: str, data: Any) -> "Envelope":
        """The reply to this command: it carries the command's id as correlation unless told otherwise."""
        return Envelope.model_construct(
            id=self.id,
            source="memos",
            type=kind,
            time=datetime.now(UTC),
            data=data,
            tenant=self.tenant,
            correlationid=self.correlationid or self.id,
            traceparent=self.traceparent,
        )


def decode(document: bytes) -> Envelope:
    """Read an envelope. Raises `MalformedEntry` naming the attribute that is wrong."""
    try:
        parsed = from_json(document, allow_inf_nan=False)
        return Envelope.model_validate(parsed)
    except ValidationError as error:
        faults = faults_of(error)
        raise MalformedEntry(f"Not a CloudEvents 1.0 envelope: {summary_of(faults)}.", faults=faults) from error
    except ValueError as error:
        raise MalformedEntry(f"The field {FIELD} holds no valid JSON: {error}.") from error


def return_address(document: bytes) -> Envelope | None:
    """Of a document that is no envelope, the attributes that take an answer to its sender, if they are sound.

    It is read with Python's own parser, which takes more than JSON: what it refuses cannot be answered.
    """
    try:
        parsed = json.loads(document)
        attributes = {name: parsed[name] for name in ADDRESS if parsed.get(name) is not None}
    except (ValueError, AttributeError, RecursionError):
        return None
    sound = attributes.keys() - _unsound(attributes)
    names = [attributes[name] for name in ("id", "correlationid") if name in sound]
    if "replyto" not in sound or not names:
        return None
    kept = {name: attributes[name] for name in sound}
    return Envelope.model_construct(**{**kept, "id": names[0], "source": "unknown", "type": "unknown"})


def _unsound(attributes: dict[str, Any]) -> set[str]:
    try:
        Envelope.model_validate({"id": "unknown", "source": "unknown", "type": "unknown", **attributes})
    except ValidationError as error:
        return {str(each["loc"][0]) for each in error.errors(include_url=False, include_input=False)}
    return set()
