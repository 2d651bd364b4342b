"""How conversations with MCP servers fail."""

from collections.abc import Iterator

from memos.errors import ConfigurationError


def mcp_failures() -> tuple[type[Exception], ...]:
    """What the package raises when a server does not do as it should.

    Raises `ConfigurationError` when the package is not installed.
    """
    try:
        from httpx2 import HTTPError, StreamError
        from mcp import MCPError
    except ImportError as error:
        raise ConfigurationError(
            "The package mcp, which speaks to MCP servers, is not installed: pip install 'memos-as[mcp]'."
        ) from error
    return MCPError, OSError, RuntimeError, ValueError, HTTPError, StreamError


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group of errors, and in those within."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error
