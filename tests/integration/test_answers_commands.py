"""Answers of models over the bus: kept, found, leased, and forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from chats import Tenant, answer, request

from memos.completions import key_of
from memos.errors import InvalidCommand
from memos.events.answers import ForgetAnswers, ReadCache, RenewLease

pytest_plugins = ["bus_fixtures", "chats_fixtures"]


async def test_an_answer_is_found_as_it_was_stored_until_it_ends(ours: Tenant) -> None:
    began = datetime.now(UTC)
    given = answer("Paris \u2013 \U0001f5fc", system_fingerprint=None, extra={"deep": [1.0, {"a": None}]})

    stored = await ours.store(request(), given, ttl=100)
    found = await ours.look_up(request(stream=True, user="ann"))

    assert (stored["status"], stored["key"], stored["message"]) == (
        "stored",
        key_of(request()),
        "The answer is kept.",
    )
    assert (found["status"], found["key"], found["answer"]) == ("hit", stored["key"], given)
    assert found["expires_at"] == stored["expires_at"]
    lives = datetime.fromisoformat(found["expires_at"]) - datetime.fromisoformat(found["created_at"])
    assert timedelta(seconds=89) < lives <= timedelta(seconds=100)
    assert abs(datetime.fromisoformat(found["created_at"]) - began) < timedelta(seconds=20)


async def test_requests_that_differ_in_what_matters_have_answers_of_their_own(ours: Tenant) -> None:
    others = [
        request(seed=1),
        request(temperature=0),
        request("What is the capital of france?"),
        request(model="big"),
    ]
    await ours.store(request())

    assert await ours.statuses(*others) == ["miss"] * 4
    assert await ours.status(request(), upstream="http://other.test/v1") == "miss"
    assert await ours.status(request()) == "hit"


async def test_a_tenant_is_never_given_the_answer_of_another(ours: Tenant, theirs: Tenant) -> None:
    await ours.store(request())

    assert await theirs.status(request()) == "miss"
    assert await theirs.entries() == 0
    assert (await theirs.send(ForgetAnswers(everything=True)))["forgotten"] == 0
    assert await ours.status(request()) == "hit"


async def test_the_newest_answer_is_the_one_that_is_kept(ours: Tenant) -> None:
    await ours.store(request(), answer("Lyon"))
    await ours.store(request(), answer("Paris"))

    assert (await ours.look_up(request()))["answer"] == answer("Paris")
    assert await ours.entries() == 1


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"choices": []}, "has no choices"),
        ({"error": {"message": "overloaded"}}, "has an error"),
        ({"choices": [{"message": {"content": "Par"}, "finish_reason": None}]}, "did not come to its end"),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}, "says nothing"),
    ],
)
async def test_an_answer_that_is_none_is_not_kept_and_its_lease_is_free(
    ours: Tenant, odd: dict[str, Any], why: str
) -> None:
    lease = (await ours.look_up(request(), lease_seconds=60))["lease"]

    stored = await ours.store(request(), answer(**odd), lease=lease)

    assert (stored["status"], stored["expires_at"]) == ("not-stored", None)
    assert why in stored["message"]
    found = await ours.look_up(request(), lease_seconds=60)
    assert (found["status"], found["lease"] is not None) == ("miss", True)


async def test_an_answer_with_fewer_choices_than_its_request_asks_for_is_not_kept(ours: Tenant) -> None:
    stored = await ours.store(request(n=2))

    assert (stored["status"], "has 1 of 2 choices" in stored["message"]) == ("not-stored", True)
    assert await ours.status(request(n=2)) == "miss"


async def test_an_answer_that_is_too_large_is_not_kept_and_the_one_before_stays(ours: Tenant) -> None:
    await ours.store(request())

    stored = await ours.store(request(), answer("a" * 1_100_000))

    assert stored["status"] == "not-stored"
    assert "1048576 bytes that MEMOS_CACHE_ANSWER_BYTES allows" in stored["message"]
    assert (await ours.look_up(request()))["answer"] == answer()


async def test_an_answer_that_is_older_than_asked_or_ends_too_soon_is_none(ours: Tenant) -> None:
    await ours.store(request(), ttl=100)

    assert await ours.status(request(), max_age=100) == "hit"
    assert await ours.status(request(), max_age=0) == "miss"
    assert await ours.status(request(), min_fresh=10) == "hit"
    assert await ours.status(request(), min_fresh=101) == "miss"
    assert await ours.status(request(), refresh=True) == "miss"
    assert await ours.status(request()) == "hit"


async def test_one_of_many_who_ask_at_once_is_to_make_the_answer(ours: Tenant) -> None:
    found = await asyncio.gather(*(ours.look_up(request(), lease_seconds=60) for _ in range(20)))

    assert sorted(one["status"] for one in found) == ["miss"] + ["pending"] * 19
    [leased] = [one for one in found if one["status"] == "miss"]
    await ours.store(request(), lease=leased["lease"])
    assert await ours.status(request(), lease_seconds=60) == "hit"


async def test_who_asks_again_with_the_same_id_is_given_its_own_lease_again(ours: Tenant) -> None:
    first = await ours.look_up(request(), "the-first", lease_seconds=60)
    again = await ours.look_up(request(), "the-first", lease_seconds=60)

    assert first == {**again, "moment": first["moment"]}
    assert (first["status"], first["lease"]) == ("miss", "the-first")
    assert await ours.status(request(), lease_seconds=60) == "pending"


async def test_who_asks_for_no_lease_is_given_none(ours: Tenant) -> None:
    found = await ours.look_up(request())

    assert (found["status"], found["lease"]) == ("miss", None)
    assert (await ours.look_up(request(), lease_seconds=60))["lease"] is not None


@pytest.mark.parametrize("fields", [{"refresh": True}, {"max_age": 0}, {"min_fresh": 1_000_000}])
async def test_who_will_have_no_old_answer_is_to_make_a_new_one(ours: Tenant, fields: dict[str, Any]) -> None:
    await ours.store(request(), answer("Lyon"))

    found = await ours.look_up(request(), lease_seconds=60, **fields)

    assert (found["status"], found["answer"]) == ("miss", None)
    assert await ours.status(request(), lease_seconds=60, **fields) == "pending"
    assert await ours.status(request(), lease_seconds=60) == "hit"
    await ours.store(request(), answer("Paris"), lease=found["lease"])
    assert (await ours.look_up(request()))["answer"] == answer("Paris")


async def test_a_lease_that_is_given_back_is_anothers_to_take(ours: Tenant) -> None:
    first = await ours.look_up(request(), lease_seconds=60)
    await ours.release(request(), lease="not-the-lease")
    assert await ours.status(request(), lease_seconds=60) == "pending"

    released = await ours.release(request(), lease=first["lease"])

    assert released == {"success": True, "key": key_of(request())}
    assert await ours.status(request(), lease_seconds=60) == "miss"


async def test_a_lease_is_kept_by_who_holds_it_alone(ours: Tenant) -> None:
    lease = (await ours.look_up(request(), lease_seconds=60))["lease"]
    key = key_of(request())

    assert await ours.send(RenewLease(key=key, lease=lease, lease_seconds=60)) == {"held": True}
    assert await ours.send(RenewLease(key=key, lease="another", lease_seconds=60)) == {"held": False}
    assert await ours.status(request(), lease_seconds=60) == "pending"


async def test_answers_are_forgotten_by_key_by_model_and_all(ours: Tenant) -> None:
    requests = [request(), request(seed=1), request(model="big"), request(model="big", seed=1)]
    for one in requests:
        await ours.store(one)

    assert (await ours.send(ForgetAnswers(keys=[key_of(requests[0]), "0" * 64])))["forgotten"] == 1
    assert await ours.statuses(*requests) == ["miss", "hit", "hit", "hit"]
    assert (await ours.send(ForgetAnswers(model="big")))["forgotten"] == 2
    assert await ours.statuses(*requests) == ["miss", "hit", "miss", "miss"]
    assert (await ours.send(ForgetAnswers(everything=True)))["forgotten"] == 1
    assert await ours.entries() == 0


async def test_the_cache_tells_how_much_it_holds_and_may_hold(ours: Tenant) -> None:
    await ours.store(request())
    await ours.store(request(seed=1))

    size = await ours.send(ReadCache())

    assert (size["entries"], size["questions"], size["evicted"], size["eviction"]) == (2, 0, 0, "lru")
    assert (size["most_bytes"], size["answer_bytes"], size["ttl"]) == (268_435_456, 1_048_576, 86_400)
    assert 2 * 300 < size["bytes"] < 20_000


async def test_sources_that_are_not_there_are_named_and_no_lease_is_held(ours: Tenant) -> None:
    absent = f"memory:{uuid4()}"

    for send in (
        ours.look_up(request(), lease_seconds=60, sources=[absent]),
        ours.store(request(), sources=[absent]),
    ):
        with pytest.raises(InvalidCommand, match=absent):
            await send

    assert await ours.status(request(), lease_seconds=60) == "miss"


async def test_the_lease_of_an_answer_from_sources_that_are_not_there_is_given_back(ours: Tenant) -> None:
    lease = (await ours.look_up(request(), lease_seconds=60))["lease"]

    with pytest.raises(InvalidCommand, match="tool:nowhere"):
        await ours.store(request(), sources=["tool:nowhere"], lease=lease)

    assert await ours.status(request(), lease_seconds=60) == "miss"
