"""What a comparison finds wrong."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

MOST_EXAMPLES = 5


@dataclass
class Findings:
    """How much is wrong, by kind, with a few examples of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, what: object, number: int = 1) -> None:
        """Count something and keep it if few are kept."""
        self.counts[kind] += number
        if len(self.examples[kind]) < MOST_EXAMPLES:
            self.examples[kind].append(str(what))
