"""Which entries are handled together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from memos.broker.entries import Entry

MOST_BYTES = 8_000_000


def batches(entries: Iterable[Entry], most: int) -> Iterator[list[Entry]]:
    """Entries as batches of at most `most` and of 8 MB of documents; a larger one goes alone.

    A command can fail all that are handled with it for a reason that looks as if it would pass: it
    makes the engine time out, say, or crash. So what failed before never shares a batch with what is
    fresh, and what failed `k` times is tried in batches smaller by `4**k`: soon the one at fault is
    alone, and its neighbours succeed without it.
    """
    by_attempts: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_attempts[entry.attempts].append(entry)
    for attempts in sorted(by_attempts):
        yield from _bounded(by_attempts[attempts], max(1, most >> 2 * attempts))


def _bounded(entries: Sequence[Entry], most: int) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == most or size + entry.size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch
