"""A model calls memory: the specs that it is given, what its calls answer, and what it can make of mistakes."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from chat_server import ChatServer, completion
from jsonschema import Draft202012Validator
from openai import AsyncOpenAI

from memos.adapters.functions import MemoryFunctions, memory_functions
from memos.client import Client

pytest_plugins = ["bus_fixtures", "model_fixtures"]

NAMES = ["remember", "recall", "context", "record_learning", "correct", "forget"]
OF_SESSIONS = ["working_set", "working_get"]


@pytest.fixture
async def functions(client: Client, agent: str) -> MemoryFunctions:
    return memory_functions(client, agent_id=agent, session_id="work")


async def read(functions: MemoryFunctions, name: str, **arguments: Any) -> Any:
    """What a call answers, read as a model reads it."""
    return json.loads(await functions.call(name, json.dumps(arguments)))


async def test_what_is_remembered_is_recalled_corrected_and_forgotten(functions: MemoryFunctions) -> None:
    stored = await read(functions, "remember", content="Ann's locker is number 12.", tags=["office"])
    corrected = await read(
        functions, "correct", memory_id=stored["memory_id"], content="Ann's locker is number 14."
    )
    recalled = await read(functions, "recall", query="What is the number of Ann's locker?", top_k=1)
    gone = await functions.call("forget", {"memory_id": stored["memory_id"]})

    assert recalled == {"memories": [corrected]}
    assert recalled["memories"][0]["content"] == "Ann's locker is number 14."
    assert "deleted" in gone
    left = await read(functions, "recall", query="What is the number of Ann's locker?", top_k=20)
    assert stored["memory_id"] not in {one["memory_id"] for one in left["memories"]}


async def test_what_is_learned_of_a_task_is_in_the_context_of_the_next(functions: MemoryFunctions) -> None:
    lesson = "Compress an image before it is attached."
    kept = await read(functions, "remember", content="The mail server refuses attachments of more than 5 MB.")
    learned = await read(
        functions,
        "record_learning",
        task="Mail the plan of the house",
        outcome="success",
        lessons=[lesson],
        helped=[kept["memory_id"]],
    )
    found = await read(functions, "context", task="Mail the plan of the garden")

    assert "refused" not in learned
    assert lesson in found["context"]
    assert kept["memory_id"] in found["memory_ids"]


async def test_a_learning_says_which_memories_are_not_known(functions: MemoryFunctions) -> None:
    unknown = str(uuid4())

    learned = await read(functions, "record_learning", task="Any", outcome="failure", misled=[unknown])

    assert unknown in learned["refused"][0]


async def test_a_session_is_kept_at_hand(client: Client, agent: str, functions: MemoryFunctions) -> None:
    await functions.call("working_set", {"key": "plan/1", "value": "Call the plumber."})
    await functions.call("working_set", {"key": "plan/1", "value": "Call Mr. Webb, the plumber."})
    await functions.call("working_set", {"key": "mood", "value": "calm"})

    found = await read(functions, "working_get", prefix="plan/")

    assert found == {"values": {"plan/1": "Call Mr. Webb, the plumber."}, "more": False}
    assert (await client.working.get("work", "mood", agent_id=agent)).value == "calm"


async def test_another_agent_sees_only_what_is_shared(client: Client, agent: str) -> None:
    private = memory_functions(client, agent_id=agent)
    shared = memory_functions(client, agent_id=agent, visibility="shared")
    other = memory_functions(client, agent_id=f"{agent}-2")
    word = uuid4().hex
    await private.call("remember", {"content": f"The secret of {word} is 1."})
    told = await read(shared, "remember", content=f"The motto of {word} is 2.")

    found = await read(other, "recall", query=f"What of {word}?", top_k=20)

    assert [one["memory_id"] for one in found["memories"] if word in one["content"]] == [told["memory_id"]]
    await shared.call("forget", {"memory_id": told["memory_id"]})


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("remind", {}, "There is no function 'remind'. Call one of these: remember, recall,"),
        ("remember", {}, "content: Missing required"),
        ("remember", {"content": ""}, "content: String should have at least 1 character"),
        ("remember", {"content": "   "}, "content: must not be empty or blank"),
        ("recall", {"query": "x", "top_k": 99}, "top_k: Input should be less than or equal to 20"),
        ("recall", {"query": "x", "limit": 3}, "limit: Unexpected keyword argument"),
        ("recall", '{"query": "x"', "The arguments of recall are no JSON"),
        ("recall", "[1]", "The arguments of recall must be a JSON object"),
        ("forget", {"memory_id": "12"}, "memory_id: Input should be a valid UUID"),
        ("correct", {"memory_id": str(UUID(int=7)), "content": "x"}, "is visible to agent"),
        ("record_learning", {"task": "x", "outcome": "good"}, "outcome: Input should be 'success', 'failure'"),
    ],
)
async def test_mistakes_are_answered_so_that_a_model_can_mend_them(
    functions: MemoryFunctions, name: str, arguments: Mapping[str, Any] | str, said: str
) -> None:
    assert said in await functions.call(name, arguments)


async def test_every_provider_is_given_its_form(functions: MemoryFunctions) -> None:
    openai, anthropic = functions.specs(), functions.specs("anthropic")
    schemas = [one["input_schema"] for one in anthropic]

    assert [one["function"]["name"] for one in openai] == [*NAMES, *OF_SESSIONS]
    assert [one["name"] for one in anthropic] == [*NAMES, *OF_SESSIONS]
    assert [one["function"]["parameters"] for one in openai] == schemas
    assert all(one["function"]["description"] and len(one["function"]["description"]) < 1024 for one in openai)
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
        assert all("description" in said for said in schema["properties"].values())


async def test_without_a_session_nothing_is_offered_for_one(client: Client) -> None:
    assert [one.name for one in memory_functions(client)] == NAMES


async def test_frameworks_take_the_functions_as_they_are(functions: MemoryFunctions) -> None:
    from agents import function_tool

    tool = function_tool(functions["recall"].run)

    assert (tool.name, tool.description) == ("recall", functions["recall"].description)
    assert tool.params_json_schema["properties"]["query"]["description"] == "What to look for, in plain words."
    assert "memories" in json.loads(await functions["recall"].run(query="anything"))


def forgetful(body: dict[str, Any]) -> Any:
    """A model that asks memory first: it names a wrong function, then the right one, then tells what it read."""
    last = body["messages"][-1]
    if last["role"] == "user":
        return calling("look_up", {"query": last["content"]})
    if "There is no function" in last["content"]:
        return calling(body["tools"][1]["function"]["name"], {"query": body["messages"][0]["content"]})
    return json.loads(last["content"])["memories"][0]["content"]


def calling(name: str, arguments: Mapping[str, Any]) -> Any:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return completion({"role": "assistant", "content": None, "tool_calls": [call]})


async def test_a_model_answers_with_what_its_calls_recall(functions: MemoryFunctions, teller: ChatServer) -> None:
    teller.answer = forgetful
    await functions.call("remember", {"content": "The ferry to Texel leaves at ten past six."})
    messages: list[Any] = [{"role": "user", "content": "When does the ferry to Texel leave?"}]
    tools: list[Any] = functions.specs()
    async with AsyncOpenAI(base_url=teller.url, api_key="none") as openai:
        while messages[-1]["role"] != "assistant" or messages[-1].get("tool_calls"):
            answer = await openai.chat.completions.create(model="teller", messages=messages, tools=tools)
            said: Any = answer.choices[0].message
            messages.append(said.model_dump(exclude_none=True))
            for call in said.tool_calls or []:
                result = await functions.call(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})

    assert messages[-1]["content"] == "The ferry to Texel leaves at ten past six."
    assert [one["role"] for one in messages] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
