"""A language model that can be asked to summarise."""

from collections.abc import Mapping
from typing import Any, Protocol


class LanguageModel(Protocol):
    """A model behind an OpenAI-compatible server."""

    @property
    def name(self) -> str:
        """The model's name at the server."""
        ...

    async def structured(self, instructions: str, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What the model makes of a text by instructions, as an object that the JSON Schema allows.

        Raises `Unavailable` when the server does not answer or is busy, and `CompletionRefused` when it refuses
        the text or answers with something else.
        """
        ...
