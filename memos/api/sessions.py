"""The routes of working memory's sessions and their messages."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Body, Depends, Path, Query, Response

from memos.api.memory import AgentId
from memos.api.requests import Asked, problems
from memos.api.working_bodies import AppendMessagesRequest, PromoteRequest
from memos.api.working_examples import CONVERSATION, MESSAGES, OPTIONS, PROMOTIONS
from memos.client.sending import build
from memos.events.commands import DEFAULT_AGENT
from memos.events.sessions import (
    LAST,
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    Message,
    MessagesAppended,
    PromoteSession,
    ReadSession,
    SessionConfigured,
    SessionEndOutcome,
    SessionFound,
    SessionOptions,
    SessionPromoted,
    SessionsListed,
)
from memos.events.texts import Identifier
from memos.events.working import MOST_LISTED

SessionId = Annotated[Identifier, Path(description="The session's id; percent-encode a slash in it.")]
Last = Annotated[int, Query(ge=0, le=MOST_LISTED, description="The most messages to read, the newest.")]
First = Annotated[
    int | None, Query(ge=1, le=MOST_LISTED, description="The most messages to read, the oldest instead.")
]
MaxTokens = Annotated[int | None, Query(ge=1, le=10_000_000, description="The most that they may cost together.")]
AfterMessage = Annotated[int, Query(ge=0, description="The number of the message after which to begin.")]
Promoted = Annotated[
    bool | None,
    Query(description="Whether its messages become memories; as the session's options say, unless given."),
]


async def place_of(session_id: SessionId, agent_id: AgentId = DEFAULT_AGENT) -> Mapping[str, Any]:
    """Which session of which agent is meant."""
    return {"session_id": session_id, "agent_id": agent_id}


Place = Annotated[Mapping[str, Any], Depends(place_of)]


def add_session_routes(add: Callable[..., None]) -> None:
    """Add the routes of sessions to a router."""
    path, post, refused = "/working/{session_id}", partial(add, methods=["POST"]), problems(409, 413)
    add("/working", list_page, methods=["GET"], response_model=SessionsListed, responses=problems())
    add(path, read, methods=["GET"], response_model=SessionFound, responses=problems(404))
    add(path, configure, methods=["PATCH"], response_model=SessionConfigured, responses=problems(409))
    add(path, end, methods=["DELETE"], response_model=SessionEndOutcome, responses=problems(409))
    post(f"{path}/messages", append_message, response_model=MessagesAppended, responses=refused)
    post(f"{path}/messages/batch", append_messages, response_model=MessagesAppended, responses=refused)
    post(f"{path}/promote", promote, response_model=SessionPromoted, responses=problems(404, 409))


async def list_page(selection: Annotated[ListSessions, Query()], exchange: Asked) -> Response:
    """Read an agent's sessions in the order of their ids, a page at a time."""
    return await exchange.answer(selection)


async def read(
    place: Place,
    exchange: Asked,
    *,
    last: Last = LAST,
    first: First = None,
    max_tokens: MaxTokens = None,
    after: AfterMessage = 0,
) -> Response:
    """Read a session: what it is, its running summary, and its newest messages, oldest first.

    With `first` they are the oldest above the number `after`, to read a long log on from there.
    """
    command = build(ReadSession, **place, last=last, first=first, max_tokens=max_tokens, after=after)
    return await exchange.answer(command)


async def configure(
    body: Annotated[SessionOptions, Body(openapi_examples=OPTIONS)], place: Place, exchange: Asked
) -> Response:
    """Set how a session is kept, and begin it if there is none."""
    return await exchange.answer(ConfigureSession.model_construct(**place, options=body))


async def end(place: Place, exchange: Asked, promote: Promoted = None) -> Response:
    """End a session: from now on it has nothing in it."""
    return await exchange.answer(EndSession.model_construct(**place, promote=promote))


async def append_message(
    body: Annotated[Message, Body(openapi_examples=MESSAGES)], place: Place, exchange: Asked
) -> Response:
    """Append a message to the log of a session, which begins by it."""
    return await exchange.answer(AppendMessage.model_construct(**place, message=body))


async def append_messages(
    body: Annotated[AppendMessagesRequest, Body(openapi_examples=CONVERSATION)], place: Place, exchange: Asked
) -> Response:
    """Append up to 100 messages to the log of a session, in their order: all of them, or none."""
    return await exchange.answer(AppendMessages.model_construct(**place, messages=body.messages))


async def promote(
    place: Place,
    exchange: Asked,
    body: Annotated[PromoteRequest | None, Body(openapi_examples=PROMOTIONS)] = None,
) -> Response:
    """Make memories of a session's messages, in their order, or of chosen keys."""
    chosen = (body or PromoteRequest()).model_dump()
    return await exchange.answer(build(PromoteSession, **place, **chosen))
