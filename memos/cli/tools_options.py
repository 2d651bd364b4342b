"""Options that commands on tools share."""

from typing import Annotated

import typer

from memos.records import Match, SpecFormat

Capability = Annotated[
    list[str] | None, typer.Option("--capability", help="Tools that require this; repeat for several.")
]
AgentCapability = Annotated[
    list[str] | None,
    typer.Option("--agent-capability", help="What the agent has; tools that require more are left out. Repeat it."),
]
Matching = Annotated[
    Match, typer.Option("--match", help="Whether they require any of the capabilities, or all of them.")
]
Tag = Annotated[list[str] | None, typer.Option("--tag", help="Tools with this tag; repeat for several.")]
Form = Annotated[
    SpecFormat | None,
    typer.Option("--format", help="Print what a model is given in its place, in the form of its provider."),
]
ToolArgument = Annotated[str, typer.Argument(metavar="ID", help="The tool's id.")]
