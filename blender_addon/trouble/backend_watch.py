"""Watches the backend from the pump: whether it has died, hangs, or is of another version. No bpy here.

A backend that died is started again once by itself; one that dies again soon stays down, and its log says why.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..session import Session
from ..shared import PROTOCOL, VERSION, connection
from ..shared.backend_process import server_log
from ..shared.errors import BackendNotRunning, BacklotError
from ..shared.link import FATAL
from .kinds import DIAGNOSTICS, RESTART, START, UPDATE_BACKEND, UPDATE_EXTENSION, Trouble
from .versions import is_older

PING_EVERY_S = 5.0
PATIENCE_S = 20.0
"""A backend that is silent for that long hangs."""
SOON_S = 600.0
"""A backend that dies twice in this time is not started again by itself."""
_TOLD_S = 60.0
_LONGEST_TURN_S = 2.0
"""A longer turn was Blender's own work, or the computer's sleep: answers could not be heard."""
_LOOK_EVERY_S, _MISSED_EVERY_S = 2.0, 0.2
_LOG_BYTES = 8000
_STARTED = "listening on"

DEAD, ABSENT, ALIVE = "dead", "absent", "alive"


@dataclass(frozen=True)
class Found:
    """What the connection file says. state: DEAD for a process that has gone without removing it. said: the end of
    a dead one's log. protocol, version: of one that lives."""

    state: str
    said: str = ""
    protocol: int = PROTOCOL
    version: str = VERSION


