"""Everything of jobs that the pump turns."""

from __future__ import annotations

import bpy

from ..session import Session
from ..shared.messages import JobEvent
from . import rows
from .log_text import LogText
from .meter import MachineMeter
from .news import JobNews
from .scenes import SceneJobs


class JobsLive:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.scenes = SceneJobs(session)
        self.news = JobNews(session)
        self.meter = MachineMeter(session)
        self.log = LogText(session)

    def file_opened(self) -> None:
        """Scenes and texts are others now."""
        self.scenes.file_opened()
        self.log.forget()

    def heard(self, event: JobEvent) -> None:
        """Of every event, before the scenes that wait for its job are served."""
        self.news.heard(event)

    def step(self) -> None:
        """In every tick; short."""
        self.meter.step()
        self.log.step()
        self.news.step()

    def show(self) -> None:
        """When something has changed."""
        self.scenes.find()
        rows.show(bpy.context.window_manager.backlot_jobs, self._session.jobs)
