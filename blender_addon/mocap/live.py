"""The pump's side of mocap: imports on their way, and what is drawn over the plate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..session import Session
from ..shared.messages import JobStatus
from ..step_imports import StepImports
from .overlay import SkeletonOverlay

if TYPE_CHECKING:
    from .scene_import import ImportedMocap

STAGE = "mocap"


class MocapLive:
    """changed: writes an undo step, named after what changed without an operator."""

    def __init__(self, session: Session, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self.imports = StepImports(session, self._imported)
        self.overlay = SkeletonOverlay(session)
        self.last_import = ""

    def import_later(self, scene: bpy.types.Scene, folder: Path, labels: tuple[str, ...] = ()) -> None:
        """Reads the motions on a thread and imports them in steps."""
        from .contents import read_mocap
        from .scene_import import import_steps

        self.last_import = ""
        self.imports.begin(scene, lambda: read_mocap(folder, labels), import_steps)

    def _imported(self, result: ImportedMocap) -> None:
        self.last_import = result.summary
        self._changed("motion capture")

    def stage_ended(self, status: JobStatus) -> None:
        """A stage of a job has ended, or the job: what was seen may be something else now."""
        ended = status.request.stages if status.is_over else (result.stage for result in status.results[-1:])
        if STAGE in ended:
            self.overlay.forget_keypoints()
