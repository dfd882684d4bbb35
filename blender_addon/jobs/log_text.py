"""A job's log as a text of the file, which grows as long as the job runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bpy

from ..session import Session
from ..shared.errors import BacklotError
from ..shared.messages import LogChunk
from ..shared.wire import unpack
from .log_lines import readable_line

_EVERY_S = 0.5
_MOST_LETTERS = 200_000
"""A text editor becomes slow with more; the beginning goes first."""


class LogText:
    """Follows one job at a time. A text that the artist has deleted is not made again."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._clock = session, clock
        self._job, self._text = "", ""
        self._offset = 0
        self._said: list[str] = []
        self._asked = -1e9
        self._waits = self._ended = False

    def follow(self, job: str, text: bpy.types.Text, said: str) -> None:
        """said: what is known of the log already, which the text holds until the backend has told it from the start."""
        self._job, self._text, self._offset = job, text.name, 0
        self._said, self._waits, self._ended, self._asked = [], False, False, -1e9
        _write(text, said)

    def forget(self) -> None:
        """Follows no job any more: a text of that name is another one in another file."""
        self._job = ""

    def step(self) -> None:
        """Asks for what has been logged since, while the job runs and once after."""
        text = bpy.data.texts.get(self._text) if self._job else None
        if text is None:
            self._job = ""
        if not self._session.online:
            self._waits = False
        if text is None or self._ended or self._waits or not self._session.online:
            return
        now = self._clock()
        if now - self._asked < _EVERY_S:
            return
        self._asked, self._waits = now, True
        status = self._session.jobs.get(self._job)
        over, job = status is None or status.is_over, self._job
        asked = {"job": job, "offset": self._offset}
        self._session.query("job.log", asked, lambda answer: self._heard(job, over, answer), self._failed)

    def _heard(self, job: str, over: bool, answer: Any) -> None:
        if job != self._job:  # another one is followed meanwhile
            return
        self._waits = False
        chunk = unpack(LogChunk, answer)
        text = bpy.data.texts.get(self._text)
        if not chunk.text or text is None:
            self._ended = over
            return
        self._offset = chunk.next_offset
        self._said += [readable_line(line) for line in chunk.text.splitlines()]
        _write(text, "\n".join(self._said))
        self._asked = -1e9  # there may be more

    def _failed(self, _error: BacklotError) -> None:
        self._waits = False
        self._ended = self._session.online


def _write(text: bpy.types.Text, said: str) -> None:
    views = [view for view in _views() if view.text == text]
    following = [view for view in views if view.top + view.visible_lines >= len(text.lines) - 1]
    text.from_string(said[-_MOST_LETTERS:] + "\n")
    for view in following:
        view.top = max(0, len(text.lines) - view.visible_lines)


def _views() -> list[Any]:
    windows = bpy.context.window_manager.windows
    areas = [area for window in windows for area in window.screen.areas if area.type == "TEXT_EDITOR"]
    for area in areas:
        area.tag_redraw()
    return [area.spaces.active for area in areas]
