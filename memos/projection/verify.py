"""Comparing a projection with its ledger, page by page and in both directions.

Work goes on meanwhile, so what seems to differ is looked at again, both sides read anew, before it
counts; and what the ledger knows that the projection lacks is work to be done, not a difference.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

from memos.ports import Embedder, Projections, Vectors
from memos.projection.projector import finish
from memos.records import Account, RecordKey, Seen

Kind = Literal["missing", "extra", "stale"]
Differences = Mapping[RecordKey, Kind]
Looked = Callable[[int], object]
"""Told how many more records or points were looked at."""

PAGE = 1000
MOST_EXAMPLES = 20
PAUSES = (0.1, 0.4, 1.0)
"""Seconds before each further look at what seems to differ."""


class Difference(NamedTuple):
    """A record that a projection lacks (missing), has too many (extra), or has otherwise (stale)."""

    kind: Kind
    tenant: str
    memory_id: UUID


@dataclass(frozen=True, slots=True)
class Verification:
    """How a generation of a projection compares with the ledger.

    `records` are those that are live, `points` those that the engine has, and `behind` counts what is known
    to be still to be done; up to 20 `examples` name what differs.
    """

    projection: str
    generation: int
    records: int
    points: int
    missing: int
    extra: int
    stale: int
    behind: int
    examples: Sequence[Difference]

    @property
    def differences(self) -> int:
        """How many records differ."""
        return self.missing + self.extra + self.stale


class LedgerPage(NamedTuple):
    """What a page of live records lacks in the engine; `last` is none at the end."""

    size: int
    differences: Differences
    last: RecordKey | None


class EnginePage(NamedTuple):
    """What a page of points has too many; `last` is none at the end."""

    size: int
    differences: Differences
    last: UUID | None


async def ledger_page(after: RecordKey | None, *, vectors: Vectors, projections: Projections) -> LedgerPage:
    """Compare up to 1,000 live records with their points. Raises `Unavailable`."""
    accounts = await projections.some_accounts(PAGE, after)
    seen = await vectors.present(list(accounts))
    suspects = _compared(accounts, accounts, seen)
    confirmed = await _confirmed(suspects, vectors=vectors, projections=projections)
    return LedgerPage(len(accounts), confirmed, list(accounts)[-1] if accounts else None)


async def engine_page(after: UUID | None, *, vectors: Vectors, projections: Projections) -> EnginePage:
    """Compare up to 1,000 points with their records. Raises `Unavailable`."""
    points = await vectors.scroll(after, PAGE)
    seen = {point.key.record: point for point in points}
    suspects = _compared(seen, await projections.accounts(list(seen)), seen)
    confirmed = await _confirmed(suspects, vectors=vectors, projections=projections)
    return EnginePage(len(points), confirmed, points[-1].point_id if points else None)


async def repair(
    differences: Differences, *, vectors: Vectors, projections: Projections, embedder: Embedder
) -> None:
    """Have what differs written anew or removed. Raises `Unavailable`."""
    records = sorted(differences)
    await projections.enrol_again(records)
    await finish(records, vectors=vectors, projections=projections, embedder=embedder)


async def verify(
    *,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder | None = None,
    looked: Looked = lambda _: None,
) -> Verification:
    """Compare everything; with an embedder, have what differs repaired as it is found. Raises `Unavailable`."""
    found: dict[RecordKey, Kind] = {}

    async def take(page: LedgerPage | EnginePage) -> None:
        found.update(page.differences)
        if embedder and page.differences:
            await repair(page.differences, vectors=vectors, projections=projections, embedder=embedder)
        looked(page.size)

    records, points = 0, 0
    record, point = None, None
    while (ledger := await ledger_page(record, vectors=vectors, projections=projections)).last:
        await take(ledger)
        records, record = records + ledger.size, ledger.last
    while (engine := await engine_page(point, vectors=vectors, projections=projections)).last:
        await take(engine)
        points, point = points + engine.size, engine.last
    return _counted(found, records, points, await projections.behind(), projections)


def _counted(found: Differences, records: int, points: int, behind: int, projections: Projections) -> Verification:
    kinds = list(found.values())
    examples = [Difference(kind, *key) for key, kind in sorted(found.items())]
    return Verification(
        projection=projections.name,
        generation=projections.generation,
        records=records,
        points=points,
        missing=kinds.count("missing"),
        extra=kinds.count("extra"),
        stale=kinds.count("stale"),
        behind=behind,
        examples=tuple(examples[:MOST_EXAMPLES]),
    )


async def _confirmed(suspects: Differences, *, vectors: Vectors, projections: Projections) -> Differences:
    """Those of the differences that last."""
    for pause in PAUSES:
        if not suspects:
            break
        await asyncio.sleep(pause)
        keys = list(suspects)
        seen = await vectors.present(keys)
        suspects = _compared(keys, await projections.accounts(keys), seen)
    return suspects


def _compared(
    keys: Iterable[RecordKey], accounts: Mapping[RecordKey, Account], seen: Mapping[RecordKey, Seen]
) -> Differences:
    kinds = ((key, _difference(accounts.get(key), seen.get(key))) for key in keys)
    return {key: kind for key, kind in kinds if kind}


def _difference(account: Account | None, seen: Seen | None) -> Kind | None:
    """How a point differs from what the ledger wants; points of before hashes were kept name none."""
    if account and account.standing == "behind":
        return None
    if account is None or account.version is None:
        return "extra" if seen else None
    if seen is None:
        return "missing"
    same = seen.key.version == account.version and seen.content_hash in {None, account.content_hash}
    return None if same and account.standing == "settled" else "stale"
