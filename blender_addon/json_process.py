"""A program that says how it goes in JSON, a line each: started, listened to on a thread, ended. No bpy here."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .shared.errors import BackendStartFailed

_KEPT_LINES = 400
_GRACE_S = 5.0
_BLENDERS_OWN = ("PYTHONHOME", "PYTHONPATH", "LD_PRELOAD", "VIRTUAL_ENV")

Message = dict[str, Any]


class JsonProcess:
    """lines: the end of what it said for people."""

    def __init__(self, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        """folder: it runs there. variables: of its environment, besides this process's. Raises `BackendStartFailed`."""
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._came: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                list(command), cwd=folder, env=_environment(variables), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=sys.platform != "win32",
            )  # fmt: skip
        except OSError as failed:
            raise BackendStartFailed(f"{command[0]} could not be started: {failed}.") from failed
        self._listener = threading.Thread(target=self._listen, name="backlot-listener", daemon=True)
        self._listener.start()

    @property
    def code(self) -> int | None:
        """Exit code, None while it runs."""
        return self._process.poll()

    def arrived(self) -> Iterator[Message | None]:
        """What came since the last call, without waiting: messages, and None when it has ended."""
        while True:
            try:
                yield from self._message(self._came.get_nowait())
            except queue.Empty:
                return

    def until_it_ends(self) -> Iterator[Message | None]:
        """Messages as they come; None is the last."""
        while True:
            line = self._came.get()
            yield from self._message(line)
            if line is None:
                return

    def end(self) -> None:
        """Ends it and what it started."""
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._process.pid)], capture_output=True, check=False)
            return
        import signal

        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Ends everything, thread included."""
        if self._process.poll() is None:
            self.end()
        self._listener.join(_GRACE_S)

    def _message(self, line: str | None) -> Iterator[Message | None]:
        if line is None:
            yield None
            return
        if line.startswith("{"):
            try:
                yield json.loads(line)
                return
            except json.JSONDecodeError:
                pass  # a line for people after all
        self.lines.append(line)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                self._came.put(line.decode("utf-8", "replace").rstrip())
        self._process.wait()
        self._came.put(None)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _BLENDERS_OWN}
    return {**kept, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", **variables}
