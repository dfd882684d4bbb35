"""What the backend says of clips that have no shot yet, asked for by the pump and kept. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .session import Session
from .shared.errors import BacklotError
from .shared.wire import pack, unpack

if TYPE_CHECKING:
    from .shared.footage_messages import ProbeReply

_KEPT = 20


@dataclass
class Probe:
    """Of a clip: reply or error, both None while the backend looks or has not been asked."""

    reply: ProbeReply | None = None
    error: BacklotError | None = None
    asked: bool = False

    @property
    def is_over(self) -> bool:
        return self.reply is not None or self.error is not None


class ClipProbes:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._probes: dict[Path, Probe] = {}

    def wish(self, clip: Path) -> Probe:
        """What is known of a clip. Panels call it at every drawing; the pump asks as soon as a backend runs."""
        if clip not in self._probes:
            self._probes[clip] = Probe()
            for oldest in list(self._probes)[:-_KEPT]:
                del self._probes[oldest]
        return self._probes[clip]

    def forget(self, clip: Path) -> None:
        """The next drawing asks again."""
        self._probes.pop(clip, None)
        self._session.changed = True

    def step(self) -> None:
        """The pump's turn."""
        if not self._session.online:
            return
        for clip, probe in self._probes.items():
            if not probe.asked:
                probe.asked = True
                self._ask(clip, probe)

    def _ask(self, clip: Path, probe: Probe) -> None:
        from .shared.footage_messages import ProbeReply, ProbeRequest

        def heard(plain: Any) -> None:
            probe.reply = unpack(ProbeReply, plain)
            self._session.changed = True

        def failed(error: BacklotError) -> None:
            probe.error = error
            self._session.changed = True

        self._session.inquire("clip.probe", pack(ProbeRequest(str(clip))), heard, failed)
