"""The collections of a Qdrant server: how they are named, made, checked and indexed."""

import re
from collections.abc import Mapping

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from memos.errors import ConfigurationError
from memos.records import Collection
from memos.stores.points import TERMS, check_model, check_terms

FIRST_WITH_A_CORPUS = (1, 19)
"""The release of the server that first counts how frequent a term is among what a filter lets pass."""


def alias_of(collection: Collection) -> str:
    """The name under which others find the announced generation of a collection in a server."""
    return f"memos_{collection.name}"


def name_of(collection: Collection) -> str:
    """The name under which a server keeps this generation of a collection."""
    return f"{alias_of(collection)}_g{collection.generation}"


async def make_if_missing(client: AsyncQdrantClient, collection: Collection) -> None:
    """Make the generation, by one of the workers, and announce it while no other is."""
    if not await client.collection_exists(name_of(collection)):
        await _create(client, collection)
    if alias_of(collection) not in await _aliases(client):
        await point_alias(client, collection)


async def _create(client: AsyncQdrantClient, collection: Collection) -> None:
    params = models.VectorParams(size=collection.dimension, distance=models.Distance.COSINE)
    terms = {TERMS: models.SparseVectorParams(modifier=models.Modifier.IDF)} if collection.has_terms else None
    metadata = {"model": collection.model, "dimension": collection.dimension}
    try:
        await client.create_collection(
            name_of(collection), vectors_config=params, sparse_vectors_config=terms, metadata=metadata
        )
    except UnexpectedResponse:
        if not await client.collection_exists(name_of(collection)):
            raise


async def _aliases(client: AsyncQdrantClient) -> set[str]:
    return {found.alias_name for found in (await client.get_aliases()).aliases}


async def point_alias(client: AsyncQdrantClient, collection: Collection) -> None:
    """Have the alias name this generation, in one step."""
    alias = alias_of(collection)
    away = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    create = models.CreateAlias(collection_name=name_of(collection), alias_name=alias)
    here = models.CreateAliasOperation(create_alias=create)
    await client.update_collection_aliases([away, here] if alias in await _aliases(client) else [here])


def check(collection: Collection, where: str, found: models.CollectionInfo) -> None:
    """Raise `ModelMismatch` or, when it lacks terms or the server keeps no metadata, `ConfigurationError`."""
    params, metadata = found.config.params.vectors, found.config.metadata
    if metadata is None:
        raise ConfigurationError(
            f"{where} says nothing of the model of its collection {name_of(collection)}. Use Qdrant 1.16 or newer, "
            f"which keeps it, and a collection made by memOS."
        )
    dimension = params.size if isinstance(params, models.VectorParams) else None
    check_model(collection, where, metadata.get("model"), dimension)
    check_terms(collection, where, TERMS in (found.config.params.sparse_vectors or {}))


def check_version(where: str, version: str) -> None:
    """Raise `ConfigurationError` when a server is too old for terms."""
    release = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if release < FIRST_WITH_A_CORPUS:
        raise ConfigurationError(
            f"{where} is version {version}, which counts how frequent a term is among the memories of all tenants "
            "and agents at once. Use Qdrant 1.19 or newer."
        )


async def add_indexes(
    client: AsyncQdrantClient, generation: str, indexes: Mapping[str, str], present: Mapping[str, object]
) -> None:
    """Index payload fields that are not yet."""
    for field in indexes.keys() - present.keys():
        await client.create_payload_index(generation, field, _index(field, indexes[field]), wait=True)


def _index(field: str, index_type: str) -> models.PayloadSchemaType | models.KeywordIndexParams:
    if field == "tenant":
        return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return models.PayloadSchemaType(index_type)
