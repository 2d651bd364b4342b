"""The ledger's tools, and what agents report of them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from memos.errors import MemosError
from memos.records import (
    CatalogChanges,
    Deregistered,
    Origin,
    OutcomeDraft,
    OutcomeKept,
    Registered,
    TextKey,
    TextVector,
    Tool,
    ToolDraft,
    ToolPage,
    ToolSelection,
    Vector,
)


class Tools(Protocol):
    """The ledger's tools: what is committed here is registered, and what is not here is not.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def known_vectors(self, model: str, texts: Sequence[TextKey]) -> Mapping[TextKey, Vector]:
        """Those of the vectors of texts that the model made before."""
        ...

    async def register(self, drafts: Sequence[ToolDraft]) -> list[Registered | MemosError]:
        """Insert or update tools, with their texts, vectors, commands and facts, in one transaction.

        One result each, in order: a `Conflict` refuses its own draft alone. A tool that is there just so is left
        `unchanged`, without a fact; one that was deregistered begins anew, at its next version.
        """
        ...

    async def get(self, tenant: str, tool_id: str) -> Tool:
        """The tool, with its statistics. Raises `NotFound`."""
        ...

    async def page(self, tenant: str, selection: ToolSelection, after: str, limit: int) -> ToolPage:
        """The next of the tools that are meant, in the order of their ids, from the one after `after`.

        They are `limit`, or fewer when their definitions would be more than 8 MB; at least one, if there is one.
        """
        ...

    async def deregister(self, origin: Origin, digest: bytes, tool_id: str) -> Deregistered:
        """Remove a tool with all that was reported of it. Raises `Conflict`."""
        ...

    async def record(self, outcomes: Sequence[OutcomeDraft]) -> list[OutcomeKept | MemosError]:
        """Keep what became of calls, with commands and facts, in one transaction.

        One result each, in order: a `NotFound` of the tool or a `Conflict` refuses its own draft alone.
        """
        ...

    async def changes(self, tenant: str, after: int) -> CatalogChanges:
        """What has changed of the tenant's tools after a revision, 0 for all; nothing when that is the last.

        It is all as of one moment; of the evidence it is the newest, as far as it is 50,000 rows. A tool that was
        deregistered and registered again meanwhile has another `created_at`, and only what is reported since.
        """
        ...

    async def texts(self, model: str, tenant: str, hashes: Sequence[bytes]) -> Mapping[bytes, TextVector]:
        """Those of the texts that are there, by their hashes; a vector is empty if the model has not read its text.

        Every text of a registered tool, and of evidence, is there.
        """
        ...

    async def unembedded(self, model: str, limit: int, after: TextKey | None = None) -> list[tuple[TextKey, str]]:
        """At most `limit` texts, of all tenants, that the model has not read yet.

        They come in the order of their hashes, from the one after `after`.
        """
        ...

    async def count_unembedded(self, model: str) -> int:
        """How many texts, of all tenants, the model has not read yet."""
        ...

    async def keep_vectors(self, model: str, tenant: str, texts: Sequence[TextVector]) -> None:
        """Keep vectors of texts, but of those that were deleted since they were read."""
        ...
