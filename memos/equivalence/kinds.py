"""What kind of answer a question wants: a reason, a place, a time, a person, an amount, a way, a yes or no."""

import re

_MEASURES = "much|many|few|long|far|old|often|big|large|tall|high|fast|deep|heavy|wide|soon"
_KIND = re.compile(
    r"\b(?:"
    r"(?P<why>why\b|how come\b|wh(?:at|ich) (?:\w+ ){0,4}?(?:reason|cause)s?\b|what (?:made|makes)\b)"
    r"|(?P<when>when (?:is|was|were|are|will|did|does|do|can|could|should|would)\b"
    r"|wh(?:at|ich) (?:time|date|year|day)\b)"
    r"|(?P<where>where\b)"
    r"|(?P<who>who(?:m|se)?\b)"
    rf"|(?P<amount>how (?:{_MEASURES})\b)"
    r"|(?P<how>how\b|wh(?:at|ich) (?:\w+ ){1,5}?ways?\b)"
    r"|(?P<what>wh(?:at|ich)\b)"
    r")|^\W*(?P<whether>(?:is|are|am|was|were|do|does|did|can|could|will|would|shall|should|has|have|had|may|must)\b)",
    re.IGNORECASE,
)
_APART = frozenset({"why", "when", "where", "who", "amount", "how", "whether"})
_NO_WHAT = frozenset({"when", "where", "who"})


def kind_of(text: str) -> str:
    """What the first question word of a text asks for; "" if it has none."""
    match = _KIND.search(text)
    return (match.lastgroup or "") if match else ""


def apart(one: str, other: str) -> bool:
    """Whether two kinds of question want different answers; `what` may stand for a way or a reason too."""
    kinds = {one, other}
    return len(kinds) > 1 and (kinds <= _APART or ("what" in kinds and not kinds.isdisjoint(_NO_WHAT)))
