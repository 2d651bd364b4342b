"""What was learned as the command line shows it."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.events.learning import Learning, LearningRecorded, LessonLearned, MemoryJudged, ToolJudged
from memos.events.problems import Problem

Result = LessonLearned | MemoryJudged | ToolJudged | Problem


def show_recorded(console: Console, recorded: LearningRecorded) -> None:
    """Print what became of each lesson, memory and tool."""
    console.print(Text.assemble(recorded.message, (f"  {recorded.learning_id}", "dim")), soft_wrap=True)
    for name, results in (("lesson", recorded.lessons), ("memory", recorded.memories), ("tool", recorded.tools)):
        for number, result in enumerate(results):
            print_indented(console, _result(f"{name} {number + 1}", result))


def show_learning(console: Console, learning: Learning) -> None:
    """Print what was told of a task: when, by whom, how it ended, and what came of it."""
    moment = learning.occurred_at
    console.print(
        Text.assemble(
            f"{moment:%Y-%m-%d %H:%M}  ",
            (learning.outcome, "green" if learning.outcome == "success" else "yellow"),
            f"  {learning.agent_id}",
            (f"  {learning.learning_id}", "dim"),
        ),
        soft_wrap=True,
    )
    if learning.task:
        print_indented(console, Text(learning.task))
    if traits := ", ".join(_traits(learning)):
        print_indented(console, Text(traits, style="dim"))


def _result(name: str, result: Result) -> Text:
    if isinstance(result, Problem):
        return Text(f"{name}: {result.detail}", style="red")
    return Text(f"{name}: {_became(result)}")


def _became(result: LessonLearned | MemoryJudged | ToolJudged) -> str:
    if isinstance(result, ToolJudged):
        return f"{result.tool_id}, {'an outcome was recorded' if result.recorded else 'nothing was counted'}"
    if isinstance(result, MemoryJudged):
        return f"{result.memory_id}, usefulness {result.usefulness:+.3f}"
    often = "" if result.times == 1 else f", learned {result.times} times"
    against = "".join(f"; contradicts {other.memory_id}: {other.reason}" for other in result.contradicts)
    missed = "".join(f"; not known: {other}" for other in result.unknown)
    return f"{result.memory_id}, {result.status}{often}{against}{missed}"


def _traits(learning: Learning) -> Iterator[str]:
    if learning.task_id:
        yield f"task {learning.task_id}"
    for name, number in (
        ("lessons", len(learning.lessons)),
        ("memories", learning.memories),
        ("tools", learning.tools),
    ):
        if number:
            yield f"{name}: {number}"
    if learning.seconds is not None:
        yield f"{learning.seconds:g} s"
    if learning.tokens is not None:
        yield f"{learning.tokens} tokens"
    if learning.cost is not None:
        yield f"cost {learning.cost:g}"
