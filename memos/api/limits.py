"""A limit on what a request may carry, held before anything is parsed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memos.api.problems import problem_response
from memos.errors import TooLarge


class BodyLimit:
    """Refuses bodies above `most` bytes with 413, whether or not their length was announced."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in, and stop at the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise self._refusal()
            return message

        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._most:
            await problem_response(self._refusal())(scope, receive, send)
            return
        await self._app(scope, counted, send)

    def _refusal(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._most} bytes. Send it in several requests.")
