"""Tier 1: working memory, the LLM cache and the account of calls, open on the Redis of the bus."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypedDict

from memos.answering import Questions
from memos.client.redis import open_redis
from memos.devstack.locate import required
from memos.errors import ConfigurationError
from memos.ports import Answers, LanguageModel, Provenance, Usage, Working
from memos.records import CachePolicy, Price, SessionPolicy, WorkingLimits
from memos.settings import Settings
from memos.stores.answers import RedisAnswers
from memos.stores.postgres import Pool
from memos.stores.provenance import PostgresProvenance
from memos.stores.usage import open_usage
from memos.stores.working import RedisWorking


class Tier1(TypedDict):
    """Every port of tier 1, under the name by which handlers ask for it."""

    answers: Answers
    cache_policy: CachePolicy
    cache_threshold: float | None
    language_model: LanguageModel | None
    prices: Mapping[str, Price]
    provenance: Provenance
    questions: Questions
    usage: Usage
    working: Working


@asynccontextmanager
async def open_tier1(settings: Settings, pool: Pool) -> AsyncIterator[Tier1]:
    """The ports of tier 1; `pool` is the ledger's, which knows what answers were made from."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(required(settings, "redis_url")))
        answers = RedisAnswers(redis, cache_policy(settings))
        yield {
            "answers": answers,
            "cache_policy": cache_policy(settings),
            "cache_threshold": settings.cache_threshold,
            "language_model": await open_language_model(settings, stack),
            "prices": prices(settings),
            "provenance": PostgresProvenance(pool),
            "questions": Questions(answers, settings.cache_questions_bytes),
            "usage": await stack.enter_async_context(open_usage(redis, settings.llm_usage_days)),
            "working": RedisWorking(redis, session_policy(settings), working_limits(settings)),
        }


async def open_language_model(settings: Settings, stack: AsyncExitStack) -> LanguageModel | None:
    """The model that the settings have summarise, open until the stack is; what it needs is not loaded for none."""
    if not settings.llm_model:
        return None
    if not settings.llm_url:
        raise ConfigurationError("MEMOS_LLM_MODEL is set, so MEMOS_LLM_URL must say at which server that model is.")
    from memos.language_models.openai_compatible import open_language_model as opened

    model = opened(settings.llm_url, settings.llm_model, api_key=settings.llm_api_key, timeout=settings.llm_timeout)
    return await stack.enter_async_context(model)


def session_policy(settings: Settings) -> SessionPolicy:
    """How sessions are kept that say nothing of it."""
    return SessionPolicy(
        ttl=settings.working_ttl,
        window_messages=settings.working_window_messages,
        window_tokens=settings.working_window_tokens,
        promote=settings.working_promote,
    )


def working_limits(settings: Settings) -> WorkingLimits:
    """How much working memory takes."""
    return WorkingLimits(
        value_bytes=settings.working_value_bytes,
        session_bytes=settings.working_session_bytes,
        session_keys=settings.working_session_keys,
        agent_bytes=settings.working_agent_bytes,
        agent_sessions=settings.working_agent_sessions,
    )


def cache_policy(settings: Settings) -> CachePolicy:
    """How answers are kept."""
    return CachePolicy(
        ttl=settings.cache_ttl,
        jitter=settings.cache_jitter,
        most_bytes=settings.cache_bytes,
        answer_bytes=settings.cache_answer_bytes,
        eviction=settings.cache_eviction,
    )


def prices(settings: Settings) -> Mapping[str, Price]:
    """What a million tokens of a model cost; none for the kind of which it is not said."""
    return {
        model: Price(given.get("prompt"), given.get("completion")) for model, given in settings.llm_prices.items()
    }
