"""What every command and every reply is."""

from memos.records import Record

DEFAULT_AGENT = "default_agent"


class Command(Record):
    """An instruction to memOS; the tenant and the sender travel in its envelope."""


class Reply(Record):
    """What memOS answers to a command."""
