"""Answers as they go into Redis and come out of it: what is known of one as JSON, and how many bytes it takes."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from memos.records import AnswerDraft, AnswerSource, CallUsage, KeptAnswer, KeptQuestion

ENTRY_BYTES = 1300
QUESTION_BYTES = 300
SOURCE_BYTES = 250
"""What Redis takes, measured, for an answer, a question and a source beside their texts: for keys and indexes."""


def source_place(source: AnswerSource) -> str:
    """The name of a source, whatever its version and however the id of a memory is written."""
    if source.kind == "memory":
        with suppress(ValueError):
            return f"memory:{UUID(source.id)}"
    return f"{source.kind}:{source.id}"


def about(draft: AnswerDraft) -> bytes:
    """What is known of an answer, as JSON, with its `size`: the bytes that count against the tenant's.

    These are the document, the question, its vector, this JSON without the size, 1,300 for the answer, 300 more
    for the question, and for each source 250 and its name.
    """
    found = is_found_by_question(draft)
    sources = [(source_place(source), source.version) for source in dict.fromkeys(draft.sources)]
    known = {
        "kind": draft.kind,
        "model": draft.usage.model,
        "tokens": [draft.usage.prompt_tokens, draft.usage.completion_tokens],
        "seconds": draft.usage.seconds,
        "sources": sources,
        "group": question_group(draft.context, draft.embedding_model) if found else False,
    }
    size = ENTRY_BYTES + len(draft.document) + len(to_json(known))
    size += sum(SOURCE_BYTES + len(place.encode()) for place, _ in sources)
    if found:
        size += QUESTION_BYTES + len((draft.question or "").encode()) + len(draft.vector or b"")
    return to_json({**known, "size": size})


def is_found_by_question(draft: AnswerDraft) -> bool:
    """Whether questions that are like an answer's find it."""
    return None not in (draft.context, draft.question, draft.vector, draft.embedding_model)


def question_group(context: str | None, embedding_model: str | None) -> str:
    """The name of questions that are compared with each other."""
    return f"{context}:{embedding_model}"


def kept_answer(key: str, found: Sequence[bytes]) -> KeptAnswer | None:
    """An answer as a script gives it: document, about, and when it was made and ends; none of what is broken."""
    document, text, created, ends = found
    try:
        known = from_json(text)
        prompt, completion = known["tokens"]
        return KeptAnswer(
            key=key,
            document=document,
            usage=CallUsage(str(known["model"]), int(prompt), int(completion), float(known["seconds"])),
            sources=[_source(*source) for source in known["sources"]],
            created_at=time_of(created),
            expires_at=time_of(ends),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def kept_questions(found: Sequence[bytes]) -> list[KeptQuestion]:
    """Questions as a script gives them: revision, key, question and vector of each, one after the other."""
    rows = zip(*(found[place::4] for place in range(4)), strict=True)
    return [
        KeptQuestion(int(float(at)), key.decode(), text.decode(errors="replace"), vector)
        for at, key, text, vector in rows
    ]


def time_of(milliseconds: bytes | int) -> datetime:
    """A time of the server's clock."""
    return datetime.fromtimestamp(int(float(milliseconds)) / 1000, UTC)


def _source(place: str, version: Any) -> AnswerSource:
    kind, _, name = place.partition(":")
    return AnswerSource(kind, name, None if version is None else int(version))  # type: ignore[arg-type]
