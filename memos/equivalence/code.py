"""What in a text is code: spans in backticks, identifiers, names of files, operators, languages such as C++."""

import re

_FENCED = re.compile(r"(?<!`)`++([^`]++)`++|\[(?:math|code)\](.{0,500}?)\[/(?:math|code)\]", re.DOTALL)
_CODE = re.compile(
    r"https?://\S+|www\.\S+"
    r"|(?<![\w.-])[\w.-]{1,64}@[\w-]+\.[\w.-]+"
    r"|(?<![\w/])~?/[\w.-]+(?:/[\w.-]*)*|(?<![\w.-])[\w.-]{1,64}(?:/[\w.-]+){2,}"
    r"|(?<![\w-])--?[A-Za-z][\w-]*"
    r"|\b[A-Za-z]\w*(?:\+{1,2}|#)(?!\w)"
    r"|(?<![\w.])\.[A-Za-z]\w*"
    r"|\b[A-Za-z]\w*(?:(?:\.|::|->)[A-Za-z]\w*)+(?:\(\))?"
    r"|\b[A-Za-z0-9]+_\w+|\b_+\w+|\b[A-Za-z]\w*\(\)"
    r"|[@#]\w+"
    r"|[-+*/%=<>!&|^~:?]{2,}|[=<>^|~{}\\]|(?<= )[+*/%](?= )|(?<=\d)[-+*/%](?=\d)"
)
_PROSE = re.compile(r"[-*=~_?!.:/<>|]+|(?:[A-Za-z]{1,2}\.)+[A-Za-z]?")
"""Rules, smileys, and abbreviations such as `U.S.`, which look like code."""

_OPERATORS = frozenset({"==", "===", "=", "<", ">", "//", "**", "|", "||", "::", "--", "!=", ">=", "<=", "->"})


def code_in(text: str) -> tuple[str, ...]:
    """The pieces of code in a text, sorted; what spaces they have inside makes no difference."""
    found = [" ".join((one or other).split()) for one, other in _FENCED.findall(text)]
    rest = _FENCED.sub(" ", text)
    found += [piece for match in _CODE.finditer(rest) if not _is_prose(piece := match[0].rstrip(".,;:?").lower())]
    return tuple(sorted(found))


def _is_prose(piece: str) -> bool:
    return not piece or (piece not in _OPERATORS and _PROSE.fullmatch(piece) is not None)
