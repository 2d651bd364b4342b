import re
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import memos
from memos.cli import create_cli
from memos.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)
SETTINGS = {f"MEMOS_{name.upper()}" for name in Settings.model_fields}
FOR_TESTS = {
    *("MEMOS_TEST_REDIS_URL", "MEMOS_TEST_POSTGRES_DSN", "MEMOS_TEST_QDRANT_URL", "MEMOS_TEST_DOCKER"),
    "MEMOS_TEST_EXAMPLES",
}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_generated_documents_say_what_the_code_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    from contracts import drifted

    assert [path.name for path in drifted()] == []


@every_page
def test_a_page_names_only_settings_that_there_are(page: Path) -> None:
    named = set(re.findall(r"\bMEMOS_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
    assert named <= SETTINGS | FOR_TESTS


@every_page
def test_a_page_names_only_commands_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = set(get_command(create_cli()).list_commands(None))  # type: ignore[attr-defined]
    assert set(re.findall(r"(?:^|[`$] ?)memos ([a-z][a-z-]*)", text, re.MULTILINE)) <= known
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|[`$] ?)make ([a-z][a-z-]*)", text, re.MULTILINE)) <= targets


@every_page
def test_the_links_of_a_page_lead_to_files_that_there_are(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## [{memos.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
