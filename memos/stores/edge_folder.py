"""The data folder of the Edge process: its collections, their generations, and what their vectors are.

    lock                     held by the process that uses the folder
    memories/g1/meta.json    the name of the model, the dimension of its vectors, and whether there are terms
    memories/g1/shard/       the Edge shard with its write-ahead log

A generation is made in a folder of its own and renamed into place when complete, and renamed away before it
is deleted, so what has a name is whole. Which generation is in use is for the ledger to know.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from memos.errors import CollectionMissing, ConfigurationError, Unavailable
from memos.records import Collection
from memos.stores.edge_engine import EdgeCollection
from memos.stores.points import check_model, check_terms

UNFINISHED = ".unfinished-"
DROPPED = ".dropped-"


class Meta(BaseModel):
    """What the vectors of a generation are; those of before there were terms do not say that they have none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    dimension: int
    has_terms: bool = False


class GenerationKey(NamedTuple):
    """What tells one generation from all others."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}-g{self.number}"


class EdgeFolder:
    """The generations of a data folder; each is loaded when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded: dict[GenerationKey, tuple[Meta, EdgeCollection]] = {}

    def open(self, collection: Collection) -> None:
        """Create the generation or verify what it is, and add the indexes that it lacks.

        Raises `ModelMismatch`, `ConfigurationError`.
        """
        generation = GenerationKey(collection.name, collection.generation)
        if not self._present(generation):
            self._create(generation, collection)
        meta, held = self._load(generation)
        where = f"Qdrant Edge ({self._path})"
        check_model(collection, where, meta.model, meta.dimension)
        check_terms(collection, where, meta.has_terms)
        held.add_indexes(collection.indexes)

    def collection(self, name: str, number: int) -> EdgeCollection:
        """A generation that was created before. Raises `CollectionMissing` when there is none of this name."""
        generation = GenerationKey(name, number)
        if not self._present(generation):
            raise CollectionMissing(
                f"Qdrant Edge ({self._path}) has no generation {number} of the collection {name}. If it is the one "
                f"in use, a worker of the bulk lane makes it anew and fills it from the ledger; see that one runs."
            )
        return self._load(generation)[1]

    def drop(self, name: str, number: int) -> None:
        """Remove a generation for good, if it is there. Raises `Unavailable`."""
        generation = GenerationKey(name, number)
        if self._present(generation):
            dropped = self._path / f"{DROPPED}{generation}"
            _remove(dropped)
            self._unload(generation)
            self._place(generation).rename(dropped)
            _sync_folder(self._path / name)
            _remove(dropped)

    def flush(self) -> None:
        """Flush every collection that was written to."""
        for collection in self._held():
            collection.flush()

    def close(self) -> None:
        """Flush and close every collection, also when one of them fails."""
        with ExitStack() as closing:
            for collection in self._held():
                closing.callback(collection.close)
        self._loaded.clear()

    def _place(self, generation: GenerationKey) -> Path:
        return self._path / generation.name / f"g{generation.number}"

    def _present(self, generation: GenerationKey) -> bool:
        """Whether its folder is there; one that was deleted under this process is not held on to."""
        present = self._place(generation).exists()
        if not present:
            self._unload(generation)
        return present

    def _held(self) -> list[EdgeCollection]:
        return [self._loaded[generation][1] for generation in [*self._loaded] if self._present(generation)]

    def _unload(self, generation: GenerationKey) -> None:
        if generation in self._loaded:
            self._loaded.pop(generation)[1].discard()

    def _load(self, generation: GenerationKey) -> tuple[Meta, EdgeCollection]:
        if generation not in self._loaded:
            place = self._place(generation)
            meta = _read_meta(place)
            shard = EdgeCollection.load(place / "shard", generation.name, meta.dimension, has_terms=meta.has_terms)
            self._loaded[generation] = meta, shard
        return self._loaded[generation]

    def _create(self, generation: GenerationKey, collection: Collection) -> None:
        unfinished = self._path / f"{UNFINISHED}{generation}"
        _remove(unfinished)
        (unfinished / "shard").mkdir(parents=True)
        meta = Meta(model=collection.model, dimension=collection.dimension, has_terms=collection.has_terms)
        EdgeCollection.create(
            unfinished / "shard", collection.name, meta.dimension, has_terms=meta.has_terms
        ).close()
        _write_durably(unfinished / "meta.json", meta.model_dump_json())
        place = self._place(generation)
        place.parent.mkdir(exist_ok=True)
        unfinished.rename(place)
        _sync_folder(place.parent)
        _sync_folder(self._path)


@contextmanager
def edge_folder(path: Path) -> Iterator[EdgeFolder]:
    """The data folder, made if missing, for this process alone until the end.

    Raises `ConfigurationError` when another process uses it.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"The data folder {path} is in use by another Edge process. Stop it, or set another MEMOS_HOME."
            ) from error
        for leftover in (*path.glob(f"{UNFINISHED}*"), *path.glob(f"{DROPPED}*")):
            _remove(leftover)
        folder = EdgeFolder(path)
        try:
            yield folder
        finally:
            folder.close()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _read_meta(generation: Path) -> Meta:
    with _folder_errors(generation):
        return Meta.model_validate_json((generation / "meta.json").read_bytes())


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValidationError) as error:
        raise Unavailable(
            f"The folder {folder} of Qdrant Edge is damaged: {error}. Move it away; a worker of the "
            f"bulk lane then makes it anew from the ledger."
        ) from error


def _write_durably(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
