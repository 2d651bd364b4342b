"""The routes of working memory, on a real memOS."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

pytest_plugins = ["bus_fixtures"]

ODD = ["user/42", "a b", "Zoë 🫖", "..", "%2F", "a?b#c", "x/keys/y", "*?[", "get", "increment", "a//b"]


@pytest.fixture(params=["", "/v1"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the routes are: plain, and with their version."""
    return f"{request.param}/working"


@pytest.fixture
def session(root: str) -> str:
    """Where a session that nobody else knows is."""
    return f"{root}/s-{uuid4().hex}"


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
        response
    )
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem


async def answer(http: httpx.AsyncClient, method: str, path: str, body: Any = None, **params: Any) -> Any:
    """The body of a response that is no error."""
    response = await http.request(method, path, json=body, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_value_is_set_read_changed_and_deleted(http: httpx.AsyncClient, session: str) -> None:
    path = f"{session}/keys/plan"
    one = await answer(http, "PUT", path, {"value": {"step": 1}, "if_version": 0})
    two = await answer(http, "PUT", path, {"value": [None], "ttl": 60, "if_version": 1})
    read = await answer(http, "GET", path)
    deleted = [await answer(http, "DELETE", path) for _ in range(2)]

    assert (one["key"], one["version"], two["version"]) == ("plan", 1, 2)
    assert (read["key"], read["value"], read["version"]) == ("plan", [None], 2)
    left = datetime.fromisoformat(read["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=30) < left < timedelta(seconds=90)
    assert [one["deleted"] for one in deleted] == [["plan"], []]


async def test_a_key_that_is_not_there_is_a_404_that_names_it_and_its_session(
    http: httpx.AsyncClient, session: str, agent: str
) -> None:
    response = await http.get(f"{session}/keys/plan", params={"agent_id": agent})

    problem = assert_problem(response, 404, "not-found")
    for name in ("'plan'", repr(session.rpartition("/")[2]), repr(agent)):
        assert name in problem["detail"]


async def test_a_version_that_has_moved_on_is_a_conflict(http: httpx.AsyncClient, session: str) -> None:
    path = f"{session}/keys/plan"
    await answer(http, "PUT", path, {"value": 1})

    assert_problem(await http.put(path, json={"value": 2, "if_version": 0}), 409, "conflict")
    assert_problem(await http.put(path, json={"value": 2, "if_version": 9}), 409, "conflict")
    assert_problem(await http.delete(path, params={"if_version": 9}), 409, "conflict")
    assert (await answer(http, "GET", path))["value"] == 1


async def test_values_are_set_read_listed_and_deleted_together(http: httpx.AsyncClient, session: str) -> None:
    values = [{"key": f"t/{number}", "value": number} for number in range(3)]
    done = await answer(http, "POST", f"{session}/keys", {"values": [*values, {"key": "u", "value": None}]})
    found = await answer(http, "POST", f"{session}/keys/get", {"keys": ["u", "none", "t/1"]})
    page = await answer(http, "GET", f"{session}/keys", prefix="t/", limit=2)
    rest = await answer(http, "GET", f"{session}/keys", prefix="t/", after=page["next"])
    gone = await answer(http, "POST", f"{session}/keys/delete", {"keys": ["u", "none"]})

    assert [one["version"] for one in done["results"]] == [1] * 4
    assert ([(one["key"], one["value"]) for one in found["results"]], found["missing"]) == (
        [("u", None), ("t/1", 1)],
        ["none"],
    )
    assert [one["value"] for one in (*page["results"], *rest["results"])] == [0, 1, 2]
    assert gone["deleted"] == ["u"]


async def test_a_number_is_added_to_and_a_list_appended_to(http: httpx.AsyncClient, session: str) -> None:
    one = await http.post(f"{session}/keys/n/increment")
    more = await answer(http, "POST", f"{session}/keys/n/increment", {"by": -2.5})
    length = await answer(http, "POST", f"{session}/keys/a/b/append", {"items": [1, {"x": []}]})

    assert (one.json()["value"], more["value"], length["length"]) == (1, -1.5, 2)
    assert (await answer(http, "GET", f"{session}/keys/a/b"))["value"] == [1, {"x": []}]
    assert_problem(await http.post(f"{session}/keys/a/b/increment"), 409, "conflict")
    assert_problem(await http.post(f"{session}/keys/n/append", json={"items": [1]}), 409, "conflict")


@pytest.mark.parametrize("name", ODD)
async def test_a_session_and_a_key_may_be_called_almost_anything(
    http: httpx.AsyncClient, root: str, agent: str, name: str
) -> None:
    encoded = quote(name, safe="").replace(".", "%2E")
    path = f"{root}/{encoded}/keys/{encoded}"

    await answer(http, "PUT", path, {"value": 1}, agent_id=agent)
    await answer(http, "POST", f"{path}/increment", {"by": 2}, agent_id=agent)

    assert (await answer(http, "GET", path, agent_id=agent))["value"] == 3
    [found] = (await answer(http, "GET", f"{root}/{encoded}/keys", agent_id=agent))["results"]
    [listed] = (await answer(http, "GET", root, agent_id=agent))["results"]
    assert (found["key"], listed["session_id"], listed["agent_id"]) == (name, name, agent)


async def test_messages_are_appended_and_the_session_is_read_kept_and_ended(
    http: httpx.AsyncClient, session: str
) -> None:
    first = await answer(http, "POST", f"{session}/messages", {"content": "Hello.", "name": "ada"})
    batch = {"messages": [{"content": "Hi.", "role": "assistant"}, {"content": "Bye."}]}
    more = await answer(http, "POST", f"{session}/messages/batch", batch)
    kept = await answer(http, "PATCH", session, {"ttl": 60, "window_messages": 10})
    found = await answer(http, "GET", session, last=2)
    ended = await answer(http, "DELETE", session)

    assert (first["sequences"], more["sequences"], more["messages"]) == ([1], [2, 3], 3)
    assert (kept["session"]["ttl"], kept["session"]["window_messages"]) == (60, 10)
    assert [(one["role"], one["content"]) for one in found["messages"]] == [("assistant", "Hi."), ("user", "Bye.")]
    assert (found["session"]["messages"], found["summary"]) == (3, None)
    assert ended["status"] == "ended"
    problem = assert_problem(await http.get(session), 404, "not-found")
    assert session.rpartition("/")[2] in problem["detail"]
    assert (await answer(http, "DELETE", session, promote="false"))["status"] == "absent"


async def test_a_write_is_done_once_for_its_key(http: httpx.AsyncClient, session: str) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    path = f"{session}/keys/n/increment"

    first, again = [await http.post(path, headers=key, json={"by": 2}) for _ in range(2)]
    other = await http.post(path, headers=key, json={"by": 3})

    assert first.json() == again.json()
    assert_problem(other, 409, "conflict")
    assert (await answer(http, "GET", f"{session}/keys/n"))["value"] == 2


@pytest.mark.parametrize(
    ("asked", "body", "field"),
    [
        (("PUT", "/keys/a%0Ab"), {"value": 1}, "key"),
        (("PUT", "/keys/a%00"), {"value": 1}, "key"),
        (("PUT", "/keys/a%C2%9B"), {"value": 1}, "key"),
        (("PUT", "/keys/%FF"), {"value": 1}, "key"),
        (("POST", "/keys/a%2F%FE/increment"), None, "key"),
        (("PUT", f"/keys/{'k' * 256}"), {"value": 1}, "key"),
        (("PUT", "/keys/"), {"value": 1}, "key"),
        (("PUT", "/keys/k"), {"value": 1, "ttl": 0}, "ttl"),
        (("PUT", "/keys/k"), {"value": 1, "ttl": -1}, "ttl"),
        (("PUT", "/keys/k"), {"value": 1, "ttl": 10**12}, "ttl"),
        (("PUT", "/keys/k"), {"value": 1, "ttl": True}, "ttl"),
        (("PUT", "/keys/k"), {"value": 1, "version": 1}, "version"),
        (("PUT", "/keys/k"), {"value": 1, "if_version": True}, "if_version"),
        (("PUT", "/keys/k"), {"ttl": 1}, "value"),
        (("GET", "/keys?limit=0"), None, "limit"),
        (("POST", "/keys"), {"values": []}, "values"),
        (("POST", "/keys"), {"values": [{"key": "k", "value": 1}] * 2}, "values"),
        (("POST", "/keys/get"), {"keys": ["a", "a"]}, "keys"),
        (("POST", "/keys/delete"), {"keys": ["a", "b"], "if_version": 1}, "body"),
        (("POST", "/keys/k/append"), {"items": []}, "items"),
        (("POST", "/keys/k/increment"), {"by": "1"}, "by"),
        (("POST", "/messages"), {"content": ""}, "content"),
        (("POST", "/messages/batch"), {"messages": []}, "messages"),
        (("POST", "/keys/delete"), {"keys": ["a"], "if_version": "1"}, "if_version"),
        (("PATCH", ""), {"ttl": 1, "lasting": True}, "body"),
        (("PATCH", ""), {"lasting": "yes"}, "lasting"),
        (("GET", "?last=-1"), None, "last"),
        (("GET", "?last=3&first=3"), None, "body"),
        (("POST", "/promote"), {"keys": ["a"], "through": 1}, "body"),
    ],
)
async def test_what_cannot_be_is_refused_where_it_is_wrong(
    http: httpx.AsyncClient, session: str, asked: tuple[str, str], body: Any, field: str
) -> None:
    method, path = asked
    problem = assert_problem(await http.request(method, f"{session}{path}", json=body), 422, "invalid")

    assert field in [fault["field"] for fault in problem["faults"]]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"value": NaN}',
        b'{"value": -Infinity}',
        b'{"value": 1e999}',
        b'{"value": 18446744073709551616}',
        b'{"value": "\\ud800"}',
        b'{"value": "\\u0000"}',
        b'{"value": ' + b"[" * 66 + b"]" * 66 + b"}",
        b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"value": 1',
        b'"value"',
    ],
    ids=lambda raw: repr(raw[:40]),
)
async def test_a_body_that_is_no_json_or_too_deep_is_refused(
    http: httpx.AsyncClient, session: str, raw: bytes
) -> None:
    response = await http.put(f"{session}/keys/k", content=raw, headers={"Content-Type": "application/json"})

    problem = assert_problem(response, 422, "invalid")
    assert ("nested" in problem["detail"]) == (b"[[" in raw)
    assert_problem(await http.get(f"{session}/keys/k"), 404, "not-found")


