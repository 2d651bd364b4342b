"""Serves the model: `python -m devenviro.model_server`."""

from typing import Annotated

import typer

from devenviro.listening import listen
from devenviro.model_server.app import create_app


def serve(
    *,
    host: Annotated[str, typer.Option(envvar="MODEL_SERVER_HOST", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="MODEL_SERVER_PORT", help="The port; 0 for any.", max=65_535)] = 8110,
) -> None:
    """Serve a small deterministic model by OpenAI's API until Ctrl-C, at /v1.

    The models `hangs`, `fails` and `garbles` never answer, answer with status 500, and call tools with arguments
    that are no JSON. Any other name is that of the model which works.

    Example: python -m devenviro.model_server --port 8110, then: export OPENAI_BASE_URL=http://127.0.0.1:8110/v1
    """
    listen(create_app(), "model server", host, port)


if __name__ == "__main__":
    typer.run(serve)
