"""Numbers that say which and not how many: of a room or a line, of a version, or after the name of a product."""

import re
from collections.abc import Set as AbstractSet

from memos.equivalence.times import times_in
from memos.equivalence.tokens import spelled_out
from memos.lexical.english import STOP_WORDS

_KINDS = """
    account bug case chapter client contract customer employee group id invoice issue item job lesson line member
    message no nr number order page paragraph part participant patient project record release room row section step
    table team ticket user version versions warehouse
"""

NUMBERED = frozenset(_KINDS.split())
"""What a number after it names: another number is another of the kind, and says nothing of this one."""

_VERBS = """
    add allocate allot allow ask await bake book bring buy call change check choose convert cook copy count create
    cut delete download draw drop enter expect export fetch fill find get give grant heat import increase insert
    install invite keep leave limit list load lower make move need open order pay pick plan print provide pull push
    put raise read reduce remove request require reserve retry run save schedule select send serve set share show
    skip sleep split spend start stop store take test transfer try turn upload use wait warm write
"""

COUNTING = frozenset(_VERBS.split()) | STOP_WORDS
"""Words with which a sentence may begin before a number that says how many."""

_NUMBER = re.compile(
    r"(?:(?P<begins>^|[.?!:;]\s+|\n\s*)?\b(?P<word>[^\W\d_][\w'-]*)[ ]+)?(?P<v>\bv\.? ?)?(?P<number>\d+(?:\.\d+)*)",
    re.IGNORECASE,
)


def named_by_number(text: str) -> AbstractSet[str]:
    """The numbers in a text that name something: `room 3`, `v2.3.1`, `Ubuntu 22.04`."""
    return {match["number"] for match in _NUMBER.finditer(spelled_out(text)) if _names(match)}


def _names(match: re.Match[str]) -> bool:
    word = match["word"] or ""
    if match["v"] or match["number"].count(".") > 1 or word.lower() in NUMBERED:
        return True
    if not word[:1].isupper() or times_in(f"in {word}"):
        return False
    return match["begins"] is None or word.lower() not in COUNTING
