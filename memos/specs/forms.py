"""Tools as OpenAI's function specs, as Anthropic's tools and as MCP's, and back."""

from collections.abc import Callable, Mapping
from typing import Any

from memos.errors import Fault, InvalidCommand
from memos.records import SpecFormat, ToolDefinition
from memos.specs.arguments import arguments_schema, object_schema
from memos.specs.names import call_name
from memos.specs.offering import offered, restored

LONGEST_OPENAI_DESCRIPTION = 1024
META_TOOL_ID = "as.memos/tool_id"
META_RESPONSE_SCHEMA = "as.memos/response_schema"
RESULT = "result"
"""The property of a structured MCP answer that has what is no object."""


def spec_of(tool: ToolDefinition, form: SpecFormat) -> dict[str, Any]:
    """A tool in the form of a provider, called by its `call_name`.

    OpenAI takes 1,024 characters of description: a longer one is cut there, and whole in that of the parameters.
    An `outputSchema` of MCP is an object's: another answer is its property `result`, and its own schema in `_meta`.
    """
    return SPECS[form](tool)


def definition_of(spec: Mapping[str, Any], form: SpecFormat) -> ToolDefinition:
    """What a spec says of a tool; who calls it and where is not in it.

    Of OpenAI's both forms are read, that of chat completions and the flat one of responses. Raises
    `InvalidCommand` with the path of what is missing or of the wrong type.
    """
    return DEFINITIONS[form](spec)


def _openai(tool: ToolDefinition) -> dict[str, Any]:
    shown = shortened(tool.description)
    whole = None if shown == tool.description else tool.description
    parameters = offered(arguments_schema(tool), whole)
    named = {"name": call_name(tool.tool_id), "description": shown, "parameters": parameters}
    return {"type": "function", "function": named}


def _anthropic(tool: ToolDefinition) -> dict[str, Any]:
    return {
        "name": call_name(tool.tool_id),
        "description": tool.description,
        "input_schema": offered(arguments_schema(tool)),
    }


def _mcp(tool: ToolDefinition) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "name": call_name(tool.tool_id),
        "title": tool.name,
        "description": tool.description,
        "inputSchema": offered(arguments_schema(tool)),
        "_meta": {META_TOOL_ID: tool.tool_id},
    }
    if tool.response_schema is not None:
        spec["outputSchema"] = object_schema(tool.response_schema, RESULT)
        if spec["outputSchema"] != tool.response_schema:
            spec["_meta"][META_RESPONSE_SCHEMA] = tool.response_schema
    return spec


def shortened(text: str, most: int = LONGEST_OPENAI_DESCRIPTION) -> str:
    """A text of at most `most` characters: cut between words where there are words, with an ellipsis."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    words = cut[: max(cut.rfind(" "), cut.rfind("\n"))] if len(cut.split()) > 1 else cut
    return words.rstrip() + "…"


def _of_openai(spec: Mapping[str, Any]) -> ToolDefinition:
    said, path = (_object(spec, "function"), "function.") if "function" in spec else (spec, "")
    name = _text(said, "name", path)
    given, description = _schema(said, "parameters", path), _description(said, path) or name
    request, whole = restored(given), given.get("description")
    if isinstance(whole, str) and whole != description and shortened(whole) == description:
        description = whole
        if request is given:
            request = {keyword: value for keyword, value in given.items() if keyword != "description"}
    return ToolDefinition(tool_id=name, name=name, description=description, request_schema=request)


def _of_anthropic(spec: Mapping[str, Any]) -> ToolDefinition:
    name = _text(spec, "name")
    return ToolDefinition(
        tool_id=name,
        name=name,
        description=_description(spec) or name,
        request_schema=restored(_schema(spec, "input_schema")),
    )


def _of_mcp(spec: Mapping[str, Any]) -> ToolDefinition:
    name, meta = _text(spec, "name"), _object(spec, "_meta")
    titles = (spec.get("title"), _object(spec, "annotations").get("title"), name)
    title = next(text for text in titles if isinstance(text, str) and text.strip())
    answer = meta.get(META_RESPONSE_SCHEMA, spec.get("outputSchema"))
    return ToolDefinition(
        tool_id=_text(meta, META_TOOL_ID, "_meta.") if META_TOOL_ID in meta else name,
        name=title,
        description=_description(spec) or title,
        request_schema=restored(_schema(spec, "inputSchema")),
        response_schema=None if answer is None else _schema({"outputSchema": answer}, "outputSchema"),
    )


def _text(said: Mapping[str, Any], field: str, path: str = "") -> str:
    text = said.get(field)
    if not isinstance(text, str) or not text.strip():
        raise _wrong(path + field, "must be a text that is not blank")
    return text


def _description(said: Mapping[str, Any], path: str = "") -> str:
    text = said.get("description") or ""
    if not isinstance(text, str):
        raise _wrong(f"{path}description", "must be a text")
    return text if text.strip() else ""


def _object(said: Mapping[str, Any], field: str, path: str = "") -> Mapping[str, Any]:
    value = said.get(field)
    if value is not None and not isinstance(value, Mapping):
        raise _wrong(path + field, "must be an object")
    return value or {}


def _schema(said: Mapping[str, Any], field: str, path: str = "") -> dict[str, Any]:
    return dict(_object(said, field, path)) or {"type": "object", "properties": {}}


def _wrong(field: str, message: str) -> InvalidCommand:
    return InvalidCommand(f"The spec of the tool is not valid: {field} {message}.", faults=[Fault(field, message)])


SPECS: Mapping[SpecFormat, Callable[[ToolDefinition], dict[str, Any]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "mcp": _mcp,
}
DEFINITIONS: Mapping[SpecFormat, Callable[[Mapping[str, Any]], ToolDefinition]] = {
    "openai": _of_openai,
    "anthropic": _of_anthropic,
    "mcp": _of_mcp,
}
