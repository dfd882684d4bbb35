"""What is said of jobs while the artist works: a line in the status bar, and a word when one of this file's ends."""

from __future__ import annotations

import textwrap
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import preferences
from ..overriding import overridden
from ..properties import folder_path, waited_jobs
from ..session import Session
from ..shared.messages import CANCELLED, FAILED, QUEUED, RUNNING, JobEvent, JobStatus, in_line
from . import desktop, words

_SHOWN_S, _BRIEFLY_S = 20.0, 6.0
"""How long the end of a job stays in the status bar: when no other job runs, and when one does."""
_MOST_LETTERS = 110
"""Of the status bar; the whole of it is in the report."""


@dataclass(frozen=True)
class News:
    text: str
    failed: bool
    since: float


class JobNews:
    """Nothing of it takes input away or opens by itself."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._clock = session, clock
        self._running: set[str] = set()
        self._reports: deque[News] = deque(maxlen=8)
        self._shown = ""
        self.news: News | None = None

    # -- status bar -----------------------------------------------------------------------------------

    def start(self) -> None:
        bpy.types.STATUSBAR_HT_header.append(draw_status)

    def stop(self) -> None:
        bpy.types.STATUSBAR_HT_header.remove(draw_status)

    def job_in_work(self) -> JobStatus | None:
        """The one that the status bar tells of: of this file rather than of others, and running rather than waiting."""
        jobs = self._session.jobs
        found = [job for job in jobs.values() if job.state == RUNNING] or in_line(jobs.values())[:1]
        own = [job for job in found if _is_own(job)]
        return next(iter(own or found), None) if self._session.online else None

    def status_text(self) -> str:
        """What the status bar says of jobs, "" for nothing."""
        if self.news is not None:
            return textwrap.shorten(f"Backlot: {self.news.text}", _MOST_LETTERS, placeholder=" ...")
        job = self.job_in_work()
        return words.status_bar_text(job, self._session.jobs) if job is not None else ""

    # -- the pump's side ------------------------------------------------------------------------------

    def heard(self, event: JobEvent) -> None:
        """A job of this file that was seen to run has ended, or one that the file waited for while it was closed."""
        status = event.status
        if status.state in (QUEUED, RUNNING):
            self._running.add(status.id)
            return
        if status.id not in self._running and not _is_waited_for(status):
            return
        self._running.discard(status.id)
        wanted = _wanted()
        if wanted.notify and status.state != CANCELLED and _is_own(status):
            self._tell(status, desktop_too=wanted.desktop)

    def step(self) -> None:
        """Takes away what is old, and has the status bar drawn anew when it says something else."""
        job = self.job_in_work()
        if self.news is not None and self._clock() - self.news.since > (_SHOWN_S if job is None else _BRIEFLY_S):
            self.news = None
        if self._reports and not self._session.reading and not bpy.app.background:
            _report(self._reports.popleft())
        text = self.status_text() if _wanted().status_bar else ""
        if text != self._shown:
            self._shown = text
            _redraw_status_bar()

    def _tell(self, status: JobStatus, *, desktop_too: bool) -> None:
        self.news = News(words.ended_text(status), status.state == FAILED, self._clock())
        self._reports.append(self.news)
        if desktop_too:
            desktop.notify("Backlot", self.news.text)


@dataclass(frozen=True)
class _Wanted:
    notify: bool = True
    status_bar: bool = True
    desktop: bool = False


def _wanted() -> _Wanted:
    chosen = preferences.current()
    if chosen is None:
        return _Wanted()
    return _Wanted(chosen.notify_when_done, chosen.show_in_status_bar, chosen.notify_on_desktop)


def _is_own(status: JobStatus) -> bool:
    """Whether a scene of this file works on the job's shot."""
    shot = Path(status.request.shot)
    return _is_waited_for(status) or any(folder_path(scene.backlot) == shot for scene in bpy.data.scenes)


def _is_waited_for(status: JobStatus) -> bool:
    return any(status.id in waited_jobs(scene.backlot) for scene in bpy.data.scenes)


def draw_status(header: Any, _context: bpy.types.Context) -> None:
    """At the end of the status bar."""
    from .. import runtime  # it imports the pump, which imports this

    news = runtime.pump().jobs.news
    if not _wanted().status_bar:
        return
    text = news.status_text()
    if not text:
        return
    job = news.job_in_work()
    icon = "RENDER_ANIMATION" if news.news is None else "ERROR" if news.news.failed else "CHECKMARK"
    row = header.layout.row(align=True)
    row.label(text=text, icon=icon)
    if news.news is None and job is not None:
        row.operator("backlot.cancel_job", text="", icon="X", emboss=False).job = job.id


def _redraw_status_bar() -> None:
    """It belongs to no screen, so that nothing can tag it; but it listens for the name of the view layer."""
    bpy.msgbus.publish_rna(key=(bpy.types.ViewLayer, "name"))


def _report(news: News) -> None:
    """As an operator's report, which Blender shows in the status bar and keeps in its Info editor."""
    windows = bpy.context.window_manager.windows
    if not windows:
        return
    with overridden(window=windows[0]):
        bpy.ops.backlot.tell_job_end("INVOKE_DEFAULT", text=f"Backlot: {news.text}", failed=news.failed)