class BackendWatch:
    """restart: starts the backend as the preferences say. clock: seconds."""

    def __init__(
        self, session: Session, restart: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.session, self._restart, self._clock = session, restart, clock
        self.trouble: Trouble | None = None
        self._deaths: deque[float] = deque(maxlen=2)
        self._was_online = self._looking = self._had_refused = self._is_missed = False
        self._greeted = session.greeted
        self._turned = self._pinged = clock()
        self._looked = -_LOOK_EVERY_S
        self._silent_s = 0.0
        self._awaits_pong = False
        self._told_until = 0.0

    def step(self) -> None:
        """The pump's turn."""
        now = self._clock()
        passed, self._turned = min(now - self._turned, _LONGEST_TURN_S), now
        if self.session.online:
            self._step_online(now, passed)
        else:
            self._step_offline(now, passed)

    def forgive(self) -> None:
        """The artist takes over: what happened before does not count."""
        self._deaths.clear()
        self._silent_s = 0.0
        self._had_refused = False
        self._say(None)

    # -- connected ------------------------------------------------------------------------------------

    def _step_online(self, now: float, passed: float) -> None:
        self._greeted = self.session.greeted
        if not self._was_online:
            self._was_online, self._awaits_pong, self._silent_s, self._pinged = True, False, 0.0, now
            self._had_refused = self._is_missed = False
            self._look(now, self._met)
        if self._awaits_pong:
            self._silent_s += passed
            if self._silent_s > PATIENCE_S:
                self._say(_HANGS)
        elif now - self._pinged > PING_EVERY_S:
            self._awaits_pong, self._pinged = True, now
            self.session.ping(self._answered)
        if self.trouble is not None and self.trouble.is_over and now > self._told_until:
            self._say(None)

    def _answered(self, _: object) -> None:
        self._awaits_pong, self._silent_s, self._pinged = False, 0.0, self._clock()
        if self.trouble is _HANGS:
            self._say(None)

    def _met(self, found: Found) -> None:
        """It is there: what was wrong is over, unless it is of another version."""
        if found.state == ALIVE and found.version != VERSION:
            self._say(_other_version(found))
        elif self.trouble is not None and not self.trouble.is_over:
            self._say(None)

    # -- not connected --------------------------------------------------------------------------------

    def _step_offline(self, now: float, passed: float) -> None:
        session = self.session
        if self._was_online or session.greeted != self._greeted:  # it may have come and gone between two turns
            self._was_online, self._greeted, self._silent_s = False, session.greeted, 0.0
            self._is_missed, self._looked = not session.stopping, now - _LOOK_EVERY_S
        if session.starting or session.stopping:
            self._silent_s = 0.0
            return
        if session.lost is None and not self._is_missed:
            return
        self._silent_s += passed
        if now - self._looked >= (_MISSED_EVERY_S if self._is_missed else _LOOK_EVERY_S):
            self._look(now, self._away)

    def _away(self, found: Found) -> None:
        """What is left of a backend that there is no connection to. One that was killed may live a moment longer."""
        session = self.session
        if session.online or session.starting:
            return
        if found.state == ALIVE:
            self._silent(found)
        elif self._is_missed:
            self._is_missed = False
            if found.state == DEAD:
                self._died(found)
            elif session.unfinished:
                self._say(Trouble("The backend was stopped; its jobs go on when it starts again.", "", (START,)))

    def _died(self, found: Found) -> None:
        now = self._clock()
        again = bool(self._deaths) and now - self._deaths[-1] < SOON_S
        self._deaths.append(now)
        if again:
            cause = f"The last that it said: {found.said}" if found.said else _NO_WORD
            self._say(Trouble("The backend stopped again.", cause, (RESTART, DIAGNOSTICS)))
            return
        jobs = len(self.session.unfinished)
        goes_on = f"; {jobs} {'job goes' if jobs == 1 else 'jobs go'} on" if jobs else ""
        self._say(Trouble(f"The backend stopped and was started again{goes_on}.", is_over=True))
        self._told_until = now + _TOLD_S
        self._restart()

    def _silent(self, found: Found) -> None:
        """It lives, and does not let this side in."""
        refused = self.session.lost
        if refused is not None and refused.code in FATAL:
            if found.protocol != PROTOCOL:
                self._say(_other_version(found))
            elif not self._had_refused:  # a token that was read between two servers
                self._had_refused = True
                self.session.reconnect()
        elif self._silent_s > PATIENCE_S:
            self._say(_HANGS)

    # -- both -----------------------------------------------------------------------------------------

    def _look(self, now: float, then: Callable[[Found], None]) -> None:
        if self._looking:
            return
        self._looking, self._looked = True, now

        def seen(found: Found) -> None:
            self._looking = False
            then(found)

        self.session.background(lambda: look(self.session.home), seen, self._not_seen)

    def _not_seen(self, _error: BacklotError) -> None:
        self._looking = False

    def _say(self, trouble: Trouble | None) -> None:
        if trouble != self.trouble:
            self.trouble, self.session.changed = trouble, True


def look(home: Path) -> Found:
    """What is there of a backend."""
    try:
        found = connection.read(home)
    except BackendNotRunning:
        return Found(DEAD, last_words(home)) if connection.is_left_behind(home) else Found(ABSENT)
    return Found(ALIVE, protocol=found.protocol, version=found.version)


def last_words(home: Path) -> str:
    """The last line of the server's log since it started, "" where it said nothing but that it did."""
    try:
        with server_log(home).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LOG_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    started = max((number for number, line in enumerate(lines) if _STARTED in line), default=-1)
    said = [line.strip() for line in lines[started + 1 :] if line.strip() and " INFO " not in line]
    return said[-1] if said else ""


def _other_version(found: Found) -> Trouble:
    older = found.protocol < PROTOCOL or (found.protocol == PROTOCOL and is_older(found.version, VERSION))
    which = f"The backend that runs is of version {found.version}, this extension of {VERSION}."
    if older:
        return Trouble(which, "Update the backend: its jobs go on afterwards.", (UPDATE_BACKEND,))
    return Trouble(which, "Update the extension.", (UPDATE_EXTENSION,))


_HANGS = Trouble(
    f"The backend has not answered for {PATIENCE_S:.0f} seconds.",
    "Wait, if the computer is very busy; or restart it: its jobs go on.",
    (RESTART,),
)
_NO_WORD = "Its log does not say why: something else ended it, such as the system when memory runs out."
