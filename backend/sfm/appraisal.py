"""What is said of a finished solve: how sure each frame is, and what is wrong where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shared.solve_report import Problem

from .confidence import FrameQuality, frame_quality
from .covariance import pose_covariance
from .frames import Floats, FrameSource
from .problems import find_problems
from .refine import Refined


@dataclass(frozen=True)
class Appraisal:
    """rotation_sd_deg, position_sd [F]: standard deviations after the best alignment with the truth (covariance.py); in
    a clip in which the camera stands somewhere, of each frame against its points (confidence.py). nan where
    nothing is known: the position of a camera that only turns. causes: of each frame, "" for a sound one."""

    quality: FrameQuality
    rotation_sd_deg: Floats
    position_sd: Floats
    causes: tuple[str, ...]
    problems: tuple[Problem, ...]
    facts: dict[str, float]


def appraise(source: FrameSource, refined: Refined, checkpoint: Callable[[], None]) -> Appraisal:
    """Of a scene in its final world. Pictures are read only where frames are weak."""
    scene, tracks = refined.scene, refined.tracks
    quality = frame_quality(scene, tracks, source.width, source.height)
    checkpoint()
    known = None if scene.spans is not None else pose_covariance(scene, tracks, refined.bundle)
    checkpoint()
    problems, causes = find_problems(source, scene, refined.everything, quality, checkpoint)
    if known is not None:
        lens = {"focal_sd_px": float(np.nanmax(known.focal_sd)), "k1_sd": known.k1_sd}
        return Appraisal(quality, known.rotation_sd_deg, known.position_sd, causes, problems, lens)
    travels = np.array([scene.spans is None or kind == "full" for kind in _kinds(refined)])
    rotation = np.where(np.isfinite(quality.rotation_sd_deg), quality.rotation_sd_deg, np.nan)
    position = np.where(travels & np.isfinite(quality.position_sd), quality.position_sd, np.nan)
    return Appraisal(quality, rotation, position, causes, problems, {})


def _kinds(refined: Refined) -> list[str]:
    spans = refined.scene.spans
    return ["full"] * len(refined.scene.posed) if spans is None else spans.kinds
