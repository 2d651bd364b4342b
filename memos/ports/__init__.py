"""What the handlers need from the outside, named for what it keeps; adapters live in `stores` and `embeddings`."""

from memos.ports.engines import Embedder, Filter, Ready, Vectors
from memos.ports.facts import FactPage, Facts, FactStream, Placing
from memos.ports.ledger import Memories
from memos.ports.projections import Derived, Generations, Projections
from memos.ports.reranking import Reranker

__all__ = [
    "Derived",
    "Embedder",
    "FactPage",
    "FactStream",
    "Facts",
    "Filter",
    "Generations",
    "Memories",
    "Placing",
    "Projections",
    "Ready",
    "Reranker",
    "Vectors",
]
