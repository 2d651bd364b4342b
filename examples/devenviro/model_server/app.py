"""The model over HTTP, by OpenAI's API."""

from typing import Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse

from devenviro.model_server.answers import answer_of
from devenviro.model_server.conversation import Conversation
from devenviro.model_server.learning import learned_of, told
from devenviro.model_server.policy import Finish, Policy, Step
from devenviro.model_server.tools import Toolbox
from devenviro.model_server.wire import ChatRequest, Completion, Said, ToolNamed

MODEL = "devenviro"
HANGS, FAILS, GARBLES = "hangs", "fails", "garbles"
"""Models that misbehave: never an answer, status 500, and calls whose arguments are no JSON."""


class NoSuchTool(ValueError):
    """A tool has to be called that is not offered."""


def create_app() -> FastAPI:
    """An application that serves `/v1/chat/completions` and `/v1/models`; it keeps nothing."""
    app = FastAPI(title="A small deterministic model")
    app.add_exception_handler(RequestValidationError, _refused)

    @app.get("/v1/models")
    def models() -> dict[str, object]:
        """The models there are; any other name is taken for the first one."""
        names = (MODEL, HANGS, FAILS, GARBLES)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "devenviro"} for name in names]
        return {"object": "list", "data": data}

    @app.post("/v1/chat/completions")
    async def complete(asked: ChatRequest, request: Request) -> Response:
        """The next message of a conversation."""
        if asked.model == HANGS:
            await request.receive()  # after the body there is nothing more to come but the end of the connection
        if asked.model == FAILS:
            return _error(500, "This model always fails.", "server_error")
        try:
            completion = Completion(asked, _garbled(said_to(asked), asked.model))
        except NoSuchTool as error:
            return _error(400, str(error), "invalid_request_error")
        if asked.stream:
            return StreamingResponse(completion.events(), media_type="text/event-stream")
        return JSONResponse(completion.whole)

    @app.get("/health", include_in_schema=False)
    def health() -> dict[Literal["status"], str]:
        return {"status": "ok"}

    return app


def said_to(asked: ChatRequest) -> Said:
    """What the model says to a request. Raises `NoSuchTool`."""
    conversation = Conversation.of(asked)
    if conversation.question is not None:
        return Said(told(learned_of(conversation), conversation.question, asked.response_format))
    move = _chosen(asked, Policy(conversation, Toolbox.of(asked.tools)))
    if isinstance(move, Step):
        return Said(tool=move.tool.name, arguments=move.json)
    return Said(answer_of(conversation, move))


def _chosen(asked: ChatRequest, policy: Policy) -> Step | Finish:
    """What the policy decides, as far as the request leaves the choice to it."""
    choice = asked.tool_choice
    if isinstance(choice, ToolNamed):
        tool = policy.toolbox.named(choice.function.name)
        if tool is None:
            raise NoSuchTool(f"tool_choice: {choice.function.name} is not among tools.")
        return policy.only(tool)
    move = policy.next()
    if choice == "none" and isinstance(move, Step):
        return Finish(done=False)
    if choice == "required" and isinstance(move, Finish) and not policy.conversation.calls and asked.tools:
        return policy.only(policy.toolbox.tools[0])
    return move


def _garbled(said: Said, model: str) -> Said:
    return said._replace(arguments=said.arguments[:-1]) if model == GARBLES and said.tool else said


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"][1:]))
    return _error(400, f"{where}: {first['msg']}", "invalid_request_error", where)


def _error(status: int, message: str, kind: str, param: str | None = None) -> Response:
    """An error as OpenAI's API tells it."""
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": None}}, status)
