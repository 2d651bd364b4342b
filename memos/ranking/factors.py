"""What speaks for a memory besides its likeness to the question: who, when, how good, how lately."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from memos.cues import Period, distance, names_in
from memos.ranking.fusion import Factor, Factors
from memos.ranking.weights import DEFINITIONS, LONGEST, SPEAKER, STATEMENT, SUBSTANCE, TIME
from memos.records import Candidate, Memory, Preferences

DAY = timedelta(days=1)

READ_OF_CONTENT = 10_000
"""Characters at the beginning of a content by which it is judged."""

_ENDS = ".!?\u2026\u3002\uff01\uff1f\u061f"
_SENTENCE = re.compile(rf"[^{_ENDS}]*(?:[{_ENDS}]+|$)")
_ASKING = ("?", "\uff1f", "\u061f")


@dataclass(frozen=True, slots=True)
class QueryContext:
    """A question, or its beginning, when it is asked, of what times it speaks, and what the asker prefers."""

    text: str
    now: datetime
    periods: Sequence[Period] = ()
    preferences: Preferences = field(default_factory=Preferences)


def bonuses(context: QueryContext, candidates: Sequence[Candidate]) -> Mapping[UUID, Factors]:
    """What each candidate gains for who speaks in it and for its time."""
    speakers = {one.memory_id: speakers_of(one.payload) for one in candidates}
    named = names_in(context.text, set().union(*speakers.values()))
    found: dict[UUID, Factors] = {}
    for one in candidates:
        factors = {**_speaker(speakers[one.memory_id], named), **_time(one.payload, context.periods)}
        if factors:
            found[one.memory_id] = factors
    return found


def speakers_of(payload: Mapping[str, Any]) -> Collection[str]:
    """By whom a memory is told: who speaks in it, and the agent that it belongs to."""
    return {*payload.get("speaker", ()), *([payload["agent_id"]] if "agent_id" in payload else [])}


def standing(memory: Memory, length: int, context: QueryContext) -> Factors:
    """What speaks for a memory whatever is asked; its `length` is in terms."""
    preferences = context.preferences
    factors: Factors = {}
    if memory.kind not in DEFINITIONS:
        share, substance = statement_share(memory.content[:READ_OF_CONTENT]), math.log1p(min(length, LONGEST))
        factors["statement"] = Factor(share, STATEMENT * (share - 1))
        factors["substance"] = Factor(substance, SUBSTANCE * substance)
    recency = recency_of(memory.occurred_at or memory.created_at, context.now, preferences.half_life)
    factors["recency"] = Factor(recency, preferences.recency * recency)
    if memory.importance is not None:
        factors["importance"] = Factor(memory.importance, preferences.importance * (memory.importance - 0.5))
    if memory.usefulness:
        factors["usefulness"] = Factor(memory.usefulness, preferences.usefulness * memory.usefulness)
    return factors


def recency_of(moment: datetime, now: datetime, half_life: float) -> float:
    """1 now, one half after `half_life` days, and so on (exponential decay); 1 for what is yet to come."""
    return math.exp2(-max((now - moment) / DAY, 0.0) / half_life)


def statement_share(text: str) -> float:
    """The part of a text's characters that is in sentences which ask nothing, 0 to 1."""
    asking = sum(len(sentence) for sentence in _SENTENCE.findall(text) if sentence.rstrip().endswith(_ASKING))
    return 1 - asking / len(text) if text else 1.0


def _speaker(speakers: Collection[str], named: Collection[str]) -> Factors:
    return {"speaker": Factor(1.0, SPEAKER)} if any(one in named for one in speakers) else {}


def _time(payload: Mapping[str, Any], periods: Sequence[Period]) -> Factors:
    """Of several periods the nearest counts: a memory is of one time, not of all."""
    told = payload.get("occurred_at") or payload.get("created_at")
    if not told or not periods:
        return {}
    moment = datetime.fromisoformat(told)
    nearness = max(math.exp(-distance(period, moment)) for period in periods)
    return {"time": Factor(nearness, TIME * nearness)}
