"""The embedded embedder: all-MiniLM-L6-v2 in int8, run in this process without torch or a network."""

import asyncio
import os
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Self

from memos.embeddings.batching import batches_by_length
from memos.errors import ConfigurationError
from memos.records import Vector

try:
    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray
    from tokenizers import Tokenizer
except ImportError as missing:
    raise ConfigurationError(
        f'The embedded embedder cannot be loaded ({missing}): pip install "memos-as[embedded]"'
    ) from missing

MAX_CHARACTERS = 8192
"""What is tokenised of a text: several times what 256 tokens of prose or code need, and at most 5 ms of work."""

PADDED_TOKENS = 256
"""Tokens in one batch, padding included: some twenty short texts or one of full length, measured to be fastest."""

TOKENISED_AT_ONCE = 16
"""Texts tokenised before another caller has its turn."""


class MiniLM:
    """Embeds texts with sentence-transformers/all-MiniLM-L6-v2, which knows English best.

    It reads the first 256 tokens of a text, some 200 words: the limit its authors published it with. A text's
    vector does not depend on what it is embedded with.

    Runs in `threads` threads (default: one a core), each with whole batches of its own, which is faster than
    to share one batch among cores; the event loop stays free. A call with many texts has at most one batch a
    thread in flight, so that others wait for a batch, not for the call.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._tokenizer = Tokenizer.from_buffer(_packaged("tokenizer.json"))
        self._session = _session()
        self._tokenising = ThreadPoolExecutor(1, thread_name_prefix="minilm-tokens")
        self._embedding = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm")

    @property
    def model(self) -> str:
        """The name stored beside every vector; vectors of another name are not comparable."""
        return "all-MiniLM-L6-v2-int8"

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        return 384

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector of unit length for each text, in order; every text has one, also an empty one."""
        tokens = await self._tokenise(texts)
        vectors: list[Vector] = [()] * len(texts)
        batches = batches_by_length([len(ids) for ids in tokens], PADDED_TOKENS)
        await asyncio.gather(*(self._drain(batches, tokens, vectors) for _ in range(self._threads)))
        return vectors

    async def aclose(self) -> None:
        """Let the threads finish what they are at, and end; later calls of `embed` raise RuntimeError."""
        for executor in (self._tokenising, self._embedding):
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        loop = asyncio.get_running_loop()
        tokens: list[list[int]] = []
        for start in range(0, len(texts), TOKENISED_AT_ONCE):
            some = texts[start : start + TOKENISED_AT_ONCE]
            tokens += await loop.run_in_executor(self._tokenising, self._token_ids, some)
        return tokens

    async def _drain(
        self, batches: Iterator[list[int]], tokens: Sequence[list[int]], vectors: list[Vector]
    ) -> None:
        """Take batches, which the other drains of a call share, until there are none; fill in their `vectors`."""
        loop = asyncio.get_running_loop()
        for batch in batches:
            some = [tokens[position] for position in batch]
            found = await loop.run_in_executor(self._embedding, self._vectors, some)
            for position, vector in zip(batch, found, strict=True):
                vectors[position] = vector

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._tokenizer.encode(_readable(text)).ids for text in texts]

    def _vectors(self, tokens: Sequence[list[int]]) -> list[Vector]:
        ids, mask = _padded(tokens)
        (vectors,) = self._session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})
        return [array("f", vector.tobytes()) for vector in vectors]


def _readable(text: str) -> str:
    """Cut what the model cannot read anyway, and replace lone surrogates, which the tokenizer refuses."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _padded(tokens: Sequence[list[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return token ids and attention mask, both of shape (texts, longest)."""
    shape = len(tokens), max(len(ids) for ids in tokens)
    padded, mask = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for row, ids in enumerate(tokens):
        padded[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return padded, mask


def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(_packaged("model.onnx"), options, providers=["CPUExecutionProvider"])


def _packaged(name: str) -> bytes:
    return files("memos.embeddings").joinpath("all-MiniLM-L6-v2", name).read_bytes()
