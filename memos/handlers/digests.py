"""What a command says, in 32 bytes: the same id with another digest is a conflict."""

import hashlib
import json
from array import array
from collections.abc import Sequence

from memos.events.commands import Command
from memos.events.memories import StoreMemory, UpdateMemory


def digest_of(command: Command) -> bytes:
    """SHA-256 of a command's kind and fields, whatever the order of its keys.

    A field at its default counts as absent, so that a field which a later version adds changes nothing.
    """
    fields = command.model_dump(mode="json", exclude={"embedding"}, exclude_defaults=True)
    if isinstance(command, UpdateMemory):  # a field that is not given is kept, one that is null is cleared
        fields["changes"] = command.changes.model_dump(mode="json", exclude_unset=True)
    canonical = json.dumps([type(command).__name__, fields], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode())
    if isinstance(command, StoreMemory) and command.embedding is not None:
        digest.update(array("d", command.embedding).tobytes())
    return digest.digest()


def digest_of_batch(items: Sequence[bytes]) -> bytes:
    """SHA-256 of the digests of a batch's items, in order; how they came together does not matter."""
    return hashlib.sha256(b"".join(items)).digest()
