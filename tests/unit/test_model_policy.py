"""How the deterministic model of the examples reads lessons, tasks and what tools answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from devenviro.model_server.arguments import filled, parts_of, subject_of
from devenviro.model_server.conversation import Conversation
from devenviro.model_server.learning import learned_of
from devenviro.model_server.lessons import Lesson, advice_of, lessons_in
from devenviro.model_server.policy import Policy, Step
from devenviro.model_server.results import Call, value_in
from devenviro.model_server.tools import Tool, Toolbox
from devenviro.model_server.wire import FunctionOffered
from devenviro.model_server.words import kind_of, words

TASK = "Book a table"


def tool(name: str, description: str = "", required: Sequence[str] = (), **properties: Mapping[str, Any]) -> Tool:
    parameters = {"type": "object", "properties": properties, "required": [*required]}
    return Tool(FunctionOffered(name=name, description=description, parameters=parameters))


TOOLBOX = Toolbox([tool("inns__table_book"), tool("inns__table_find"), tool("phone", "Call somebody.")])


def advised(*lessons: str) -> tuple[list[str], set[str]]:
    """The tools of the plan and those to avoid, by lessons of the same task."""
    advice = advice_of([Lesson(1, lesson, TASK) for lesson in lessons], TASK, TOOLBOX)
    return [one.name for one in advice.plan], {*advice.avoid}


@pytest.mark.parametrize(
    ("lesson", "plan", "avoid"),
    [
        ("Use table_find, then table_book.", ["inns__table_find", "inns__table_book"], set()),
        ("For this use inns__table_find and table_book", ["inns__table_find", "inns__table_book"], set()),
        ("table_book fails for large groups: use phone.", ["phone"], {"inns__table_book"}),
        ("Do not use table_book or table_find; call phone.", ["phone"], {"inns__table_book", "inns__table_find"}),
        ("Use phone instead of table_book.", ["phone"], {"inns__table_book"}),
        ("phone works.", ["phone"], set()),
        ("phone failed: it did not answer.", [], {"phone"}),
        ("Use phone. phone failed at first: no credit.", ["phone"], set()),
        ("Guests like table_book.", [], set()),
        ('Use "phone" in quotes, and telephone.', [], set()),
    ],
)
def test_a_lesson_is_for_some_tools_and_against_others(lesson: str, plan: list[str], avoid: set[str]) -> None:
    assert advised(lesson) == (plan, avoid)


def test_of_two_lessons_that_differ_the_first_counts() -> None:
    assert advised("Use phone.", "Use table_book. phone failed: why.") == (["phone"], set())
    assert advised("phone failed: why.", "Use phone, then table_book.") == (["inns__table_book"], {"phone"})


def test_a_lesson_names_arguments() -> None:
    text = 'Use table_find with seats=4 and day="next week", then table_book.'
    advice = advice_of([Lesson(1, text, TASK)], TASK, TOOLBOX)

    assert advice.arguments == {"inns__table_find": {"seats": 4, "day": "next week"}, "inns__table_book": {}}


def test_lessons_are_numbered_entries_below_their_heading() -> None:
    prompt = """Be brief.
1. no lesson
## Lessons of earlier tasks
1. [2026-05-01, failure, learned 2 times, task: Book a table] phone failed:
   nobody answered.
