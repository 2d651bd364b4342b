"""Command ids made by the client, so that a command can be sent again without being done again."""

import os
import time
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from memos.errors import Fault, InvalidCommand
from memos.events.texts import Identifier

RANDOM_BITS = (1 << 76) - 1
COMMAND_ID: TypeAdapter[str] = TypeAdapter(Identifier)


def uuid7() -> UUID:
    """A UUID of version 7: milliseconds since the epoch, then 74 random bits (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10)) & RANDOM_BITS
    high, low = random >> 62 & 0xFFF, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def command_id_of(given: str | None) -> str:
    """The command id that was given, or a new one. Raises `InvalidCommand` for one that no ledger takes."""
    if given is None:
        return str(uuid7())
    try:
        return COMMAND_ID.validate_python(given)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise InvalidCommand(
            f"The command_id is not valid: {message}.", faults=[Fault("command_id", message)]
        ) from error
