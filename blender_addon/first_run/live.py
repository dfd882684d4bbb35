"""What the pump keeps of the set-up: whether it is needed, and the one that runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..session import Session
from ..shared import VERSION, environment
from ..shared.errors import BacklotError, InvalidRequest
from ..trouble.versions import is_older
from .process import DONE, SetUp, Wanted

MISSING, OLDER, NEWER, READY, UNKNOWN = "missing", "older", "newer", "ready", "unknown"
"""State of the recorded environment beside this extension; unknown until it was looked at."""


class FirstRun:
    """restart: starts the backend as the preferences say, after ending one that runs."""

    def __init__(self, session: Session, restart: Callable[[], None] | None = None) -> None:
        self.session = session
        self._restart = restart or session.restart
        self._asked = False
        self.record = UNKNOWN
        self.run: SetUp | None = None

    @property
    def running(self) -> bool:
        return self.run is not None and not self.run.is_over

    def look(self) -> None:
        """Reads the record on the session's thread, once; again after `forget`."""
        if not self._asked:
            self._asked = True
            self.session.background(lambda: state_of(self.session.home), self._seen, self._broken)

    def forget(self) -> None:
        self._asked = False

    def start(self, source: Path, wanted: Wanted) -> SetUp:
        """Raises `BackendStartFailed`, and `InvalidRequest` while one runs."""
        if self.running:
            raise InvalidRequest("The backend is being set up already.", "Wait for it, or stop it first.")
        if self.session.online:
            self.session.stop()  # an environment in use must not be replaced
        self.session.error = None
        self.run = SetUp(source, self.session.home, wanted)
        self.session.changed = True
        return self.run

    def step(self) -> None:
        """The pump's turn."""
        self.look()
        if self.run is None or not self.run.poll():
            return
        self.session.changed = True
        if self.run.is_over:  # also one that failed may have made a part of it
            self.forget()
        if self.run.state == DONE:
            self.run = None
            self._restart()

    def close(self) -> None:
        if self.run is not None:
            self.run.close()

    def _seen(self, record: str) -> None:
        self.record, self.session.changed = record, True

    def _broken(self, _error: BacklotError) -> None:
        """A record that cannot be read is as good as none: setting up writes it anew."""
        self._seen(MISSING)


def state_of(home: Path) -> str:
    """Of the environment that was recorded there. Raises `BackendStartFailed` for a record that is damaged."""
    found = environment.find(home)
    if found is None:
        return MISSING
    if is_older(found.version, VERSION):
        return OLDER
    return NEWER if is_older(VERSION, found.version) else READY
