"""The prompt that begins a task with all that memory has for it."""

from collections.abc import Mapping

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from memos.client.sending import build
from memos.client.tool_http import excerpt
from memos.errors import NotFound
from memos.mcp_server.agent import Agent
from memos.mcp_server.tasks import AskContext, context

TASK = Prompt(
    name="task",
    title="Begin a task",
    description="The task, and all that memory has for it.",
    arguments=[
        PromptArgument(name="task", description="What is to be done, in plain words.", required=True),
        PromptArgument(name="loadout", description="The loadout that equips the agent, by its name."),
    ],
)

AFTERWARDS = "When the task is over, tell by record_learning how it ended, what was learned, and what helped."


async def prompt(agent: Agent, name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """A prompt with its context. Raises `NotFound`, `InvalidCommand`, and what the SDK raises."""
    if name != TASK.name:
        raise NotFound(f"There is no prompt {excerpt(name)!r}. There is {TASK.name!r}.")
    answer = await context(agent, build(AskContext, **arguments))
    text = f"{answer.text}\n\n## The task\n{arguments['task']}\n\n{AFTERWARDS}"
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=TASK.description, messages=[message])
