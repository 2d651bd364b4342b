"""The tools of tools.as: Web Search and To-Do List."""

import json
from importlib.resources import files

from memos.toolkits.imported import Imported
from memos.toolkits.openapi import tools_of


def tools_as(server: str | None = None) -> Imported:
    """The tools of the document that comes with memOS; they are called at `server`, else on this machine."""
    document = files("memos.toolkits").joinpath("tools_as.json").read_text(encoding="utf-8")
    return tools_of(json.loads(document), server=server)
