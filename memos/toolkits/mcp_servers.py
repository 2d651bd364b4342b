"""MCP servers, and how they are reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from memos.errors import InvalidCommand
from memos.events.endpoints import EndpointUrl
from memos.events.problems import faults_of


@dataclass(frozen=True)
class StdioServer:
    """An MCP server that is started by a command, and spoken to through its standard input and output."""

    command: Sequence[str]

    @property
    def own_name(self) -> str:
        """What it is called in messages: the program alone, for secrets may be among its words."""
        return Path(self.command[0]).name

    @property
    def endpoint_url(self) -> None:
        """Nowhere: whoever calls its tools starts it."""
        return


@dataclass(frozen=True)
class HttpServer:
    """An MCP server that is spoken to by streamable HTTP; the headers are sent with every request, and not kept.

    Raises `InvalidCommand` for a URL that cannot be kept, or has credentials in it.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        try:
            TypeAdapter(EndpointUrl).validate_python(self.url)
        except ValidationError as error:
            faults = [fault._replace(field="url") for fault in faults_of(error)]
            raise InvalidCommand(f"The URL of the MCP server {faults[0].message}.", faults=faults) from error

    @property
    def own_name(self) -> str:
        """What it is called in messages: its host."""
        return urlsplit(self.url).netloc

    @property
    def endpoint_url(self) -> str:
        """Where its tools are called."""
        return self.url


McpServer = StdioServer | HttpServer
