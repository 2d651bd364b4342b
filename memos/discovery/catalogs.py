"""The catalogs of the tenants that were asked for lately, each brought up to the ledger before it is used."""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from memos.bisect import bisected
from memos.discovery.catalog import Catalog
from memos.errors import MemosError
from memos.ports import Embedder, Tools
from memos.records import CatalogChanges, TextVector, content_hash, said_by

log = logging.getLogger(__name__)

TOOLS_AT_ONCE = 32
TASKS_AT_ONCE = 256
"""Tools, and tasks, that are taken up together; between two such parts other work gets its turn."""


class Catalogs:
    """Catalogs in memory, of one embedding model; when they take more than `most_bytes` the longest unused go."""

    def __init__(self, tools: Tools, embedder: Embedder, most_bytes: int) -> None:
        self._tools = tools
        self._embedder = embedder
        self._most_bytes = most_bytes
        self._catalogs: OrderedDict[str, Catalog] = OrderedDict()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def tenants(self) -> list[str]:
        """Whose catalogs are in memory, the one longest unused first."""
        return list(self._catalogs)

    async def of(self, tenant: str) -> Catalog:
        """The tenant's catalog with everything that is committed. Raises `Unavailable`.

        It is whole until the next `await`, when it may be changed by who asks next.
        """
        async with self._turns[tenant]:
            catalog = self._catalogs.get(tenant)
            if catalog is None or catalog.worn:
                catalog = Catalog(self._embedder.dimension)
            changes = await self._tools.changes(tenant, catalog.revision)
            if changes.revision < catalog.revision:  # the ledger was set back, as by restoring a backup
                catalog = Catalog(self._embedder.dimension)
                changes = await self._tools.changes(tenant, catalog.revision)
            if changes.revision > catalog.revision:
                await self._bring_up(tenant, catalog, changes)
            self._catalogs[tenant] = catalog  # only whole: what has not begun is not told what is gone
            self._catalogs.move_to_end(tenant)
        self._make_room(tenant)
        return catalog

    async def _bring_up(self, tenant: str, catalog: Catalog, changes: CatalogChanges) -> None:
        for part in parts(changes):
            catalog.apply(part, await self._texts(tenant, part, catalog))
            await asyncio.sleep(0)
        catalog.settle()
        catalog.revision = changes.revision

    async def _texts(self, tenant: str, changes: CatalogChanges, catalog: Catalog) -> Mapping[bytes, TextVector]:
        """The texts of tools and tasks with their vectors; what the model has not read yet is read now."""
        said = {content_hash(text): text for one in changes.tools if one.tool for text in said_by(one.tool)}
        tasks = {one.task_hash for one in changes.evidence if one.task_hash not in catalog.tasks}
        known = await self._tools.texts(self._embedder.model, tenant, [*said.keys() | tasks])
        texts = said | {task_hash: one.text for task_hash, one in known.items()}
        unread = [
            text for task_hash, text in texts.items() if task_hash not in known or not known[task_hash].vector
        ]
        return {**known, **{one.content_hash: one for one in await self._read(tenant, unread)}}

    async def _read(self, tenant: str, texts: Sequence[str]) -> list[TextVector]:
        """Texts with the vectors that the model makes of them, which are kept; one that it refuses is left out."""
        if not texts:
            return []
        vectors = await bisected(texts, self._embedder.embed)
        refused = [one for one in vectors if isinstance(one, MemosError)]
        if refused:
            log.warning("%d texts of tools and tasks cannot be searched by: %s", len(refused), refused[0])
        read = [
            TextVector(text, vector)
            for text, vector in zip(texts, vectors, strict=True)
            if not isinstance(vector, MemosError)
        ]
        await self._tools.keep_vectors(self._embedder.model, tenant, read)
        return read

    def _make_room(self, used: str) -> None:
        """Let go of the catalogs that were not used for longest, but not of the one in use."""
        while len(self._catalogs) > 1 and sum(one.nbytes for one in self._catalogs.values()) > self._most_bytes:
            longest = next(tenant for tenant in self._catalogs if tenant != used)
            del self._catalogs[longest]


def parts(changes: CatalogChanges) -> Iterator[CatalogChanges]:
    """Changes in parts of a bounded size: tools first, then what was learned of them, the oldest first."""
    for start in range(0, len(changes.tools), TOOLS_AT_ONCE):
        yield CatalogChanges(changes.revision, tools=changes.tools[start : start + TOOLS_AT_ONCE])
    evidence = changes.evidence[::-1]
    for start in range(0, len(evidence), TASKS_AT_ONCE):
        yield CatalogChanges(changes.revision, evidence=evidence[start : start + TASKS_AT_ONCE])
    yield CatalogChanges(changes.revision, reports=changes.reports)
