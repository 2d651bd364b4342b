"""Writes the generated documents below docs/reference and the types of the synchronous SDK.

With `--check` it says which have drifted. Whole files are the OpenAPI and AsyncAPI documents, the JSON Schema of
loadouts, and the types; in the others only what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is
generated.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sync_face import STUB, sync_face

from memos.api.app import create_app
from memos.errors import ERRORS
from memos.events.asyncapi import asyncapi
from memos.events.facts import FACTS
from memos.events.loadouts import loadout_schema
from memos.events.streams import STREAMS
from memos.settings import Settings

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


def openapi() -> dict[str, Any]:
    """The REST facade as an OpenAPI 3.1 document; nothing is opened for it."""
    return create_app(Settings.model_construct(), "unix:///unused").openapi()


def settings_table() -> Iterator[str]:
    """Every environment variable with its default."""
    yield from header("Variable", "Default", "Meaning")
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "", {}) else f"`{field.default}`"
        yield row(f"`MEMOS_{name.upper()}`", default, field.description or "")


def streams_table() -> Iterator[str]:
    """Every stream with what travels on it."""
    yield from header("Stream", "Type", "Command → reply", "Lane", "Kind")
    for stream in STREAMS:
        exchange = f"`{stream.command.__name__}` → `{stream.reply.__name__}`"
        kind = "write" if stream.writes else "read"
        yield row(f"`{stream.name}`", f"`{stream.event_type}`", exchange, stream.lane, kind)


def facts_table() -> Iterator[str]:
    """Every kind of fact."""
    yield from header("Type", "Data", "Meaning")
    for kind, model in FACTS.items():
        yield row(f"`{kind}`", f"`{model.__name__}`", sentence(model))


def errors_table() -> Iterator[str]:
    """Every kind of error with its HTTP status."""
    yield from header("Code", "HTTP", "Worth sending again as it is", "Meaning")
    for code, kind in ERRORS.items():
        yield row(f"`{code}`", str(kind.status), "yes" if kind.transient else "no", sentence(kind))


def routes_table() -> Iterator[str]:
    """Every route of the facade."""
    yield from header("Route", "Does", "Body", "Answer")
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            body, answer = operation.get("requestBody", {}), operation["responses"]["200"]
            yield row(f"`{method.upper()} {path}`", operation["description"], schema_of(body), schema_of(answer))


DOCUMENTS: Mapping[str, Callable[[], Any]] = {
    "openapi.json": openapi,
    "asyncapi.json": asyncapi,
    "loadout.schema.json": loadout_schema,
}
TABLES: Mapping[str, Mapping[str, Callable[[], Iterable[str]]]] = {
    "settings.md": {"settings": settings_table},
    "bus.md": {"streams": streams_table, "facts": facts_table},
    "errors.md": {"errors": errors_table},
    "rest.md": {"routes": routes_table},
}


def header(*titles: str) -> Iterator[str]:
    yield row(*titles)
    yield row(*("---" for _ in titles))


def row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def sentence(documented: type) -> str:
    """The first sentence or two of a docstring, up to its first blank line, on one line."""
    return " ".join((documented.__doc__ or "").split("\n\n")[0].split())


def schema_of(message: Mapping[str, Any]) -> str:
    """The name of the schema of a body or response, as it stands in the OpenAPI document."""
    schema = message.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return f"`{name}`" if name else ""


def filled(text: str, name: str, lines: Iterable[str]) -> str:
    """The text with what stands between two markers replaced."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    if begin not in text or end not in text:
        raise ValueError(f"The markers {begin.strip()} and {end} are missing")
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: begin + "".join(f"{line}\n" for line in lines) + end,
        text,
        flags=re.DOTALL,
    )


def generated() -> Iterator[tuple[Path, str]]:
    """Each generated document: where it stands, and what must be in it."""
    for name, make in DOCUMENTS.items():
        yield REFERENCE / name, json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
    for name, tables in TABLES.items():
        text = (REFERENCE / name).read_text(encoding="utf-8")
        for marker, table in tables.items():
            text = filled(text, marker, table())
        yield REFERENCE / name, text
    yield STUB, sync_face()


def drifted() -> list[Path]:
    """The generated documents that do not say what the code does."""
    return [path for path, text in generated() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a document has drifted")
    if parser.parse_args().check:
        wrong = drifted()
        for path in wrong:
            print(f"{path.relative_to(ROOT)} has drifted from the code: run `make docs`")
        return 1 if wrong else 0
    for path, text in generated():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
