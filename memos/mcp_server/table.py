"""The one table of the server's tools: what each is called and takes, who answers it, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from memos.mcp_server import calls, memories, tasks, working
from memos.mcp_server.agent import Agent, Answer
from memos.records import Record

Effect = Literal["reads", "adds", "overwrites", "calls"]
"""What a tool does: a tool that `calls` others may do anything, all others stay within memOS."""


@dataclass(frozen=True, slots=True)
class ServedTool:
    """A tool as clients see it. `repeatable` is true when the same call again changes nothing more."""

    name: str
    title: str
    description: str
    takes: type[Record]
    gives: type[Record]
    answer: Callable[[Agent, Any], Awaitable[Answer]]
    effect: Effect
    repeatable: bool = True


TOOLS: tuple[ServedTool, ...] = (
    ServedTool(
        "context",
        "Get the context of a task",
        "Call this before you begin a task. It gathers all that memory has for it: lessons of earlier tasks, "
        "memories, tools that can be called, and what is at hand, best first.",
        tasks.AskContext,
        tasks.Gathered,
        tasks.context,
        "reads",
    ),
    ServedTool(
        "remember",
        "Remember",
        "Store something worth knowing later: a fact, a decision, a preference, what happened. One thing each, in "
        "words that can be understood without this chat. What is known already is not stored twice.",
        memories.Remember,
        memories.Remembered,
        memories.remember,
        "adds",
    ),
    ServedTool(
        "recall",
        "Recall",
        "Search memory by meaning and by words, and get the memories that answer a question best, with their ids.",
        memories.Recall,
        memories.Recalled,
        memories.recall,
        "reads",
    ),
    ServedTool(
        "forget",
        "Forget",
        "Delete one memory by its id, everywhere. To correct a memory, remember the new text with `supersedes` in "
        "place of this.",
        memories.Forget,
        memories.Forgotten,
        memories.forget,
        "overwrites",
    ),
    ServedTool(
        "record_learning",
        "Record what was learned",
        "Call this when a task is over: how it ended, what to do better next time, and which memories and tools "
        "helped. It is acknowledged at once and makes the next task like it go better.",
        tasks.RecordLearned,
        tasks.LearningTold,
        tasks.record_learning,
        "adds",
        repeatable=False,
    ),
    ServedTool(
        "discover_tools",
        "Discover tools",
        "Find registered tools for a task, best first, with the schemas of their arguments. Call one by call_tool.",
        calls.Discover,
        calls.Discovered,
        calls.discover_tools,
        "reads",
    ),
    ServedTool(
        "call_tool",
        "Call a registered tool",
        "Call a tool that discover_tools or context has named, with arguments that fit its schema. They are "
        "checked first, and what became of the call is remembered, so that tasks like this find the right tool.",
        calls.Call,
        calls.Called,
        calls.call_tool,
        "calls",
        repeatable=False,
    ),
    ServedTool(
        "working_get",
        "Look at what is at hand",
        "Get a value of working memory by its key, or everything in a session: values, a summary and the newest "
        "messages. Working memory is for what a task needs now; it ends with its session.",
        working.GetNotes,
        working.Notes,
        working.working_get,
        "reads",
    ),
    ServedTool(
        "working_set",
        "Keep at hand",
        "Keep a value under a key of working memory, such as a plan or how far you are. It takes the place of what "
        "was there.",
        working.SetNote,
        working.NoteKept,
        working.working_set,
        "overwrites",
    ),
    ServedTool(
        "working_append",
        "Append to a list at hand",
        "Append items to a list in working memory, which begins with them if there is none.",
        working.AppendNotes,
        working.NotesAppended,
        working.working_append,
        "adds",
        repeatable=False,
    ),
    ServedTool(
        "working_delete",
        "Remove from what is at hand",
        "Delete a key of working memory that is needed no longer.",
        working.DeleteNote,
        working.NoteDeleted,
        working.working_delete,
        "overwrites",
    ),
    ServedTool(
        "log_message",
        "Log a message",
        "Append a message of the conversation to the log of a session in working memory, so that it can be gone on "
        "with later or by another model.",
        working.LogMessage,
        working.MessageLogged,
        working.log_message,
        "adds",
        repeatable=False,
    ),
)
