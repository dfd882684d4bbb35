"""The set-up as a process. No bpy here."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ..json_process import JsonProcess, Message
from ..shared.connection import HOME_VARIABLE
from ..shared.errors import BackendStartFailed, BacklotError

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
_REMEDY_PYTHON = "Choose one, or let it be fetched: press Try Again with Fetch Python ticked."
_REMEDY = "What was fetched is kept: press Set Up Backend again to go on. The log says more."


@dataclass(frozen=True)
class Wanted:
    """offline: a folder of wheels in place of the network. people: also MediaPipe's environment. python: what the
    environments are made of, None for any that suits. fetch_python: where none does."""

    offline: Path | None = None
    people: bool = False
    python: Path | None = None
    fetch_python: bool = False


class SetUp:
    """One set-up. state: one of the above. fraction: 0..1. text: what is at work.

    needs_python: whether it failed because no Python on this computer suits.
    """

    def __init__(self, source: Path, home: Path, wanted: Wanted) -> None:
        """source: the folder with build.py. home: Backlot's state folder. Starts it. Raises `BackendStartFailed`."""
        self.state, self.fraction, self.text = RUNNING, 0.0, "Looking for Python"
        self.error: BacklotError | None = None
        self.wanted, self.needs_python = wanted, False
        command = [sys.executable, "-u", str(source / "build.py"), "setup", "--json"]
        command += ["--offline", str(wanted.offline)] if wanted.offline is not None else []
        command += ["--extra", "mocap"] if wanted.people else []
        command += ["--python", str(wanted.python)] if wanted.python is not None else []
        command += ["--fetch-python"] if wanted.fetch_python else []
        self.process = JsonProcess(command, source, {HOME_VARIABLE: str(home)})

    @property
    def is_over(self) -> bool:
        return self.state != RUNNING

    def poll(self) -> bool:
        """Takes in what came since; whether anything did."""
        came = list(self.process.arrived())
        for message in came:
            self._heard(message)
        return bool(came)

    def wait(self) -> None:
        """Until it is over: for scripts."""
        for message in self.process.until_it_ends():
            self._heard(message)

    def cancel(self) -> None:
        """Ends the process and what it started; what was fetched stays."""
        if not self.is_over:
            self.state, self.text = CANCELLED, "Stopped"
            self.process.end()

    def close(self) -> None:
        """Ends everything, thread included."""
        self.cancel()
        self.process.close()

    def _heard(self, message: Message | None) -> None:
        if self.is_over:
            return
        if message is None:  # neither done nor failed was said: it was killed, or never got so far
            said = self.process.lines[-1] if self.process.lines else "it said nothing"
            self._fail(f"The set-up ended with code {self.process.code}: {said}")
        elif message.get("event") == "progress":
            self.fraction, self.text = float(message["fraction"]), str(message["text"])
        elif message.get("event") == "failed":
            self.process.lines.extend(str(message["log"]).splitlines())
            self.needs_python = message.get("code") == "no-python"
            self._fail(str(message["message"]))
        elif message.get("event") == "done":
            self.state, self.fraction, self.text = DONE, 1.0, "The backend is set up"

    def _fail(self, message: str) -> None:
        remedy = _REMEDY_PYTHON if self.needs_python else _REMEDY
        self.state, self.error = FAILED, BackendStartFailed(message, remedy)
