"""Cutting docstrings into passages that fit an embedding model, without losing any of their text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from memos.ingestion.parse import Definition, Kind

CONTENT_LIMIT = 800
"""Characters. Of 30,173 passages cut at it, 97 % fitted the 256 tokens that all-MiniLM-L6-v2 reads."""

INTRODUCTION = re.compile(r"^(?:async def|def|class) ")

BOUNDARIES = (
    re.compile(r"^(?=\S.*\n[-=~^]{3,}[ \t]*$|#{2,6} |[A-Z][A-Za-z ]*:[ \t]*\n)", re.MULTILINE),
    re.compile(r"(?<=\n\n)(?<!:\n\n)(?![ \t]*(?:>>>|\n))"),
    re.compile(r"(?<=\n\n)(?!\n)"),
    re.compile(r"(?<=\n)(?=\S)"),
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=\s)(?=\S)"),
    re.compile(r"(?<=.)", re.DOTALL),
)
"""Where a docstring may be cut, best first: before a section (underlined, `## Title` or `Args:`), a
paragraph that is not the next step of a doctest or announced by a colon, any paragraph, an unindented
line (an entry of a numpydoc section), any line, any word, any character."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A docstring, or a part of one, as text to embed together with where it comes from.

    `uri` is the file's path below the ingested root, after the root's name. `sequence` is the place of
    the definition in its file, from 0. A docstring too long for one passage has several, `part` 1 to
    `parts`, alike in everything but `content`. All texts are valid UTF-8 without NUL.
    """

    content: str
    uri: str
    symbol: str
    kind: Kind
    signature: str
    line: int
    sequence: int
    part: int = 1
    parts: int = 1


def passages(
    definitions: Iterable[Definition], uri: str, *, content_limit: int = CONTENT_LIMIT
) -> Iterator[Passage]:
    """Yield the passages of one file's definitions, each `content` of at most `content_limit` characters."""
    for sequence, definition in enumerate(definitions):
        headline = _headline(definition, content_limit // 4)
        docstring = _text(definition.docstring)
        parts = [part for part in split(docstring, content_limit - len(headline) - 1) if part.strip()]
        for number, part in enumerate(parts, start=1):
            yield Passage(
                content=f"{headline}\n{part.rstrip()}",
                uri=uri,
                symbol=_text(definition.name),
                kind=definition.kind,
                signature=_text(definition.signature),
                line=definition.line,
                sequence=sequence,
                part=number,
                parts=len(parts),
            )


def split(text: str, limit: int, boundaries: Sequence[re.Pattern[str]] = BOUNDARIES) -> list[str]:
    """Cut `text` at the best of its boundaries into parts of at most `limit` characters that join to it."""
    if len(text) <= limit or not boundaries:
        return [text]
    parts = [""]
    for piece in boundaries[0].split(text):
        if len(parts[-1]) + len(piece) <= limit:
            parts[-1] += piece
        else:
            parts.extend(split(piece, limit, boundaries[1:]))
    return [part for part in parts if part]


def _headline(definition: Definition, limit: int) -> str:
    """Write the signature under the name within the module, cut to `limit` characters: `def C.f(self) -> int`.

    The module is left to `symbol`. With all-MiniLM-L6-v2 among 2,769 CoSQA functions the docstring alone has
    an MRR of 50.4, under its name 56.4, under its signature 60.8, with a prefix that says nothing 58.7.
    """
    scope, dot, _ = definition.qualname.rpartition(".")
    introduced = INTRODUCTION.sub(lambda introduction: f"{introduction[0]}{scope}{dot}", definition.signature)
    headline = _text(introduced or f"module {definition.module}").replace("\n", " ")
    return headline if len(headline) <= limit else f"{headline[: limit - 1]}…"


def _text(text: str) -> str:
    """Show NUL and lone surrogates, which neither UTF-8 nor the ledger can hold, as U+FFFD."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)
