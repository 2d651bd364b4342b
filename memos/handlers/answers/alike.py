"""Answers to questions that ask the same: how they are found, and what is kept for that."""

import logging
from array import array
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from memos.answering import Questions, compared
from memos.completions import Surroundings, surroundings_of
from memos.equivalence import LONGEST, SAME, WORTH_A_LOOK
from memos.errors import EmbeddingRefused, Unavailable
from memos.events.answers import LookUpAnswer, OfChat
from memos.ports import Answers, Embedder
from memos.records import AnswerDraft, KeptAnswer, Vector

log = logging.getLogger(__name__)


class LikeAnswer(NamedTuple):
    """An answer to a question `asked` before, and how like it is; or why a near one is not taken."""

    answer: KeptAnswer | None = None
    asked: str | None = None
    likeness: float | None = None
    refused: str | None = None


async def like_answer(
    command: LookUpAnswer,
    tenant: str,
    threshold: float | None,
    may_be_given: Callable[[KeptAnswer], Awaitable[bool]],
    *,
    answers: Answers,
    questions: Questions,
    embedder: Embedder,
) -> LikeAnswer:
    """The answer to the question that is most alike of those whose answers may be given, if one is looked for.

    How like it must be says the command, or else the `threshold`, or else `SAME`. Raises `Unavailable`.
    """
    around = _question_in(command) if command.semantic and not command.refresh else None
    vector = await _vector_of(around.question, embedder) if around else None
    if around is None or vector is None:
        return LikeAnswer()
    near = await questions.near(tenant, around.context, embedder.model, vector, WORTH_A_LOOK)
    least = command.threshold or threshold or SAME
    alike, refused = compared(around.question, near, least)
    for one in alike:
        [kept] = await answers.look_up_many(tenant, [one.near.key])
        if kept is None:
            questions.drop(tenant, around.context, embedder.model, one.near.key)
        elif await may_be_given(kept):
            return LikeAnswer(kept, one.near.question, one.likeness)
    return LikeAnswer(refused=refused)


async def with_question(draft: AnswerDraft, command: OfChat, embedder: Embedder) -> AnswerDraft:
    """A draft that is found by the question of its request; as it was when that has none, or no vector."""
    around = _question_in(command)
    vector = await _vector_of(around.question, embedder) if around else None
    if around is None or vector is None:
        return draft
    return draft._replace(
        context=around.context,
        question=around.question,
        vector=array("f", vector).tobytes(),
        embedding_model=embedder.model,
    )


def _question_in(command: OfChat) -> Surroundings | None:
    """The question of a request and its surroundings; none of one that cannot be compared with others."""
    around = surroundings_of(command.request, command.upstream)
    return around if around and len(around.question) <= LONGEST else None


async def _vector_of(question: str, embedder: Embedder) -> Vector | None:
    """The vector of a question; none, which is logged, when the embedder does not make one."""
    try:
        [vector] = await embedder.embed([question])
    except (Unavailable, EmbeddingRefused) as error:
        log.warning("A question is not compared with others, for it has no vector: %s", error)
        return None
    return vector
