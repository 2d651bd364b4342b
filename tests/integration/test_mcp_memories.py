"""Memory as tools of `memos mcp`, spoken to by the official client by stdio and by streamable HTTP."""

from typing import Any
from uuid import uuid4

from mcp_clients import OpenMcp, data, refused, told

from memos.client import Client as Sdk

pytest_plugins = ["bus_fixtures", "mcp_fixtures"]

KETTLE = "The kettle in the lab trips the fuse."


async def test_what_is_remembered_is_recalled_by_its_meaning_and_forgotten_by_its_id(
    open_mcp: OpenMcp, clients: dict[str, Sdk], agent: str
) -> None:
    async with open_mcp() as client:
        stored = await data(client, "remember", content=KETTLE, tags=["lab"], kind="note", metadata={"room": 4})
        text, found = await told(client, "recall", query="why is the power out in the laboratory?", top_k=1)
        kept = await clients["bus"].get(stored["memory_id"], agent_id=agent)
        forgotten = await data(client, "forget", memory_id=stored["memory_id"])
        left = await data(client, "recall", query="kettle", tags=["lab"])

    assert stored["status"] == "stored"
    [memory] = found["memories"]
    assert (memory["memory_id"], memory["content"], memory["agent_id"]) == (stored["memory_id"], KETTLE, agent)
    assert (memory["kind"], memory["tags"], memory["source"]) == ("note", ["lab"], None)
    assert text.startswith(f"1. {KETTLE}\n[note; ")
    assert text.endswith(f"tags lab; id {stored['memory_id']}]")
    assert (kept.agent_id, kept.metadata, kept.visibility, kept.session_id) == (agent, {"room": 4}, "private", None)
    assert (forgotten["status"], left["count"]) == ("deleted", 0)


async def test_what_is_known_is_not_stored_twice_and_what_is_corrected_is_not_recalled(open_mcp: OpenMcp) -> None:
    async with open_mcp() as client:
        first = await data(client, "remember", content="The door code is 1234.", tags=["door"])
        again = await data(client, "remember", content="The door code is 1234.", tags=["door"])
        new = await data(
            client, "remember", content="The door code is 9876.", tags=["door"], supersedes=[first["memory_id"]]
        )
        found = await data(client, "recall", query="door code", tags=["door"])
        text, both = await told(client, "recall", query="door code", tags=["door"], include_superseded=True)

    assert (again["status"], again["memory_id"]) == ("duplicate", first["memory_id"])
    assert [memory["memory_id"] for memory in found["memories"]] == [new["memory_id"]]
    assert both["count"] == 2
    assert f"superseded by {new['memory_id']}" in text


async def test_recall_keeps_to_what_is_asked_for(open_mcp: OpenMcp) -> None:
    async with open_mcp() as client:
        await data(client, "remember", content="Tea is at four.", kind="habit", tags=["tea"])
        wanted = await data(client, "remember", content="Tea is at five.", kind="plan", tags=["tea", "new"])
        by_kind = await data(client, "recall", query="tea", kind="plan")
        by_tags = await data(client, "recall", query="tea", tags=["tea", "new"])
        later = await data(client, "recall", query="tea", since="2999-01-01T00:00:00Z")
        text, cheap = await told(client, "recall", query="tea", tags=["tea"], max_tokens=1)

    assert [one["memory_id"] for one in (*by_kind["memories"], *by_tags["memories"])] == [wanted["memory_id"]] * 2
    assert (later["count"], cheap["count"]) == (0, 0)
    assert "fits into 1 tokens" in text


async def test_a_session_of_the_server_goes_with_what_is_remembered(
    open_mcp: OpenMcp, clients: dict[str, Sdk], agent: str
) -> None:
    async with open_mcp("--session", "okafor") as client:
        stored = await data(client, "remember", content="Ms Okafor eats no nuts.", kind=None)

    kept = await clients["http"].get(stored["memory_id"], agent_id=agent)
    assert (kept.session_id, kept.agent_id, kept.kind) == ("okafor", agent, "episodic")


async def test_a_model_can_neither_choose_nor_reach_another_agent(
    open_mcp: OpenMcp, clients: dict[str, Sdk], agent: str
) -> None:
    secret = await clients["bus"].store("The safe is behind the clock.", agent_id=f"{agent}-other")
    async with open_mcp() as client:
        chosen = await refused(client, "recall", query="safe", agent_id=f"{agent}-other")
        found = await data(client, "recall", query="where is the safe?")
        taken = await refused(client, "forget", memory_id=str(secret.memory_id))

    assert chosen.startswith("recall takes no agent_id. It takes query, top_k, kind,")
    assert str(secret.memory_id) not in [one["memory_id"] for one in found["memories"]]
    assert str(secret.memory_id) in taken
    assert (await clients["bus"].get(secret.memory_id, agent_id=f"{agent}-other")).version == 1


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no content": ("remember", {}, "content: Field required"),
    "blank": ("remember", {"content": " \n"}, "content: must not be empty or blank"),
    "a NUL": ("remember", {"content": "a\x00b"}, "content: must not contain NUL characters"),
    "more than is stored": ("remember", {"content": "x" * 1_000_000}, "content: must be shorter than"),
    "no number": ("remember", {"content": "x", "importance": "vital"}, "importance: "),
    "too many": ("recall", {"query": "x", "top_k": 51}, "top_k: Input should be less than or equal to 50"),
    "too long": ("recall", {"query": "x" * 16_001}, "query: "),
    "no time": ("recall", {"query": "x", "since": "yesterday"}, "since: must be a time such as"),
    "no id": ("forget", {"memory_id": "all"}, "memory_id: "),
    "escapes in a key": ("working_set", {"key": "\x1b[2J", "value": 1}, "key: must not contain control characters"),
    "a name of many lines": ("recall", {"x\n" * 10_000: 1, "query": "x"}, "recall takes no x x x"),
    "a name of Python's": ("recall", {"self": 1, "query": "x"}, "recall takes no self."),
}


async def test_what_is_asked_wrongly_is_told_in_one_line_and_the_server_goes_on(open_mcp: OpenMcp) -> None:
    async with open_mcp() as client:
        for what, (name, arguments, expected) in BAD.items():
            assert expected in (result := await refused(client, name, **arguments)), what
            assert len(result) < 1000, what
        assert (await data(client, "remember", content="Still here."))["status"] == "stored"


async def test_text_of_any_kind_comes_back_as_it_was(open_mcp: OpenMcp) -> None:
    text = f"\x1b[31mred\x07 \u202eright to left\u202c 🫖 \\u0000 </script> {{task}} {'é' * 100_000} {uuid4()}"
    tags = [f"odd-{uuid4().hex}"]
    async with open_mcp() as client:
        stored = await data(client, "remember", content=text, tags=tags)
        found = await data(client, "recall", query="red tea", tags=tags, max_tokens=200_000)

    assert [(one["memory_id"], one["content"]) for one in found["memories"]] == [(stored["memory_id"], text)]
