"""Servers as processes, for tests: the real one, and one whose workers do what the test asks for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
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

PATIENCE_S = 120.0
"""How long anything may take that is sure to come: waiting costs nothing when it does."""


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
        process = self.process

        def answers() -> bool:
            assert process.poll() is None, f"the server stopped: {self.log()}"
            with contextlib.suppress(BackendNotRunning):
                return connection.read(self.home).pid == process.pid
            return False

        assert wait_until(answers), f"the server does not answer: {self.log()}"

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
        return self.workers()[0]

    def workers(self) -> list[psutil.Process]:
        return [child for child in self.children() if "--device" in _words(child)]

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
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        code, self.process = self.process.returncode, None
        self.assert_no_orphans()
        return code

    def assert_no_orphans(self) -> None:
        """Every process that was seen to belong to the server ends by itself."""
        left = wait_ended(self._seen.values())
        for child in left:
            child.kill()
        assert not left, f"orphans: {left}"

    def log(self) -> str:
        return (self.home / "server.out").read_text("utf-8", "replace")[-3000:]


def wait_until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + within_s
    while not (so := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return so


def wait_ended(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended then. Not psutil's own wait: that one also waits for zombies to be reaped."""
    looked_at = list(processes)
    wait_until(lambda: not any(is_alive(process) for process in looked_at))
    return [process for process in looked_at if is_alive(process)]


def _words(process: psutil.Process) -> list[str]:
    """Its command line; none when it has just ended."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def is_alive(process: psutil.Process) -> bool:
    """A zombie has ended: in a container nobody may reap it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
