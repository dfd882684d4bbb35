"""What the computer's memory holds, asked for as long as somebody looks at it. No bpy here."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..session import Session
from ..shared.errors import BacklotError
from ..shared.messages import MachineStatus
from ..shared.wire import unpack

_EVERY_S = 2.0
_LOOKS_S = 5.0
"""A panel that was drawn that long ago counts as looked at: it is drawn again with every answer."""


class MachineMeter:
    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._clock = session, clock
        self._wished = self._asked = -1e9
        self._waits = False
        self.machine: MachineStatus | None = None

    def wish(self) -> MachineStatus | None:
        """For panels that show it: what is known, and a wish to know more."""
        self._wished = self._clock()
        return self.machine

    @property
    def watched(self) -> bool:
        return self._session.online and self._clock() - self._wished < _LOOKS_S

    def step(self) -> None:
        """Asks again when it is time to."""
        if not self._session.online:
            self.machine, self._waits = None, False
            return
        now = self._clock()
        if not self.watched or self._waits or now - self._asked < _EVERY_S:
            return
        self._asked, self._waits = now, True
        self._session.query("machine.status", {}, self._heard, self._failed)

    def _heard(self, answer: Any) -> None:
        self._waits = False
        self.machine = unpack(MachineStatus, answer)
        self._session.changed = True

    def _failed(self, _error: BacklotError) -> None:
        """An older backend does not know it; the connection may be gone. Panels then say nothing of memory."""
        self._waits, self.machine = False, None
