"""What the model does next. It is no language model, but a few rules, the same for every prompt:

1. The task is the last message of the user, in one part or several (`…, and …`). Each tool is scored by the words
   that its name and description share with a part; words that few tools say count for more, and a name counts
   twice. The best tool of each part is called.
2. Lessons are read where the prompt has them, numbered below a heading that speaks of lessons. Of those whose task
   is like this one the first counts that says which tools to use: they are called in that order, with the arguments
   that it names as `name=value`. Tools that lessons say fail are left alone if there are others.
3. Arguments come from the lesson, from what earlier calls answered under the same name, or from the task: the text
   in quotes, or after words such as `find out`. What is required and not to be had is guessed, unless there is a
   lesson.
4. When a call fails for what was asked, the model looks for what it lacks with tools that only read, which need no
   guess; then it calls again. When a tool is out of order, the next best one of its kind stands in for it: reading
   never stands in for writing.
5. When the calls that were wanted have gone well, their results are the answer. When nothing is left to be tried,
   the answer says so.

So without a lesson it repeats its detours with every task, and a lesson is what spares them. Of `Mark "call the
plumber" as done on my to-do list.` it knows no id: `todo_complete` fails by the guess, `todo_list` finds the task,
and `todo_complete` succeeds. The lesson of this says `use todo_list, then todo_complete`: two calls, not three.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from devenviro.model_server.arguments import Filled, filled, parts_of
from devenviro.model_server.conversation import Conversation
from devenviro.model_server.lessons import Advice, advice_of
from devenviro.model_server.results import Call
from devenviro.model_server.tools import Tool, Toolbox
from devenviro.model_server.words import kind_of

CLOSE = 0.5
"""What a tool scores at least, compared with the best one, to stand in for it."""

MOST_CALLS_OF_ONE = 2


class Step(NamedTuple):
    """The next call."""

    tool: Tool
    arguments: dict[str, Any]

    @property
    def json(self) -> str:
        """The arguments as a model writes them."""
        return json.dumps(self.arguments, ensure_ascii=False)


class Finish(NamedTuple):
    """That there is no next call: all is `done`, or cannot be; `results` are the calls that did what was wanted."""

    done: bool
    results: Sequence[Call] = ()


class Progress(NamedTuple):
    """How far the wanted calls have come: what did each so far, and what was called since."""

    results: Sequence[Call]
    since: Sequence[Call]


@dataclass(frozen=True)
class Policy:
    """Decides on a conversation with tools."""

    conversation: Conversation
    toolbox: Toolbox

    def next(self) -> Step | Finish:
        """What to do now."""
        goals, progress = self.goals, progress_of(self.goals, self.conversation.calls, self.toolbox)
        if len(progress.results) == len(goals):
            return Finish(done=bool(goals), results=progress.results)
        goal, since = goals[len(progress.results)], progress.since
        if not since:
            steps = [self._step(goal, guessing=not any(goal in advice.plan for advice in self._advice))]
        elif since[-1].ok:
            steps = [self._step(goal, guessing=False)]
        else:
            steps = [self._step(tool, guessing=False) for tool in self._instead(goal, since)]
        return next(filter(None, steps), None) or Finish(done=False, results=progress.results)

    def only(self, tool: Tool) -> Step | Finish:
        """What to do when one tool has to be called: call it, once."""
        made = [call for call in self.conversation.calls if call.tool == tool.name]
        if made:
            return Finish(made[-1].ok, made[-1:])
        return self._step(tool, guessing=True) or Finish(done=False)

    @cached_property
    def goals(self) -> Sequence[Tool]:
        """The tools that do the task, each once, in order: those of a lesson, or the best one of each part."""
        whole, *_ = self._advice
        each = [tool for part in self._parts for tool in self._advised(part).plan or self._best(part)]
        return whole.plan or list({tool.name: tool for tool in each}.values())

    @cached_property
    def _advice(self) -> Sequence[Advice]:
        """What the lessons say of the task, and of its parts."""
        return [self._advised(text) for text in (self.conversation.task, *parts_of(self.conversation.task))]

    def _advised(self, text: str) -> Advice:
        return advice_of(self.conversation.lessons, text, self.toolbox)

    def _best(self, part: str) -> list[Tool]:
        """The tool that fits a part best; if lessons say that it fails, one that can stand in for it."""
        fitting = self.toolbox.ranked(kind_of(part)) or self.toolbox.ranked(part)
        return [tool for _, tool in self._ranked(part) if tool.stands_in_for(fitting[0][1])][:1]

    @cached_property
    def _parts(self) -> Sequence[str]:
        """What is to be done one after the other, if there is a tool for each."""
        parts = parts_of(self.conversation.task)
        return parts if all(map(self._ranked, parts)) else [self.conversation.task]

    def _instead(self, goal: Tool, since: Sequence[Call]) -> list[Tool]:
        """What else can be called after a failure: what finds what the goal lacks, or could stand in for it."""
        called = {call.tool for call in since}
        wrong = next((call for call in since if call.tool == goal.name and call.asked_wrongly), None)
        if wrong is None:
            others = self._close_to(goal)
        else:
            others = [tool for _, tool in self._ranked(f"{self._part_for(goal)} {wrong.error}") if tool.reads]
        return [tool for tool in others if tool.name not in called]

    def _close_to(self, goal: Tool) -> list[Tool]:
        """The tools of its kind that are nearly as good for its part of the task as the best one."""
        ranked = self._ranked(self._part_for(goal))
        best = max((score for score, _ in ranked), default=0)
        return [tool for score, tool in ranked if score >= CLOSE * best and tool.stands_in_for(goal)]

    def _step(self, tool: Tool, *, guessing: bool) -> Step | None:
        """The call of a tool; none of one that was made, or for which something has to be guessed."""
        made = [call.arguments for call in self.conversation.calls if call.tool == tool.name]
        given = self._filled(tool)
        if (given.guessed and not guessing) or given.arguments in made or len(made) >= MOST_CALLS_OF_ONE:
            return None
        return Step(tool, given.arguments)

    def _filled(self, tool: Tool) -> Filled:
        told = next((one.arguments[tool.name] for one in self._advice if tool.name in one.arguments), {})
        return filled(tool, self._part_for(tool), self.conversation.calls, told)

    def _part_for(self, tool: Tool) -> str:
        """The part of the task that a tool fits best; the first one, if none."""
        return max(self._parts, key=lambda part: self.toolbox.score(kind_of(part), tool))

    def _ranked(self, text: str) -> list[tuple[float, Tool]]:
        """The tools that fit a text, going by what is not in quotes, if that says something."""
        avoid = frozenset().union(*(advice.avoid for advice in self._advice))
        return self.toolbox.ranked(kind_of(text), avoid) or self.toolbox.ranked(text, avoid)


def progress_of(goals: Sequence[Tool], calls: Sequence[Call], toolbox: Toolbox) -> Progress:
    """Which goals were reached: by a call of the tool that went well, or of a stand-in when it was out of order."""
    results: list[Call] = []
    since: list[Call] = []
    for call in calls:
        since.append(call)
        if len(results) < len(goals) and call.ok and _reaches(goals[len(results)], since, toolbox.named(call.tool)):
            results.append(call)
            since = []
    return Progress(results, since)


def _reaches(goal: Tool, since: Sequence[Call], called: Tool | None) -> bool:
    """Whether the last of some calls did what a tool was wanted for."""
    broken = any(call.tool == goal.name and not call.ok and not call.asked_wrongly for call in since)
    return since[-1].tool == goal.name or (broken and called is not None and called.stands_in_for(goal))
