"""Ids, names and descriptions of tools, from what others call things."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from memos.errors import Fault, InvalidCommand
from memos.specs import shortened

MOST_PREFIX_CHARACTERS = 100
MOST_ID_CHARACTERS = 255
MARK_CHARACTERS = 8

SEPARATOR = "__"
"""What stands between the prefix and the rest, and nowhere else: models call a tool by its id as it is."""

_PREFIX = re.compile(rf"(?!.*__)[A-Za-z0-9][A-Za-z0-9_-]{{0,{MOST_PREFIX_CHARACTERS - 1}}}(?<!_)")


def prefix_of(given: str | None, title: str, where: str) -> str:
    """What the ids begin with: the prefix given, else the title in small letters, with underscores for spaces.

    Raises `InvalidCommand` when neither gives one.
    """
    if given is not None:
        if not _PREFIX.fullmatch(given):
            raise InvalidCommand(
                f"{given!r} is no prefix of ids: give up to {MOST_PREFIX_CHARACTERS} letters, digits and -, "
                "with single _ between them."
            )
        return given
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    prefix = re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:MOST_PREFIX_CHARACTERS].strip("_")
    if not prefix:
        message = "there is no name to begin the tools' ids with"
        raise InvalidCommand(f"{where}: {message}. Give one by --prefix.", faults=[Fault(where, message)])
    return prefix


def ids_of(prefix: str, names: Sequence[tuple[str, str]]) -> list[str]:
    """The id of each thing: prefix and name, with `_` for all that is no letter, digit or `-`.

    A name that is empty then, too long, or as that of another is marked by a hash of what alone the thing is known
    by. The same things have the same ids whatever their order.
    """
    room = MOST_ID_CHARACTERS - len(prefix) - len(SEPARATOR)
    words = [re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_") for name, _ in names]
    marked = [_marked(word, alone, room) for word, (_, alone) in zip(words, names, strict=True)]
    times = Counter([*words, *marked])
    will_do = [0 < len(word) <= room and times[word] == 1 for word in words]
    return [
        f"{prefix}{SEPARATOR}{word if plain else mark}"
        for word, mark, plain in zip(words, marked, will_do, strict=True)
    ]


def _marked(word: str, alone: str, room: int) -> str:
    mark = sha256(alone.encode(errors="surrogatepass")).hexdigest()[:MARK_CHARACTERS]
    return "_".join(filter(None, (word[: room - MARK_CHARACTERS - 1].rstrip("_"), mark)))


def line(text: str, most: int) -> str:
    """A text in one line of at most so many characters."""
    return fitting(re.sub(r"[\x00-\x20\x7f]+", " ", text), most)


def fitting(text: str, most: int) -> str:
    """A text that can be stored, of at most so many characters."""
    return shortened(text.replace("\x00", "").encode("utf-8", "replace").decode().strip(), most)