2. Use phone.
no entry
## Memories
3. Use table_book."""

    assert [*lessons_in(prompt)] == [
        Lesson(1, "phone failed: nobody answered.", "Book a table"),
        Lesson(2, "Use phone.", ""),
    ]


def test_lessons_of_other_tasks_are_not_heeded() -> None:
    for lesson in (Lesson(1, "Use phone.", "Water the plants"), Lesson(1, "For plants use phone.", "")):
        assert not advice_of([lesson], TASK, TOOLBOX).plan
    assert advice_of([Lesson(1, "For booking a table: use phone.", "")], TASK, TOOLBOX).plan
    assert not advice_of([Lesson(1, "Use phone.", f"{TASK}, and water the plants")], TASK, TOOLBOX).plan


@pytest.mark.parametrize(
    ("task", "subject"),
    [
        ('Mark "call Ann" as done', "call Ann"),
        ("Remind me to call Ann.", "call Ann"),
        ("Please find out how a kettle is descaled!", "how a kettle is descaled"),
        ("Add milk and bread to my shopping list", "milk and bread"),
        ("What is that?", "What is that"),
        ("Search the web for sourdough", "sourdough"),
        ("Search sourdough", "sourdough"),
    ],
)
def test_the_subject_of_a_task_is_in_quotes_or_after_certain_words(task: str, subject: str) -> None:
    assert subject_of(task) == subject


@pytest.mark.parametrize(
    ("task", "query"),
    [
        ('Search the web for "descale a kettle".', "descale a kettle"),
        ("Please search the web for how a kettle is descaled.", "how a kettle is descaled"),
        ("Search on the internet for webs", "webs"),
        ('Search for "descale a kettle" on the web', "descale a kettle"),
        ('Find out how "the GIL" affects threads', 'how "the GIL" affects threads'),
        ('Search the web for "tea" or "coffee"', '"tea" or "coffee"'),
        ("Search for webinars", "webinars"),
    ],
)
def test_the_query_of_a_search_is_in_quotes_or_after_what_asks_for_it(task: str, query: str) -> None:
    search = tool("search", "", ["query"], query={"type": "string"})
    assert filled(search, task, [], {}).arguments == {"query": query}


def test_a_task_has_parts_and_it_is_what_the_part_before_is_about() -> None:
    assert parts_of("Find out who sings, and put it on my list") == [
        "Find out who sings",
        'put "who sings" on my list',
    ]
    assert parts_of('Add "a, and then b", then ring') == ['Add "a, and then b"', "ring"]
    assert kind_of('Add "it\'s late" to “that”!') == "Add … to …"
    assert words("The to-do lists of todo_list?") == {"todo", "list", "question"}


def test_arguments_come_from_the_lesson_from_answers_and_from_the_task() -> None:
    given = tool(
        *("order", "Order a dish."),
        ("dish_id", "dish", "count", "hot"),
        dish_id={"type": "string"},
        dish={"anyOf": [{"type": "null"}, {"type": "string"}]},
        count={"type": "integer"},
        hot={"type": "boolean"},
        size={"enum": ["small", "large"]},
        day={"type": "string", "format": "date"},
        note={"type": "string"},
        table={"type": "string"},
    )
    answers = '{"results": [{"dish_id": "a", "name": "soup of the day"}, {"dish_id": "b", "name": "Soup"}]}'
    task = 'Order "soup", 3 times, large size, day 2026-05-01, note "no salt"'

    asked = filled(given, task, [Call("find", {}, answers)], {"table": "7"})

    found = {"dish_id": "b", "dish": "soup", "count": 3, "hot": True, "size": "large", "day": "2026-05-01"}
    assert asked.arguments == {**found, "note": "no salt", "table": "7"}
    assert asked.guessed == ["hot"]


@pytest.mark.parametrize(
    ("text", "wrong", "why"),
    [
        ('{"error": "The key must be given. Sorry."}', True, "The key must be given."),
        ('{"status": 503, "detail": "closed"}', False, "closed"),
        ('{"success": false, "message": "no"}', False, "no"),
        (
            't answered with status 422: {"title": "x", "detail": "id: invalid. No"}',
            True,
            "t answered with status 422: id: invalid.",
        ),
        ("The arguments for t are not valid: arguments.id: must be a number.", True, None),
        ("t did not answer within 5 s. Give it a longer timeout.", False, "t did not answer within 5 s."),
    ],
)
def test_a_failure_is_told_from_what_a_tool_answers(text: str, wrong: bool, why: str | None) -> None:
    call = Call("t", {}, text)

    assert (call.ok, call.asked_wrongly) == (False, wrong)
    assert call.why == (why or text)


@pytest.mark.parametrize("text", ['{"status": "open"}', "[]", "It rains.", '{"text": "an error occurred"}', "7"])
def test_other_answers_are_no_failures(text: str) -> None:
    assert Call("t", {}, text).ok


def test_nothing_is_taken_from_an_answer_that_has_nothing_to_do_with_the_task() -> None:
    calls = [Call("t", {}, '{"results": [{"id": "a", "name": "soup"}]}')]

    assert value_in(calls, "id", "Order soup") == "a"
    assert value_in(calls, "id", "Order bread") is None
    assert value_in(calls, "key", "Order soup") is None


ADD = tool("add", "Add a task to the list.", ["title"], title={"type": "string"})
LIST = tool("list", "List the tasks on the list.")
CLEAR = tool("clear", "Delete every task on the list.")
PUT = tool("put", "Add a task to a list.", ["title"], title={"type": "string"})
ADDING = 'Add "milk" as a task to the list.'
AWAY = [
    "add could not be called: ConnectError. See that its endpoint runs.",
    "add did not answer within 5 s. Give it a longer timeout.",
    *(f"add answered with status {status}: closed" for status in (502, 503, 504)),
]


def conversation(*calls: Call, said: str = "", lessons: Sequence[Lesson] = ()) -> Conversation:
    return Conversation(ADDING, lessons, calls, said, None)


def called_next(*calls: Call, tools: Sequence[Tool], lessons: Sequence[Lesson] = ()) -> str | None:
    """The tool that is called next; none if that is the end, and the task is not done."""
    found = Policy(conversation(*calls, lessons=lessons), Toolbox(tools)).next()
    if isinstance(found, Step):
        return found.tool.name
    assert (found.done, [*found.results]) == (False, [])
    return None


@pytest.mark.parametrize("text", AWAY)
def test_an_outage_teaches_nothing(text: str) -> None:
    away, stood_in = Call("add", {}, text), Call("put", {}, "{}")
    advised = [Lesson(1, "Use add.", ADDING)]
    for calls in ([away], [away, stood_in]):
        found = learned_of(conversation(*calls, lessons=advised))
        assert (found.new, found.misled, "failed" in found.lesson) == (False, [], False)
    broken = learned_of(conversation(Call("add", {}, "add answered with status 500: torn"), lessons=advised))
    assert (broken.new, broken.misled) == (True, [1])


@pytest.mark.parametrize("text", AWAY)
def test_for_a_tool_that_writes_only_one_that_does_the_same_stands_in(text: str) -> None:
    away = Call("add", {"title": "milk"}, text)
    assert called_next(away, tools=[ADD, LIST, CLEAR]) is None
    assert called_next(away, tools=[ADD, LIST, CLEAR, PUT]) == "put"
    listed = Call("list", {}, '{"results": []}')
    assert called_next(away, listed, tools=[ADD, LIST, CLEAR]) is None


def test_a_lesson_that_a_tool_fails_does_not_make_reading_do_for_writing() -> None:
    lessons = [Lesson(1, "add failed: it could not be called.", ADDING)]
    assert called_next(tools=[ADD, LIST, CLEAR], lessons=lessons) == "add"
    assert called_next(tools=[ADD, LIST, CLEAR, PUT], lessons=lessons) == "put"
