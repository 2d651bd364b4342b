"""What the handlers need from the outside, named for what it keeps; adapters live in `stores` and `embeddings`."""

from memos.ports.answers import Answers, Provenance, Usage
from memos.ports.engines import Embedder, Filter, Ready, Vectors
from memos.ports.facts import FactPage, Facts, FactStream, Placing
from memos.ports.language_models import LanguageModel
from memos.ports.learning import Learnings
from memos.ports.ledger import Memories
from memos.ports.loadouts import Loadouts
from memos.ports.projections import Derived, Generations, Projections
from memos.ports.reranking import Reranker
from memos.ports.tools import Tools
from memos.ports.working import Appended, Crowded, SessionChanges, Working

__all__ = [
    "Answers",
    "Appended",
    "Crowded",
    "Derived",
    "Embedder",
    "FactPage",
    "FactStream",
    "Facts",
    "Filter",
    "Generations",
    "LanguageModel",
    "Learnings",
    "Loadouts",
    "Memories",
    "Placing",
    "Projections",
    "Provenance",
    "Ready",
    "Reranker",
    "SessionChanges",
    "Tools",
    "Usage",
    "Vectors",
    "Working",
]
