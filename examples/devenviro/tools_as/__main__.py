"""Serves tools.as: `python -m devenviro.tools_as`."""

from pathlib import Path
from typing import Annotated

import typer

from devenviro.listening import listen
from devenviro.tools_as.app import create_app
from devenviro.tools_as.settings import DOCUMENTS, ToolsSettings


def serve(
    *,
    host: Annotated[str, typer.Option(envvar="TOOLS_AS_HOST", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="TOOLS_AS_PORT", help="The port; 0 for any.", max=65_535)] = 8100,
    database: Annotated[
        Path, typer.Option(envvar="TOOLS_AS_DATABASE", help="The SQLite file of the To-Do List.", dir_okay=False)
    ] = Path(".memos/tools_as.sqlite3"),
    documents: Annotated[
        Path,
        typer.Option(envvar="TOOLS_AS_DOCUMENTS", help="What is searched without SearXNG.", file_okay=False),
    ] = DOCUMENTS,
    searxng_url: Annotated[
        str | None, typer.Option(envvar="SEARXNG_URL", help="A SearXNG that searches the web, with JSON allowed.")
    ] = None,
    search_seconds: Annotated[
        float, typer.Option(envvar="TOOLS_AS_SEARCH_SECONDS", help="How long a search may take.", min=0.1)
    ] = 10.0,
) -> None:
    """Serve the To-Do List and the Web Search until Ctrl-C.

    Example: python -m devenviro.tools_as --port 8100, then: memos tools import openapi
    http://127.0.0.1:8100/openapi.json
    """
    settings = ToolsSettings(database, documents, searxng_url or None, search_seconds)
    listen(create_app(settings), "tools.as", host, port)


if __name__ == "__main__":
    typer.run(serve)
