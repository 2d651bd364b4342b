"""The SDK: publish a command and await its reply, over the bus or over HTTP with the same methods."""

from memos.client.client import Client
from memos.client.connect import connect

__all__ = ["Client", "connect"]
