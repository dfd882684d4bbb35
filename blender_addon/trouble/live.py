"""What the pump keeps of troubles: those of the backend, and of the places of the shots that panels show."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..session import Session
from ..shared.errors import BacklotError
from .backend_watch import BackendWatch
from .kinds import STARTING, WAITS, Trouble, of_error
from .shot_place import Sought, look

_LOOK_EVERY_S = 4.0
_KEPT = 4


class Troubles:
    """restart: starts the backend as the preferences say. clock: seconds."""

    def __init__(
        self, session: Session, restart: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.session, self._clock = session, clock
        self.backend = BackendWatch(session, restart, clock)
        self._places: dict[Sought, Trouble | None] = {}
        self._looked = clock()
        self._looking = False

    def step(self) -> None:
        """The pump's turn."""
        self.backend.step()
        if self._clock() - self._looked > _LOOK_EVERY_S and not self._looking:
            for sought in self._places:
                self._look(sought)
            self._looked = self._clock()

    def of_place(self, sought: Sought) -> Trouble | None:
        """What is known to be wrong with a shot's places; looked at on a thread, every few seconds."""
        if sought not in self._places:
            if len(self._places) >= _KEPT:
                del self._places[next(iter(self._places))]
            self._places[sought] = None
            self._look(sought)
        return self._places.get(sought)

    def look_again(self) -> None:
        """At all places, because one was changed."""
        self._places.clear()

    def of_scene(self, sought: Sought | None, *, waits: bool = False) -> Trouble | None:
        """The one that a panel shows: the backend's before the shot's, before what else failed. waits: whether the
        scene waits for a job."""
        if self.backend.trouble is not None and not self.backend.trouble.is_over:
            return self.backend.trouble
        place = self.of_place(sought) if sought is not None else None
        if place is not None:
            return place
        if self.session.error is not None:
            return of_error(self.session.error)
        if self.backend.trouble is None and not self.session.online:
            return STARTING if self.session.starting else WAITS if waits else None
        return self.backend.trouble

    def _look(self, sought: Sought) -> None:
        self._looking = True

        def seen(trouble: Trouble | None) -> None:
            self._looking = False
            if sought in self._places and self._places[sought] != trouble:
                self._places[sought], self.session.changed = trouble, True

        self.session.background(lambda: look(sought), seen, self._not_seen)

    def _not_seen(self, _error: BacklotError) -> None:
        self._looking = False
