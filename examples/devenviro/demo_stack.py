"""All that the demo needs, in a folder of its own: memOS, tools.as, a model server, and a Cortex."""

import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from memos.client import connect
from memos.client.loadout_files import read_loadout
from memos.devstack.processes import Processes, Program, together
from memos.devstack.stack import running_stack
from memos.errors import ConfigurationError
from memos.toolkits.documents import read_document
from memos.toolkits.openapi import tools_of

HERE = Path(__file__).parent
LOADOUT = HERE / "loadouts" / "cortex.yaml"
AGENT = "cortex-1"
LEASE = 3.0
PREFIX = "tools_as"
TODOS = ("call the plumber", "clean the kettle", "renew the passport", "water the plants")
CAPABILITIES = ("web_search", "todo_list")
_LISTENS = re.compile(r"^(?:.* listens|memOS is ready) at (http://\S+)", re.MULTILINE)


@dataclass(frozen=True)
class DemoModel:
    """A model of somebody's own; without a URL there is one that was made for the demo."""

    url: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class DemoStack:
    """Where everything listens; `model_url` is that of the model itself, which the Cortex asks through memOS."""

    redis_url: str
    memos_url: str
    tools_url: str
    model_url: str


@asynccontextmanager
async def demo_stack(folder: Path, model: DemoModel) -> AsyncIterator[DemoStack]:
    """Run everything on an empty folder while the context is open; it ends with this process, however that ends.

    Raises `ConfigurationError` naming what did not start.
    """
    with _held(folder) as held:
        async with Processes(held) as processes, Processes(held) as agents:
            starting = _Starting(folder, processes)
            model_url = model.url or await starting.model()
            memos_url, tools_url = await starting.memos_and_tools(model_url)
            stack = DemoStack(starting.redis_url(), memos_url, tools_url, model_url)
            await _taught(stack)
            await agents.start(starting.cortex(stack, model.name))
            yield stack


class _Starting:
    """Starts programs whose first line of output says where they listen."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder
        self._home = folder / "memos"
        self._processes = processes

    async def model(self) -> str:
        """Start the model that was made for the demo; its address up to the version."""
        return f"{await self.listening('model-server', 'devenviro.model_server', '--port', '0')}/v1"

    async def listening(self, name: str, module: str, *words: str, **settings: str) -> str:
        """Start a module of Python; the address at which it listens."""
        program = self._program(name, module, *words, **settings)

        async def ready() -> bool:
            return _address(program.log) is not None

        await self._processes.start(program, ready=ready)
        return _address(program.log) or ""

    async def memos_and_tools(self, model_url: str) -> tuple[str, str]:
        """Start both at the same time."""
        urls: dict[str, str] = {}

        async def memos() -> None:
            told = {"MEMOS_HOME": str(self._home), "MEMOS_API_PORT": str(_free_port()), "MEMOS_LLM_URL": model_url}
            urls["memos"] = await self.listening("memos", "memos", "up", **told)

        async def tools() -> None:
            words = ("--port", "0", "--database", str(self._folder / "todos.sqlite3"))
            urls["tools"] = await self.listening("tools.as", "devenviro.tools_as", *words)

        await together([memos(), tools()])
        return urls["memos"], urls["tools"]

    def redis_url(self) -> str:
        """The bus of the memOS that runs."""
        addresses = running_stack(self._home)
        if addresses is None:
            raise ConfigurationError(f"memOS in {self._home} ended as soon as it was ready; see its logs there")
        return addresses.redis_url

    def cortex(self, stack: DemoStack, model: str | None) -> Program:
        """The agent; it asks the model through memOS, which keeps its answers."""
        words = [f"--agent={AGENT}", f"--lease={LEASE}", *(f"--capability={one}" for one in CAPABILITIES)]
        words += [f"--model={model}"] if model else []
        told = {"MEMOS_REDIS_URL": stack.redis_url, "OPENAI_BASE_URL": f"{stack.memos_url}/v1"}
        return self._program(AGENT, "devenviro.cortex", *words, **told)

    def _program(self, name: str, module: str, *words: str, **settings: str) -> Program:
        command = [sys.executable, "-P", "-m", module, *words]
        return Program(name, command, self._folder / f"{name}.log", env={**_environment(), **settings})


async def _taught(stack: DemoStack) -> None:
    """Make the tools of tools.as known, as its own OpenAPI document describes them, and save the loadout.

    The to-do list is begun by one of these tools.
    """
    document = await read_document(f"{stack.tools_url}/openapi.json")
    imported = tools_of(document.content, prefix=PREFIX, server=stack.tools_url)
    async with connect(stack.redis_url, source="devenviro.demo") as client:
        await client.tools.register_many(imported.tools)
        await client.loadouts.save(read_loadout(LOADOUT.read_text(encoding="utf-8")))
        for title in TODOS:
            await client.tools.call(f"{PREFIX}__todo_add", {"title": title}, report=False)


def _environment() -> Mapping[str, str]:
    """What programs inherit: nothing of another memOS, and where this package is."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEMOS_")}
    path = os.pathsep.join(filter(None, [str(HERE.parent), inherited.get("PYTHONPATH")]))
    return {**inherited, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _address(log: Path) -> str | None:
    said = _LISTENS.search(log.read_text(encoding="utf-8", errors="replace"))
    return said and said[1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """A file that all programs have open, so that it can be seen whether any of them is left."""
    opened = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield opened
    finally:
        os.close(opened)
