"""What a running job says to the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from shared.artifacts import StageResult
from shared.codec import Message, Notification
from shared.messages import Progress
from shared.wire import pack

PROGRESS_EVERY_S = 0.05
ALIVE_EVERY_S = 5.0


class JobVoice:
    """A `JobObserver` that sends, progress at most 20 times a second. Used as a context: while it is open,
    a thread shows the server that this process still turns."""

    def __init__(self, send: Callable[[Message], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send, self._clock = send, clock
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._last_sent = -1.0
        self._last_stage = ""

    def cancel(self) -> None:
        """Asks the job to end; from any thread."""
        self._cancelled.set()

    # -- JobObserver ----------------------------------------------------------------------------------

    def progress(self, progress: Progress) -> None:
        now = self._clock()
        # The first and the last of a stage are always told.
        is_new = progress.stage != self._last_stage or progress.done >= progress.total
        if is_new or now - self._last_sent >= PROGRESS_EVERY_S:
            self._last_sent, self._last_stage = now, progress.stage
            self._send(Notification("job.progress", pack(progress)))

    def notice(self, sentence: str) -> None:
        self._send(Notification("job.notice", {"sentence": sentence}))

    def stage_done(self, result: StageResult) -> None:
        self._send(Notification("job.stage", pack(result)))

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    # -- heartbeat ------------------------------------------------------------------------------------

    def __enter__(self) -> JobVoice:
        self._send(Notification("worker.alive", {}))
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _beat(self) -> None:
        while not self._over.wait(ALIVE_EVERY_S):
            self._send(Notification("worker.alive", {}))
