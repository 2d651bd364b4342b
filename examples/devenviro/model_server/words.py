"""The words of texts, as the model compares them."""

import re

_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”|«([^»]+)»|(?<!\w)\'([^\']+)\'(?!\w)')
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ings", "ing", "ers", "er", "ied", "ies", "ed", "es", "s", "e")
SHORTEST_STEM = 3

_SILENT = """
    a about all an and any are as at be been but by can could did do does each for from had has have his how i if in
    into is it its just like me my no not of off on one or our out please she should so some than that the their
    them then there these they this those to too up us was we what when where which who will with would you your
"""
SILENT = frozenset(_SILENT.split())
"""Words that say nothing of what is to be done."""

GAP = "…"
"""What stands for the things that a task is about, where the kind of the task is meant."""


def words(text: str) -> frozenset[str]:
    """The stems of the words that say something; `to-do` is one word, `todo_list` two, and `?` says `question`."""
    joined = re.sub(r"\bto-do\b", "todo", text.casefold()).replace("?", " question ")
    return frozenset(stem(word) for word in _WORD.findall(joined) if word not in SILENT)


def stem(word: str) -> str:
    """A word without its ending, as far as that can be told from its letters."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def quoted(text: str) -> list[str]:
    """What stands in quotes, in order."""
    return [" ".join(filter(None, groups)) for groups in _QUOTED.findall(text)]


def kind_of(task: str) -> str:
    """A task without the things that it is about, which stand in quotes."""
    return " ".join(_QUOTED.sub(GAP, task).split()).rstrip(".!?")
