"""What documents in YAML say."""

from typing import TYPE_CHECKING, Any

from memos.yaml12 import Limits, RefusedYaml, composed, fault_of, line_of, merged_entries, own_entries, scalar

if TYPE_CHECKING:
    from yaml.nodes import Node

LIMITS = Limits(depth=200, values=2_000_000)


def parsed(text: str) -> Any:
    """What a document in YAML says; keys are texts, as they are written.

    Raises `ValueError` saying why it is none, or must not be read.
    """
    import yaml

    try:
        root = composed(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader), LIMITS)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split()).replace('in "<unicode string>", ', "at ")
        raise ValueError(reason) from error
    return None if root is None else _value(root)


def _value(node: "Node") -> Any:
    import yaml

    if fault := fault_of(node):
        raise RefusedYaml(line_of(node), fault)
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value(value) for key, value in (*merged_entries(node), *own_entries(node))}
    if isinstance(node, yaml.SequenceNode):
        return [_value(part) for part in node.value]
    return scalar(node)
