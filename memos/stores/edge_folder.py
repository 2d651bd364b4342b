"""The data folder of the Edge process: its collections, their generations, and what their vectors are.

    lock                     held by the process that uses the folder
    memories/CURRENT         names the generation in use, `g1`
    memories/g1/meta.json    the name of the model and the dimension of its vectors
    memories/g1/shard/       the Edge shard with its write-ahead log

A collection is made in a folder of its own and renamed into place when complete, so what has a name is whole.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from memos.errors import ConfigurationError, Unavailable
from memos.records import Collection
from memos.stores.edge_engine import EdgeCollection
from memos.stores.points import check_model

FIRST_GENERATION = "g1"
UNFINISHED = ".unfinished-"


class Meta(BaseModel):
    """What the vectors of a generation are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    dimension: int


class EdgeFolder:
    """The collections of a data folder; each is loaded when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded: dict[str, tuple[Meta, EdgeCollection]] = {}

    def open(self, collection: Collection) -> None:
        """Create the collection or verify its model, and add the indexes that it lacks. Raises `ModelMismatch`."""
        if not (self._path / collection.name).exists():
            self._create(collection)
        meta, held = self._load(collection.name)
        check_model(collection, f"Qdrant Edge ({self._path})", meta.model, meta.dimension)
        held.add_indexes(collection.indexes)

    def collection(self, name: str) -> EdgeCollection:
        """A collection that was created before. Raises `Unavailable` when there is none of this name."""
        if name not in self._loaded and not (self._path / name).exists():
            raise Unavailable(
                f"Qdrant Edge ({self._path}) has no collection {name}. Restart the workers, which create it, "
                f"and rebuild it from the ledger."
            )
        return self._load(name)[1]

    def flush(self) -> None:
        """Flush every collection that was written to."""
        for _, collection in self._loaded.values():
            collection.flush()

    def close(self) -> None:
        """Flush and close every collection, also when one of them fails."""
        with ExitStack() as closing:
            for _, collection in self._loaded.values():
                closing.callback(collection.close)
        self._loaded.clear()

    def _load(self, name: str) -> tuple[Meta, EdgeCollection]:
        if name not in self._loaded:
            generation = _current(self._path / name)
            meta = _read_meta(generation)
            self._loaded[name] = meta, EdgeCollection.load(generation / "shard", name, meta.dimension)
        return self._loaded[name]

    def _create(self, collection: Collection) -> None:
        unfinished = self._path / f"{UNFINISHED}{collection.name}"
        generation = unfinished / FIRST_GENERATION
        (generation / "shard").mkdir(parents=True)
        EdgeCollection.create(generation / "shard", collection.name, collection.dimension).close()
        meta = Meta(model=collection.model, dimension=collection.dimension)
        _write_durably(generation / "meta.json", meta.model_dump_json())
        _write_durably(unfinished / "CURRENT", FIRST_GENERATION)
        unfinished.rename(self._path / collection.name)
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
        for unfinished in path.glob(f"{UNFINISHED}*"):
            shutil.rmtree(unfinished)
        folder = EdgeFolder(path)
        try:
            yield folder
        finally:
            folder.close()


def _current(collection: Path) -> Path:
    with _folder_errors(collection):
        return collection / (collection / "CURRENT").read_text().strip()


def _read_meta(generation: Path) -> Meta:
    with _folder_errors(generation):
        return Meta.model_validate_json((generation / "meta.json").read_bytes())


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValidationError) as error:
        raise Unavailable(
            f"The folder {folder} of Qdrant Edge is damaged: {error}. Move it away and rebuild its collection "
            f"from the ledger."
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
