import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "memos").rglob("*.py"))
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 50

IMPORT_ALL = """
import os, pkgutil, sys

class Watched(dict):
    def refuse(self, name, *_):
        if str(name).startswith("MEMOS_"):
            raise AssertionError(f"{name} was read from the environment")
    def __getitem__(self, name):
        self.refuse(name)
        return super().__getitem__(name)
    def get(self, name, *default):
        self.refuse(name)
        return super().get(name, *default)

FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.remove"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def refuse(event, arguments):
    if event in FORBIDDEN or (event == "open" and arguments[2] & WRITES and arguments[0] != "/dev/null"):
        raise AssertionError(f"{event} {arguments}")

sys.dont_write_bytecode = True
sys.addaudithook(refuse)
os.environ = Watched(os.environ)
names = ["memos"]
import memos
for found in pkgutil.walk_packages(memos.__path__, "memos."):
    __import__(found.name)
    names.append(found.name)
print(len(names))
"""


def test_rooms_import_as_the_contracts_allow() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_importing_every_module_has_no_side_effects() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=ROOT,
        env={"MEMOS_LOG_LEVEL": "none of the levels", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []
