"""Calls added up in memory."""

from datetime import date

from memos.records import Call, CallUsage
from memos.stores.tallies import Account, Tallies, UsageKey, counted

TODAY = Account("t", date(2026, 5, 14))


def call(agent_id: str) -> Call:
    return Call(agent_id, "chat", "miss", CallUsage("gpt", 10, 0, 0.5))


def test_what_is_taken_is_no_longer_there() -> None:
    tallies = Tallies()
    tallies.count(TODAY, [call("ada"), call("ada"), call("bob"), call("eve")])

    taken = [tallies.take(2), tallies.take(2), tallies.take(2)]

    assert taken[0] is not None
    assert taken[0] == (
        TODAY,
        {
            key_of(name): {
                "misses": number,
                "calls": number,
                "prompt_tokens": number * 10,
                "upstream_seconds": number * 0.5,
            }
            for name, number in (("ada", 2), ("bob", 1))
        },
    )
    assert taken[1] is not None
    assert [*taken[1][1]] == [key_of("eve")]
    assert taken[2] is None


def test_what_is_put_back_adds_to_what_was_counted_meanwhile() -> None:
    tallies = Tallies()
    tallies.count(TODAY, [call("ada")])
    taken = tallies.take(10)
    assert taken is not None

    tallies.count(TODAY, [call("ada")])
    for key, counts in taken[1].items():
        tallies.add(TODAY, key, counts)

    counts = {"misses": 2, "calls": 2, "prompt_tokens": 20, "upstream_seconds": 1.0}
    assert tallies.take(10) == (TODAY, {key_of("ada"): counts})


def test_what_is_nothing_is_not_counted() -> None:
    [(_, counts)] = counted(Call("ada", "embeddings", "hit", CallUsage("gpt", 3, 0, 0.0)))

    assert counts == {"hits": 1, "saved_prompt_tokens": 3}


def key_of(agent_id: str) -> UsageKey:
    return UsageKey("gpt", agent_id, "chat")
