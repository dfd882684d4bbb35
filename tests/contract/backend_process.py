"""Servers as processes, for tests: the real one, and one whose workers do what the test asks for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import psutil

from shared import connection
from shared.errors import BackendNotRunning

from .wire_client import WireClient

SOURCE = Path(__file__).resolve().parents[2]
REAL = ("-m", "backend", "serve")
SCRIPTED = (str(Path(__file__).with_name("scripted_server.py")),)
"""A server whose workers are `scripted_worker.py`."""

START_S = 20.0


class BackendProcess:
    """A server of the isolated folder `home`. Use as a context: nothing of it is left afterwards."""

    def __init__(self, home: Path, program: Sequence[str] = REAL, *arguments: str) -> None:
        self.home = home
        # A server that a failed test leaves behind ends with the tests.
        tie = f"parent_pid={os.getpid()}" if tuple(program) == SCRIPTED else f"--parent-pid={os.getpid()}"
        self._command = [sys.executable, *program, *arguments, tie]
        self.process: subprocess.Popen[bytes] | None = None
        self._seen: dict[int, psutil.Process] = {}

    def __enter__(self) -> BackendProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self) -> None:
        """Starts the server and waits for its connection file."""
        self.process = self.process or self.launch()
        deadline = time.monotonic() + START_S
        while True:
            try:
                if connection.read(self.home).pid == self.process.pid:
                    return
            except BackendNotRunning:
                pass
            assert self.process.poll() is None, f"the server stopped: {self.log()}"
            assert time.monotonic() < deadline, f"the server does not answer: {self.log()}"
            time.sleep(0.01)

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts the program and does not wait."""
        self.home.mkdir(parents=True, exist_ok=True)
        variables = {**os.environ, connection.HOME_VARIABLE: str(self.home), "PYTHONPATH": str(SOURCE)}
        with (self.home / "server.out").open("ab") as output:
            return subprocess.Popen(
                self._command, cwd=SOURCE, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def client(self, name: str = "test") -> WireClient:
        return WireClient.of(self.home, name)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[psutil.Process]:
        """Every living process that the server has started, at any depth."""
        for child in psutil.Process(self.pid).children(recursive=True):
            self._seen[child.pid] = child
        return [child for child in self._seen.values() if is_alive(child)]

    def worker(self) -> psutil.Process:
        """The worker of the processor."""
        return next(child for child in self.children() if "--device" in child.cmdline())

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.children()
        self.process.kill()
        self.process.wait()
        self.process = None

    def end(self) -> int:
        """Stops the server as a system does, and checks that nothing of it is left."""
        assert self.process is not None
        if self.process.poll() is None:
            self.children()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        code, self.process = self.process.returncode, None
        self.assert_no_orphans()
        return code

    def assert_no_orphans(self, within_s: float = 3.0) -> None:
        """Every process that was seen to belong to the server has ended."""
        _, alive = psutil.wait_procs(list(self._seen.values()), timeout=within_s)
        left = [child for child in alive if is_alive(child)]
        for child in left:
            child.kill()
        assert not left, f"orphans: {left}"

    def log(self) -> str:
        return (self.home / "server.out").read_text("utf-8", "replace")[-3000:]


def is_alive(process: psutil.Process) -> bool:
    """A zombie has ended: in a container nobody may reap it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
