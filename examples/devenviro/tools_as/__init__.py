"""tools.as: a To-Do List and a Web Search, as tools for agents."""

from devenviro.tools_as.app import create_app
from devenviro.tools_as.settings import ToolsSettings

__all__ = ["ToolsSettings", "create_app"]
