"""`memos loadout check`: whether files are loadouts, and where they are not."""

from collections.abc import Sequence

import typer

from memos.cli.loadout_texts import Files, read_text
from memos.cli.output import AsJson, print_json
from memos.client.loadout_files import check_loadout
from memos.client.yaml_lines import LineFault
from memos.errors import MemosError


def check(files: Files, *, as_json: AsJson = False) -> None:
    """Check loadout files, and print each fault with its line.

    Needs no memOS that runs. Ends with status 1 when there are faults.

    Example: memos loadout check examples/loadouts/researcher.yaml
    """
    found = {file: _faults(file) for file in files}
    if as_json:
        print_json([{"file": file, **fault._asdict()} for file, faults in found.items() for fault in faults])
    else:
        _show(found)
    if any(found.values()):
        raise typer.Exit(1)


def _faults(file: str) -> Sequence[LineFault]:
    """What is wrong with a file, be it that it cannot be read."""
    try:
        return check_loadout(read_text(file)).faults
    except MemosError as error:
        return [LineFault(1, "", error.detail.removeprefix(f"{file} ").rstrip("."))]


def _show(found: dict[str, Sequence[LineFault]]) -> None:
    for file, faults in found.items():
        for fault in faults:
            typer.echo(f"{file}:{fault}")
        if not faults:
            typer.echo(f"{file}: no faults")
