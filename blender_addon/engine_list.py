"""What the backend says of its engines: licences, and whether each can run here. No bpy here."""

from __future__ import annotations

from typing import Any

from .session import Session
from .shared.errors import BacklotError
from .shared.messages import EngineStatus
from .shared.wire import unpack


class EngineList:
    """engines: (stage, name) -> its state; empty until the backend has answered. error: why it could not."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._wished = self._asked = False
        self.engines: dict[tuple[str, str], EngineStatus] = {}
        self.error: BacklotError | None = None

    def wish(self) -> None:
        """Panels call it at every drawing; the pump asks, once for every connection."""
        self._wished = True

    def forget(self) -> None:
        """Weights came or went: asks again."""
        self._asked = False

    def step(self) -> None:
        """The pump's turn."""
        if not self._session.online:
            self._asked = False
        elif self._wished and not self._asked:
            self._asked, self.error = True, None
            self._session.inquire("engines", {}, self._heard, self._failed)

    def find(self, stage: str, engine: str) -> EngineStatus | None:
        return self.engines.get((stage, engine))

    def of_stage(self, stage: str) -> list[EngineStatus]:
        return [status for (of, _), status in self.engines.items() if of == stage]

    def _heard(self, plain: Any) -> None:
        found = [unpack(EngineStatus, one) for one in plain]
        self.engines = {(status.stage, status.engine): status for status in found}
        self._session.changed = True

    def _failed(self, error: BacklotError) -> None:
        """Panels go without it: a job says itself what is missing."""
        self.error, self._session.changed = error, True
