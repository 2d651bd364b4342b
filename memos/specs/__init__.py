"""Tools in the forms that model providers want."""

from memos.specs.arguments import BODY, arguments_schema, takes_whole_body
from memos.specs.forms import definition_of, shortened, spec_of
from memos.specs.names import call_name, tool_called
from memos.specs.offering import named_arguments

__all__ = [
    "BODY",
    "arguments_schema",
    "call_name",
    "definition_of",
    "named_arguments",
    "shortened",
    "spec_of",
    "takes_whole_body",
    "tool_called",
]
