"""How texts of many lengths are grouped so that little work goes into padding."""

from collections.abc import Iterator, Sequence


def batches_by_length(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Yield the positions of all `lengths` (tokens a text), shortest first, in batches of similar length.

    A batch is as large as `limit` allows when all its texts are padded to the longest of them; a text that is
    longer than `limit` is a batch of its own.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[position] > limit:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
