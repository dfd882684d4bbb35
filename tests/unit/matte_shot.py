"""A shot with a plate and masks, as ingest and roto leave it, and the matte stage run on it without the queue."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.pipeline.context import StageContext
from backend.stages import matte
from shared.artifacts import StageResult, frame_name
from shared.shot import ShotFile, ShotFolder, SourceFacts, document_text
from shared.stages import stage_params
from tests.unit.export_shot import Recorder
from tests.unit.matte_scene import Scene

FIRST = 101


def write_matte_shot(root: Path, scene: Scene, labels: tuple[str, ...] = ("head",)) -> ShotFolder:
    """The plate's numbers begin at 101; every label has the same masks: alpha cut at one half."""
    shot = ShotFolder(root)
    count, height, width = scene.alphas.shape
    shot.frames_dir.mkdir(parents=True)
    facts = SourceFacts("sequence", width, height, "24", FIRST, FIRST + count - 1, count)
    shot.shot_json.write_text(document_text(ShotFile(1, "id", "clip", facts)), encoding="utf-8")
    for index in range(count):
        name = frame_name(FIRST + index)
        cv2.imwrite(str(shot.frames_dir / name), scene.pictures[index][..., ::-1])
        for label in labels:
            (shot.roto_dir / label).mkdir(parents=True, exist_ok=True)
            mask = np.where(scene.alphas[index] >= 0.5, 255, 0).astype(np.uint8)
            cv2.imwrite(str(shot.roto_dir / label / name), mask)
    return shot


def run_matte(shot: ShotFolder, observer: Recorder | None = None, **params: Any) -> tuple[StageResult, list[str]]:
    """The result and the notices of engine banded, unless told otherwise."""
    checkpoint = shot.checkpoints_dir / "matte" / "-".join(f"{name}={value}" for name, value in sorted(params.items()))
    checkpoint = Path(str(checkpoint).replace("{", "").replace("}", "")[:200])
    checkpoint.mkdir(parents=True, exist_ok=True)
    context = StageContext(
        "matte", shot, "", "cpu", checkpoint, observer or Recorder(), logging.getLogger("backlot.matte")
    )
    return matte.run(stage_params("matte", {"engine": "banded", **params}), context), context.notices
