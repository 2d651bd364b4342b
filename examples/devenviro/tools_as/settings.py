"""What tools.as is told when it starts."""

from dataclasses import dataclass
from pathlib import Path

DOCUMENTS = Path(__file__).parent.parent / "documents"
"""The documents that come with it, which are searched offline."""


@dataclass(frozen=True, slots=True)
class ToolsSettings:
    """Where things are; `search_seconds` is how long a search may take.

    With `searxng_url` the web is searched through that SearXNG, without it the `documents`: a folder of texts in
    Markdown.
    """

    database: Path
    documents: Path = DOCUMENTS
    searxng_url: str | None = None
    search_seconds: float = 10.0
