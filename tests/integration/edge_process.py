"""A real Edge process for tests; it ends with the test run, however that ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from memos.devstack.processes import Program


class EdgeServer:
    """An Edge process on a folder, with its socket in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.socket = folder / "edge.sock"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start, wait until it serves or ends, and return the line that it wrote."""
        options = ["--socket", os.fspath(self.socket), "--data", os.fspath(self.data)]
        command = [sys.executable, "-m", "memos.stores.edge_server", *options]
        program = Program("edge", command, self.data)
        self._process = subprocess.Popen(program.launched(), stderr=subprocess.PIPE, text=True)
        assert self._process.stderr
        return self._process.stderr.readline()

    def send(self, what: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(what)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Signal, wait for the end, and return the exit code."""
        assert self._process
        self._process.send_signal(how)
        self._process.communicate(timeout=30)
        return self._process.returncode

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        assert self._process
        self._process.communicate(timeout=30)
        return self._process.returncode

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None
