"""Runs the export stage on a synthetic solved shot, without the queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.pipeline.context import StageContext
from backend.stages import export
from shared.artifacts import StageResult
from shared.messages import Progress
from shared.shot import ShotFolder
from shared.stages import ExportParams


@dataclass
class Recorder:
    seen: list[Progress] = field(default_factory=list)
    cancel_at: int | None = None

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def notice(self, sentence: str) -> None:
        pass

    def stage_done(self, result: StageResult) -> None:
        pass

    def is_cancelled(self) -> bool:
        return self.cancel_at is not None and len(self.seen) >= self.cancel_at


def run_export(root: Path, observer: Recorder | None = None, **params: Any) -> tuple[StageResult, list[str]]:
    """The result and the notices."""
    shot = ShotFolder(root)
    checkpoint = shot.checkpoints_dir / "export" / "key"
    checkpoint.mkdir(parents=True, exist_ok=True)
    context = StageContext(
        "export", shot, "", "cpu", checkpoint, observer or Recorder(), logging.getLogger("backlot.export")
    )
    return export.run(ExportParams(**params), context), context.notices
