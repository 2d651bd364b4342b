"""Handlers of the commands on the cache of answers as a whole, and on its leases."""

from memos.events.answers import AnswersForgotten, CacheRead, ForgetAnswers, LeaseRenewed, ReadCache, RenewLease
from memos.handlers.answers.sources import named_in
from memos.ports import Answers
from memos.records import CachePolicy, Origin


async def renew_lease(command: RenewLease, *, origin: Origin, answers: Answers) -> LeaseRenewed:
    """Keep a lease for some seconds more."""
    held = await answers.renew(origin.tenant, command.key, command.lease, command.lease_seconds)
    return LeaseRenewed(held=held)


async def forget_answers(command: ForgetAnswers, *, origin: Origin, answers: Answers) -> AnswersForgotten:
    """Forget the answers that a command names; those of them that are being made now are not kept."""
    return AnswersForgotten(forgotten=await _forgotten(command, origin.tenant, answers))


async def _forgotten(command: ForgetAnswers, tenant: str, answers: Answers) -> int:
    if command.keys is not None:
        await answers.bar(tenant, keys=command.keys)
        return await answers.forget(tenant, command.keys)
    if command.sources is not None:
        sources = named_in(command.sources)
        await answers.bar(tenant, sources=sources)
        return await answers.forget_made_from(tenant, sources)
    await answers.bar(tenant, models=[command.model] if command.model else [], everything=command.everything)
    return await answers.forget_model(tenant, command.model)


async def read_cache(
    command: ReadCache, *, origin: Origin, answers: Answers, cache_policy: CachePolicy
) -> CacheRead:
    """Read how much the cache holds, and may hold."""
    size = await answers.size(origin.tenant)
    return CacheRead(
        entries=size.entries,
        bytes=size.bytes,
        most_bytes=cache_policy.most_bytes,
        answer_bytes=cache_policy.answer_bytes,
        questions=size.questions,
        evicted=size.evicted,
        eviction=cache_policy.eviction,
        ttl=cache_policy.ttl,
    )
