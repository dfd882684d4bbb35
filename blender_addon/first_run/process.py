"""The set-up as a process: started, listened to on a thread, ended. No bpy here."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from ..shared.connection import HOME_VARIABLE
from ..shared.errors import BackendStartFailed, BacklotError

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
_KEPT_LINES = 400
_GRACE_S = 5.0
_REMEDY = "What was fetched is kept: press Set Up Backend again to go on. The log says more."


class SetUp:
    """One set-up. state: one of the above. fraction: 0..1. text: what is at work. lines: the log, its end.

    source: the folder with build.py. home: Backlot's state folder. offline: a folder of wheels in place of the
    network. people: also MediaPipe's environment.
    """

    def __init__(self, source: Path, home: Path, *, offline: Path | None = None, people: bool = False) -> None:
        """Starts it. Raises `BackendStartFailed`."""
        self.state, self.fraction, self.text = RUNNING, 0.0, "Looking for Python"
        self.error: BacklotError | None = None
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._came: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        command = [sys.executable, "-u", str(source / "build.py"), "setup", "--json"]
        command += ["--offline", str(offline)] if offline is not None else []
        command += ["--extra", "mocap"] if people else []
        try:
            self._process = subprocess.Popen(
                command, cwd=source, env=_environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=sys.platform != "win32",
            )  # fmt: skip
        except OSError as failed:
            raise BackendStartFailed(f"{command[0]} could not be started: {failed}.") from failed
        self._listener = threading.Thread(target=self._listen, name="backlot-set-up", daemon=True)
        self._listener.start()

    @property
    def is_over(self) -> bool:
        return self.state != RUNNING

    def poll(self) -> bool:
        """Takes in what came since; whether anything did."""
        came = False
        while True:
            try:
                line = self._came.get_nowait()
            except queue.Empty:
                return came
            came = True
            if line is None:
                self._ended()
            else:
                self._heard(line)

    def wait(self) -> None:
        """Until it is over: for scripts."""
        while not self.is_over:
            line = self._came.get()
            if line is None:
                self._ended()
            else:
                self._heard(line)

    def cancel(self) -> None:
        """Ends the process and what it started; what was fetched stays."""
        if not self.is_over:
            self.state, self.text = CANCELLED, "Stopped"
            self._kill()

    def close(self) -> None:
        """Ends everything, thread included."""
        self.cancel()
        self._listener.join(_GRACE_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                self._came.put(line.decode("utf-8", "replace").rstrip())
        self._process.wait()
        self._came.put(None)

    def _heard(self, line: str) -> None:
        if not line.startswith("{"):
            self.lines.append(line)
            return
        try:
            message = json.loads(line)
        except json.JSONDecodeError:
            self.lines.append(line)
            return
        if message.get("event") == "progress":
            self.fraction, self.text = float(message["fraction"]), str(message["text"])
        elif self.state == RUNNING and message.get("event") == "failed":
            self.lines.extend(str(message["log"]).splitlines())
            self._fail(str(message["message"]))
        elif self.state == RUNNING and message.get("event") == "done":
            self.state, self.fraction, self.text = DONE, 1.0, "The backend is set up"

    def _ended(self) -> None:
        if self.state == RUNNING:  # neither done nor failed was said: it was killed, or never got so far
            said = self.lines[-1] if self.lines else "it said nothing"
            self._fail(f"The set-up ended with code {self._process.returncode}: {said}")

    def _fail(self, message: str) -> None:
        self.state, self.error = FAILED, BackendStartFailed(message, _REMEDY)

    def _kill(self) -> None:
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._process.pid)], capture_output=True, check=False)
            return
        import signal

        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _environment(home: Path) -> dict[str, str]:
    """Without what belongs to Blender's own Python."""
    left_out = ("PYTHONHOME", "PYTHONPATH", "LD_PRELOAD", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, HOME_VARIABLE: str(home), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
