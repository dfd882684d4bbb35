"""A made-up solve, as the solver would hand it to the writer, and a shot to write it into."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.pipeline.context import StageContext
from backend.sfm.assemble import assemble
from backend.sfm.frames import Flags, Picture
from backend.sfm.refine import Refined
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from shared.shot import ShotFile, ShotFolder, SourceFacts, document_text
from tests.unit.export_shot import Recorder
from tests.unit.sfm_scene import seen, travelling

FACTS = SourceFacts("video", 640, 360, "24", 1, 12, 12)


@dataclass(frozen=True)
class GreyPlate:
    """A FrameSource without any features."""

    numbers: tuple[int, ...] = tuple(range(1, 13))
    width: int = 640
    height: int = 360

    def gray(self, index: int) -> Picture:
        return np.full((self.height, self.width), 90, np.uint8)

    def rgb(self, index: int) -> Picture:
        return np.full((self.height, self.width, 3), 90, np.uint8)

    def usable(self, index: int) -> Flags | None:
        return None


def made_up_solve(*, outlier: bool = False, jitter: float = 0.0) -> CameraSolve:
    """12 frames past 200 points. outlier: one observation that was thrown out. jitter: of the camera, units."""
    scene = travelling()
    tracks = seen(scene, 0.2)
    kept = np.ones(len(tracks.track), bool)
    kept[5] = not outlier
    if jitter:
        shift = np.random.default_rng(3).normal(0.0, jitter, scene.translation.shape)
        scene = type(scene)(**{**vars(scene), "translation": scene.translation + shift})
    refined = Refined(scene, tracks.select(kept), tracks, True)
    return assemble(GreyPlate(), refined, SfmSettings(), lambda: None)


def shot_at(root: Path) -> ShotFolder:
    shot = ShotFolder(root)
    root.mkdir(parents=True, exist_ok=True)
    shot.shot_json.write_text(document_text(ShotFile(1, "made-up", "/clips/made-up.mp4", FACTS)))
    shot.private_dir.mkdir(exist_ok=True)
    return shot


def context_of(root: Path, observer: Recorder | None = None) -> StageContext:
    shot = ShotFolder(root)
    checkpoints = shot.checkpoints_dir / "solve" / "key"
    return StageContext(
        "solve", shot, "", "cpu", checkpoints, observer or Recorder(), logging.getLogger("backlot.solve")
    )