async def test_a_value_above_the_limit_is_refused_and_the_one_before_stays(
    http: httpx.AsyncClient, session: str
) -> None:
    await answer(http, "PUT", f"{session}/keys/k", {"value": 1})

    refused = assert_problem(await http.put(f"{session}/keys/k", json={"value": "x" * 262_144}), 413, "too-large")

    assert "262144" in refused["detail"].replace(",", "")
    assert (await answer(http, "GET", f"{session}/keys/k"))["value"] == 1


@pytest.mark.parametrize("name", ["%FF", "a%C3"])
async def test_a_session_whose_id_is_no_text_is_refused(http: httpx.AsyncClient, root: str, name: str) -> None:
    problem = assert_problem(await http.get(f"{root}/{name}"), 422, "invalid")

    assert [fault["field"] for fault in problem["faults"]] == ["session_id"]


async def test_every_body_is_documented_by_examples_that_are_taken(http: httpx.AsyncClient, agent: str) -> None:
    document = (await http.get("/openapi.json")).json()
    posts = [
        (path, operation["post"])
        for path, operation in document["paths"].items()
        if path.startswith("/working/") and "post" in operation
    ]

    for path, operation in sorted(posts, key=lambda one: "delete" in one[0]):
        for name, example in operation["requestBody"]["content"]["application/json"]["examples"].items():
            key = "steps" if path.endswith("increment") else "items"
            target = path.format(session_id="s", key=key, **{"key:path": key})
            response = await http.post(target, params={"agent_id": agent}, json=example["value"])
            guarded = name == "guarded"
            assert response.status_code == (409 if guarded else 200), (path, name, response.text)
    assert len(posts) == 8
