"""`memos tools import` and `memos tools seed`: the tools of others."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any

import typer

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.tools_imported import Summary, registered, show_planned, show_summary
from memos.errors import InvalidCommand
from memos.toolkits.documents import read_document
from memos.toolkits.imported import Imported
from memos.toolkits.mcp_servers import HttpServer, McpServer, StdioServer
from memos.toolkits.openapi import tools_of
from memos.toolkits.seed import tools_as

IN_DOCUMENT, ON_SERVER = "in the document", "on the server"
PRUNED = "Remove the tools with this prefix that are no longer"

Prefix = Annotated[
    str | None,
    typer.Option(help="What the tools' ids have before __; by default what the document or server is called."),
]
Tag = Annotated[list[str] | None, typer.Option("--tag", help="Add this tag to all tools; repeat for several.")]
Capability = Annotated[
    list[str] | None,
    typer.Option("--capability", help="What an agent must have to use any of the tools; repeat for several."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be registered.")]
Server = Annotated[
    str | None, typer.Option(help="Where the operations are called; by default where the document says.")
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="Send this to the server; it is not stored."),
]


def import_cli() -> typer.Typer:
    """The commands under `memos tools import`."""
    cli = typer.Typer(
        help="Make the tools of others known.\n\nImport again at any time: what has not changed stays as it is.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    cli.command("openapi")(openapi)
    cli.command("mcp")(mcp)
    return cli


def openapi(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="The document, JSON or YAML; - is stdin.")],
    *,
    prefix: Prefix = None,
    server: Server = None,
    tag: Tag = None,
    capability: Capability = None,
    deprecated: Annotated[bool, typer.Option("--deprecated", help="Import deprecated operations, too.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help=f"{PRUNED} {IN_DOCUMENT}.")] = False,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a tool of every operation of an OpenAPI 3 document.

    Example: memos tools import openapi https://api.example.com/openapi.json --tag shop
    """

    async def read() -> Imported:
        document = await read_document(source)
        return tools_of(
            document.content,
            prefix=prefix,
            server=server,
            url=document.url,
            tags=tag or [],
            capabilities=capability or [],
            deprecated=deprecated,
        )

    _import(read(), url, IN_DOCUMENT, prune=prune, dry_run=dry_run, as_json=as_json)


def mcp(
    words: Annotated[list[str], typer.Argument(metavar="URL | --stdio -- COMMAND...", help="The server.")],
    *,
    stdio: Annotated[bool, typer.Option("--stdio", help="Start the server by the command after --.")] = False,
    header: Headers = None,
    prefix: Prefix = None,
    tag: Tag = None,
    capability: Capability = None,
    prune: Annotated[bool, typer.Option("--prune", help=f"{PRUNED} {ON_SERVER}.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the server.")] = 60.0,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a tool of every tool of an MCP server.

    It is reached by streamable HTTP at a URL, or started by a command to which only HOME, PATH and a few more
    variables are handed on.

    Example: memos tools import mcp https://example.com/mcp --header 'Authorization: Bearer …'

    Example: memos tools import mcp --stdio -- npx -y @modelcontextprotocol/server-everything
    """
    from memos.toolkits.mcp import tools_of_server

    logging.getLogger("mcp").addHandler(logging.NullHandler())

    async def read() -> Imported:
        return await tools_of_server(
            _server(words, header or [], stdio=stdio),
            prefix=prefix,
            tags=tag or [],
            capabilities=capability or [],
            timeout=timeout,
        )

    _import(read(), url, ON_SERVER, prune=prune, dry_run=dry_run, as_json=as_json)


def seed(
    server: Annotated[str | None, typer.Option(help="Where tools.as is; by default http://127.0.0.1:8100.")] = None,
    *,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make the tools of tools.as known: Web Search and To-Do List.

    Example: memos tools seed --server https://tools.example.com
    """

    async def read() -> Imported:
        return tools_as(server)

    _import(read(), url, ON_SERVER, prune=False, dry_run=dry_run, as_json=as_json)


def _import(
    reading: Coroutine[Any, Any, Imported],
    url: str | None,
    source: str,
    *,
    prune: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Read tools of a source and register them, or only show them; end with status 1 if one was refused."""

    async def run() -> tuple[Imported, Summary | None]:
        imported = await reading
        if dry_run:
            return imported, None
        return imported, await registered(imported, address(url), prune=prune, quiet=as_json)

    with reported(as_json=as_json):
        imported, summary = asyncio.run(run())
    if summary is None:
        show_planned(imported, as_json=as_json)
    elif as_json:
        print_json(summary)
    else:
        show_summary(summary, source)
    if imported.faults if summary is None else summary.refused:
        raise typer.Exit(1)


def _server(words: Sequence[str], headers: Sequence[str], *, stdio: bool) -> McpServer:
    if stdio:
        if headers:
            raise InvalidCommand("--header is sent by HTTP; a server that is started by --stdio gets none.")
        return StdioServer(words)
    if len(words) > 1:
        raise InvalidCommand("Give one URL, or --stdio and -- before a command.")
    return HttpServer(words[0], dict(_header(one) for one in headers))


def _header(given: str) -> tuple[str, str]:
    name, colon, value = given.partition(":")
    if not (colon and name.strip()) or any(character in given for character in "\r\n\0"):
        raise InvalidCommand("--header takes a name, a colon and a value: 'Authorization: Bearer …'.")
    return name.strip(), value.strip()
