"""The page of metrics names those that there are."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from memos.telemetry import FacadeTelemetry, Telemetry

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
SUFFIX = {"counter": "_total"}


def documented(heading: str) -> dict[str, str]:
    """Metrics and their types, below a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(memos_\w+)` \| (\w+)", section, re.MULTILINE))


def named(registry: CollectorRegistry) -> dict[str, str]:
    return {
        metric.name + SUFFIX.get(metric.type, ""): metric.type
        for metric in registry.collect()
        if metric.name.startswith("memos_")
    }


@pytest.mark.parametrize(
    ("heading", "registry", "told_by_the_facade"),
    [
        ("Of each worker", Telemetry().registry, {"memos_queue_entries"}),
        ("Of the facade", FacadeTelemetry().registry, set()),
    ],
)
def test_every_metric_is_documented_with_its_type(
    heading: str, registry: CollectorRegistry, told_by_the_facade: set[str]
) -> None:
    found = named(registry)
    assert documented(heading) == {name: kind for name, kind in found.items() if name not in told_by_the_facade}
