"""Having every text by which tools are found read by another model, before that one is searched with."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence

from memos.bisect import bisected
from memos.errors import MemosError
from memos.ports import Embedder, Tools
from memos.records import TextKey, TextVector, Vector

log = logging.getLogger(__name__)

MOST_READ = 256

Unread = tuple[TextKey, str]


async def embed_missing(tools: Tools, embedder: Embedder, told: Callable[[int, int], object]) -> None:
    """Keep a vector of every text that the model has not read; `told` how many were looked at, of how many.

    What the model refuses is logged and left out. Texts that come meanwhile may be left out too. Raises
    `Unavailable`.
    """
    done, total, last = 0, await tools.count_unembedded(embedder.model), None
    told(done, total)
    while page := await tools.unembedded(embedder.model, MOST_READ, last):
        await _embed(page, tools=tools, embedder=embedder)
        last, done = page[-1][0], done + len(page)
        told(done, max(done, total))


async def _embed(page: Sequence[Unread], *, tools: Tools, embedder: Embedder) -> None:
    """Have texts read, and keep their vectors."""

    async def read(part: Sequence[Unread]) -> Sequence[Vector]:
        return await embedder.embed([text for _, text in part])

    kept: dict[str, list[TextVector]] = defaultdict(list)
    for (key, text), vector in zip(page, await bisected(page, read), strict=True):
        if isinstance(vector, MemosError):
            log.warning("A text of the tools of tenant %r is left unread: %s", key.tenant, vector)
        else:
            kept[key.tenant].append(TextVector(text, vector))
    for tenant, texts in kept.items():
        await tools.keep_vectors(embedder.model, tenant, texts)
