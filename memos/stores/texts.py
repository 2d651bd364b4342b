"""Texts by which tools are compared, and their vectors, kept in the transaction of what they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from memos.records import TextVector
from memos.stores.postgres import Connection, pack
from memos.stores.rows import columns


class Said(NamedTuple):
    """A text of a tenant, and the model that its vector is of."""

    tenant: str
    model: str
    text: TextVector


async def keep_texts(connection: Connection, sql: Mapping[str, str], said: Iterable[Said]) -> None:
    """Keep texts with their vectors, where they are not there yet. The tenants' catalogs are locked."""
    by_key = {(one.tenant, one.text.content_hash, one.model): one.text for one in said}
    if by_key:
        texts = {key[:2]: text.text for key, text in by_key.items()}
        rows = [(*key, texts[key]) for key in sorted(texts)]
        await connection.execute(sql["keep_texts"], *columns(rows))
        await connection.execute(sql["keep_text_vectors"], *_columns_of(by_key))


async def delete_unused_texts(
    connection: Connection, sql: Mapping[str, str], texts: Iterable[tuple[Any, ...]]
) -> None:
    """Delete those of the texts, by tenant and hash, that no tool says and no evidence is of."""
    if rows := sorted(set(texts)):
        await connection.execute(sql["delete_unused_texts"], *columns(rows))


def vector_columns(tenant: str, model: str, texts: Sequence[TextVector]) -> list[list[Any]]:
    """Texts of a tenant as `keep_text_vectors` takes them."""
    return _columns_of({(tenant, text.content_hash, model): text for text in texts})


def _columns_of(by_key: Mapping[tuple[str, bytes, str], TextVector]) -> list[list[Any]]:
    return columns([(*key, pack(by_key[key].vector)) for key in sorted(by_key)])
