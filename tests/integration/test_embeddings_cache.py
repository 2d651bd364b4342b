"""Embeddings of a model over the bus: kept and found one by one."""

import base64
from array import array
from typing import Any

import pytest
from chats import Tenant

from memos.events.answers import ForgetAnswers
from memos.events.embeddings import CountEmbeddings, LookUpEmbeddings, StoreEmbeddings
from memos.events.usage import ReadUsage

pytest_plugins = ["bus_fixtures", "chats_fixtures"]

VECTORS = [[0.25, -1.0, 1e-7], [1, 0, 0]]
ENCODED = base64.b64encode(array("f", [0.5, 1.0])).decode()


async def found(tenant: Tenant, *inputs: Any, **fields: Any) -> list[Any]:
    """The embeddings of inputs."""
    reply = await tenant.send(LookUpEmbeddings(inputs=list(inputs), **{"model": "small", **fields}))
    return list(reply["results"])


async def kept(tenant: Tenant, embeddings: dict[Any, Any], **fields: Any) -> int:
    """How many embeddings of inputs are kept."""
    inputs = [list(one) if isinstance(one, tuple) else one for one in embeddings]
    told = {"model": "small", **fields}
    reply = await tenant.send(StoreEmbeddings(inputs=inputs, embeddings=[*embeddings.values()], **told))
    return int(reply["stored"])


async def test_each_input_is_found_by_itself_in_whatever_company(ours: Tenant) -> None:
    assert await kept(ours, {"a": VECTORS[0], "b": VECTORS[1]}) == 2

    assert await found(ours, "b", "c", "a", "b") == [VECTORS[1], None, VECTORS[0], VECTORS[1]]


async def test_tokens_and_encoded_numbers_are_kept_as_they_were_given(ours: Tenant) -> None:
    await kept(ours, {(1, 2, 3): VECTORS[0]})
    await kept(ours, {"a": ENCODED}, options={"encoding_format": "base64"})

    assert await found(ours, [1, 2, 3], [12, 3]) == [VECTORS[0], None]
    assert await found(ours, "a", options={"encoding_format": "base64"}) == [ENCODED]
    assert await found(ours, "a") == [None]


@pytest.mark.parametrize(
    "other", [{"model": "big"}, {"options": {"dimensions": 2}}, {"upstream": "http://other.test/v1"}]
)
async def test_what_makes_an_embedding_another_is_told_apart(ours: Tenant, other: dict[str, Any]) -> None:
    await kept(ours, {"a": VECTORS[0]})

    assert await found(ours, "a", **other) == [None]
    assert await found(ours, "a", options={"user": "ann"}) == [VECTORS[0]]


async def test_a_tenant_is_never_given_the_embeddings_of_another(ours: Tenant, theirs: Tenant) -> None:
    await kept(ours, {"a": VECTORS[0]})

    assert await found(theirs, "a") == [None]


async def test_what_is_no_embedding_is_not_kept(ours: Tenant) -> None:
    odd = {"a": [], "b": "", "c": "no base64!", "d": base64.b64encode(b"odd").decode(), "e": VECTORS[0]}
    odd["f"] = base64.b64encode(array("f", [0.5, float("inf")])).decode()

    assert await kept(ours, odd) == 1
    assert await found(ours, *odd) == [None, None, None, None, VECTORS[0], None]


def test_as_many_embeddings_as_inputs_are_to_be_given() -> None:
    with pytest.raises(ValueError, match="as many embeddings as inputs"):
        StoreEmbeddings(model="small", inputs=["a", "b"], embeddings=[VECTORS[0]])


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_numbers_that_json_does_not_have_are_refused(number: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        StoreEmbeddings(model="small", inputs=["a"], embeddings=[[float(number)]])


async def test_many_inputs_are_kept_and_found_in_order(ours: Tenant) -> None:
    many = {f"text {number}": [float(number), 1.0] for number in range(2048)}

    assert await kept(ours, many) == 2048
    assert await found(ours, *many) == [*many.values()]
    assert (await ours.send(ForgetAnswers(model="small")))["forgotten"] == 2048


async def test_a_call_is_counted_and_one_that_was_saved_too_with_all_its_tokens(ours: Tenant) -> None:
    await kept(ours, {"a": VECTORS[0], "b" * 9: VECTORS[1], "c": VECTORS[1]}, prompt_tokens=7, seconds=1.1)
    await found(ours, "a", "c", "b" * 9, agent_id="ann")
    await found(ours, "a", "unknown")

    totals = (await ours.send(ReadUsage()))["totals"]
    mine = (await ours.send(ReadUsage(agent_id="ann", kind="embeddings")))["totals"]

    assert (totals["requests"], totals["hits"], totals["misses"], totals["prompt_tokens"]) == (2, 1, 1, 7)
    assert (mine["hits"], mine["saved_prompt_tokens"], mine["saved_seconds"]) == (1, 7, pytest.approx(1.1))


async def test_what_a_hit_saved_is_told_and_only_when_all_are_kept(ours: Tenant) -> None:
    await kept(ours, {"a": VECTORS[0], "b": VECTORS[1]}, prompt_tokens=7)

    saved = [
        (await ours.send(LookUpEmbeddings(model="small", inputs=inputs)))["saved_prompt_tokens"]
        for inputs in (["a", "b"], ["a", "b", "c"])
    ]

    assert saved == [7, 0]


async def test_who_shared_a_call_had_hits_of_its_tokens(ours: Tenant) -> None:
    await kept(ours, {"a": VECTORS[0]}, prompt_tokens=7, agent_id="ann", shared={"ann": 1, "bob": 2})

    ann, bob = [(await ours.send(ReadUsage(agent_id=name)))["totals"] for name in ("ann", "bob")]

    assert (ann["misses"], ann["hits"], ann["prompt_tokens"], ann["saved_prompt_tokens"]) == (1, 1, 7, 7)
    assert (bob["misses"], bob["hits"], bob["saved_prompt_tokens"]) == (0, 2, 14)


@pytest.mark.parametrize(
    ("outcome", "misses", "errors", "hits"), [("miss", 1, 0, 2), ("error", 0, 3, 0), ("none", 0, 0, 2)]
)
async def test_a_call_of_which_nothing_is_kept_is_counted_with_those_who_shared_it(
    ours: Tenant, outcome: Any, misses: int, errors: int, hits: int
) -> None:
    told = {"prompt_tokens": 7, "seconds": 2.0, "shared": {"bob": 2}}
    await ours.send(CountEmbeddings(model="small", outcome=outcome, **told))

    totals = (await ours.send(ReadUsage(kind="embeddings")))["totals"]

    assert (totals["misses"], totals["errors"], totals["hits"]) == (misses, errors, hits)
    assert (totals["prompt_tokens"], totals["saved_prompt_tokens"]) == (0 if outcome == "none" else 7, 7 * hits)
    assert totals["upstream_seconds"] == (0 if outcome == "none" else 2.0)
