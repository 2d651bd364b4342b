"""What the proxy counts of its answers."""

import time
from collections.abc import Mapping

from memos.records import Price, price_of
from memos.telemetry import FacadeTelemetry

MOST_MODELS = 50
LONGEST_MODEL = 255
TOKENS_PRICED = 1_000_000
OTHER = "other"
"""What is counted for models that there was no answer of, or too many or too long ones: clients name anything."""


class Counts:
    """Counts answers by model and by what became of them; the number of models is bounded."""

    def __init__(self, telemetry: FacadeTelemetry, prices: Mapping[str, Price]) -> None:
        self._telemetry = telemetry
        self._prices = prices
        self._models: set[str] = set()

    def answered(self, model: str, outcome: str, begun: float, tokens: tuple[int, int]) -> None:
        """Count an answer that was given; `begun` is when it was asked for, by `time.perf_counter`."""
        if len(self._models) < MOST_MODELS and len(model) <= LONGEST_MODEL:
            self._models.add(model)
        saved = "" if outcome == "miss" else "saved_"
        if (cost := _cost(price_of(model, self._prices), tokens)) is not None:
            self._telemetry.llm_money.labels(self._label(model), "saved" if saved else "spent").inc(cost)
        for kind, count in zip(("prompt", "completion"), tokens, strict=True):
            self._telemetry.llm_tokens.labels(self._label(model), saved + kind).inc(count)
        self._count(model, outcome, begun)

    def failed(self, model: str, outcome: str, begun: float) -> None:
        """Count an answer that was none."""
        self._count(model, outcome, begun)

    def _count(self, model: str, outcome: str, begun: float) -> None:
        self._telemetry.llm_requests.labels(self._label(model), outcome).inc()
        self._telemetry.llm_seconds.labels(outcome).observe(time.perf_counter() - begun)

    def _label(self, model: str) -> str:
        return model if model in self._models else OTHER


def _cost(price: Price | None, tokens: tuple[int, int]) -> float | None:
    """What tokens cost; nothing can be said without a price of each kind that there are some of."""
    if price is None or any(count and each is None for each, count in zip(price, tokens, strict=True)):
        return None
    return sum((each or 0.0) * count for each, count in zip(price, tokens, strict=True)) / TOKENS_PRICED
