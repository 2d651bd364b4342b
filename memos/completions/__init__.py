"""Chat completions and embeddings, OpenAI-compatible: what tells requests apart, and which answers may be kept."""

from memos.completions.fitness import finite, unfit
from memos.completions.keys import Surroundings, embedding_key, key_of, surroundings_of
from memos.completions.streams import Assembly, EventReader, replayed
from memos.completions.tokens import estimated_tokens, tokens_in

__all__ = [
    "Assembly",
    "EventReader",
    "Surroundings",
    "embedding_key",
    "estimated_tokens",
    "finite",
    "key_of",
    "replayed",
    "surroundings_of",
    "tokens_in",
    "unfit",
]
