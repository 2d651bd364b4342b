"""What ranks the best few candidates of a query a second time."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Reads a query together with each text, which a vector of either alone cannot do."""

    @property
    def model(self) -> str:
        """The model's name, as explanations give it; empty when only the server knows it."""
        ...

    @property
    def top(self) -> int:
        """How many of the best candidates it is meant to be given."""
        ...

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """One finite score per text, in order; the higher, the better the text answers the query.

        Scores have no unit, and their scale is the model's own: some lie between 0 and 1, some are logits. They
        compare with those of the same call only. Raises `RerankingRefused` for texts or scores that cannot be
        used, `Unavailable` when the model does not answer in time.
        """
        ...
