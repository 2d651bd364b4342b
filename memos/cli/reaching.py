"""How commands reach memOS."""

from contextlib import AbstractAsyncContextManager

from memos.client import Client, connect

RETRIES = 2
"""A person waits for the answer: what is out of reach is said so after about half a second."""


def reach(url: str) -> AbstractAsyncContextManager[Client]:
    """A client for a command that is soon done."""
    return connect(url, source="memos.cli", retries=RETRIES)
