"""The report of the semantic cache's benchmark, as Markdown."""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

from provenance import Provenance, sentence
from recall_report import table
from semantic_cache_scores import AIM, HALVES, NEAR, RATES

NOTES = f"""\
Figures are percent, and hits unless something else is said. "Fitted on one half" is the mean over {HALVES} random
halves and their complements: weights and threshold are from the one, figures from the other, where false hits are
then a little other than intended; ± is the standard deviation. What ships is fitted on everything. A guard refuses
"first" what no earlier guard refused; "without it" leaves the likeness as it is.
"""

TRIED = """\
## What else was tried

Once, on pairs_dev.jsonl, not by this run: weights from one half, hits of the other at exactly 1.0 % false there,
mean of the same halves (of 8 to 12 of them for what is slow to fit); in brackets the change, half by half, ± its
standard deviation. The likeness has 18.3 so. None of these is in it:

- The model in float32 in place of int8: 18.4 (+0.0 ± 0.5); the plain cosine has 13.6 either way.
- What aligning the model's vectors of word pieces gives (each with the closest of the other question), besides the
  four features: mean alignment, plain and weighted by how rare a piece is, 18.5 (+0.2 ± 0.9); the worst aligned
  words 17.9 (-0.4 ± 0.9); how much is left unaligned 18.1 (-0.2 ± 0.3); only the words that differ, in context,
  17.9 (-0.4 ± 0.9); thirty such features at once 18.4 (+0.0 ± 2.0), of the last four layers 18.0 (-0.3 ± 1.7); the
  best of 143 features, chosen within the one half, 17.9 (-0.3 ± 1.2). Boosted trees that may only rise with each
  have 17.1.
- Both questions read as one text, so that their words see each other: 18.8 (+0.5 ± 1.5).
- The words that differ left out, or exchanged for the other's, and embedded anew: 18.6 (+0.3 ± 0.7).
- Guards and alignment weighed, in place of guards that refuse: 15.7 (-2.7 ± 1.6).
- What the questions are about, by 384 weights on the sum of both embeddings: 20.2 (+1.9 ± 1.4), but +1.0 ± 1.5
  where pairs about much the same are kept in one half. What it learns is, at least for the most part, of which
  subjects Quora has many duplicates; a cache has other subjects.
"""


def as_markdown(ran: Provenance, facts: Mapping[str, Mapping[str, Any]]) -> str:
    """The tables that a person reads."""
    blocks = ["# Which questions share an answer", sentence(ran), NOTES]
    for file, found in facts.items():
        blocks += _section(file, found)
    blocks.append(TRIED)
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _section(file: str, found: Mapping[str, Any]) -> Iterator[str]:
    pairs, duplicates = found["pairs"], found["duplicates"]
    shipped, near = found["shipped"], found["near"]
    noise = near["not duplicates"] / max(1, near["pairs"])
    low, high = interval(near["not duplicates"], near["pairs"])
    yield f"## {file}: {pairs:,} pairs, {duplicates:,} of them duplicates"
    yield (
        f"At the threshold that ships, {shipped['threshold']}: {_percent(shipped['hits'])} % hits at "
        f"{_percent(shipped['false'], 2)} % false. The cosine alone has {_percent(found['cosine like shipped'])} %."
    )
    yield "### Hits by false hits"
    yield "\n".join(_curves(found))
    yield "### What bounds it"
    yield (
        f"Of {near['pairs']} pairs that no guard keeps apart, of the same words but for those that say little, "
        f"of one kind and with a cosine of at least {NEAR}, {near['not duplicates']} ({_percent(noise)} %; 95 % "
        f"interval {_percent(low)} to {_percent(high)} %) are labelled as different. If as many are among all that "
        f"asks the same, who accepts exactly that has {_percent(_reachable(found, noise))} % hits at "
        f"{_percent(AIM)} % false ({_percent(_reachable(found, high))} to {_percent(_reachable(found, low))} %)."
    )
    yield "### Guards"
    yield "\n".join(_guards(found))
    yield "### Features of the likeness, fitted on one half"
    yield "\n".join(_features(found))
    took = ", ".join(f"`{name}` {value}" for name, value in found["microseconds"].items())
    yield f"Microseconds a call: {took}."


def interval(found: int, of: int, deviations: float = 1.96) -> tuple[float, float]:
    """Where a share lies of which a sample is known, by Wilson's score: 95 of 100 times, by default."""
    if not of:
        return 0.0, 1.0
    spread = deviations**2 / of
    middle = (found / of + spread / 2) / (1 + spread)
    width = sqrt(found / of * (1 - found / of) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - width), min(1.0, middle + width)


def _reachable(found: Mapping[str, Any], noise: float) -> float:
    """The hits at the aim if that share of all that is accepted is labelled as different."""
    if not noise:
        return 1.0
    others: int = found["pairs"] - found["duplicates"]
    duplicates: int = found["duplicates"]
    return min(1.0, AIM * others / noise * (1 - noise) / duplicates)


def _curves(found: Mapping[str, Any]) -> list[str]:
    rows = [(f"{name}, all", *map(_percent, curve)) for name, curve in found["curves"].items()]
    for name, half in found["halves"].items():
        rows.append((f"{name}, fitted on one half", *map(_percent, half["hits"])))
        rows.append(("… false hits there", *(_percent(rate, 2) for rate in half["false"])))
    spread = found["halves"]["likeness"]["spread"]
    header = ("false hits, at most", *(f"{rate * 100:g} %" for rate in RATES))
    spreads = f"hits ± {_percent(spread['hits'])}, false ± {_percent(spread['false'], 2)}"
    rest = f"\nThe likeness fitted on one half, at {_percent(AIM)} % false: {spreads}."
    return [*table(header, rows), rest]


def _guards(found: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            name,
            *(f"{one[key]:,}" for key in ("first", "refused", "duplicates", "near", "near duplicates")),
            _percent(one["without"]),
        )
        for name, one in found["guards"].items()
    ]
    header = ("guard", "first", "refused", "of these duplicates", "cosine ≥ 0.9", "of these duplicates")
    return table((*header, f"hits at {_percent(AIM)} % without it"), rows)


def _features(found: Mapping[str, Any]) -> list[str]:
    shown = [rate for rate in RATES if rate >= AIM]
    ways = {f"without {name}": one for name, one in found["features"].items()}
    ways = {"all": found["halves"]["likeness"]} | ways
    rows = [(name, *(_percent(one["hits"][RATES.index(rate)]) for rate in shown)) for name, one in ways.items()]
    return table(("false hits, at most", *(f"{rate * 100:g} %" for rate in shown)), rows)


def _percent(value: float, digits: int = 1) -> str:
    return f"{value * 100:.{digits}f}"
