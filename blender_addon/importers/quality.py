"""How good the solve is, frame by frame, and what the camera does. No bpy here: read on a thread."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ..shared.camera_files import SolvedCamera
from ..shared.errors import ArtifactMissing, ShotCorrupt
from ..shared.shot import ShotFolder, read_document
from ..shared.solve_report import Problem, SolveReport

SPEED = "camera_speed"
_SAME_PLACE = 1e-3
"""Of the camera's path: an analysis whose positions differ by more is of an earlier solve or world."""


@dataclass(frozen=True)
class Channel:
    """A curve. help: its tooltip. frames int64 [T], values float64 [T]."""

    help: str
    frames: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class SolveQuality:
    """channels: by property name; those the files say nothing about are missing. problems: from the report."""

    channels: dict[str, Channel] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


HELP = {
    "solve_error_px": "Mean reprojection error of the frame, px",
    "solve_confidence": "How far the solve trusts the frame, 0 to 1",
    "solve_points": "Solved points that the frame sees",
    SPEED: "Speed of the camera, units a second",
    "camera_shake_px": "How far the frame is off a smooth move, px at the scene's median depth",
}


def read_quality(folder: ShotFolder, camera: SolvedCamera) -> SolveQuality:
    """Reads what there is. No bpy in it. A report that cannot be read is as good as none."""
    try:
        problems = read_document(folder.report, SolveReport).problems
    except (ArtifactMissing, ShotCorrupt):
        problems = ()
    posed = [frame for frame in camera.extrinsics.frames if frame.world_from_camera is not None]
    frames = np.array([frame.frame for frame in posed])
    places = np.array([frame.world_from_camera for frame in posed], np.float64).reshape(-1, 4, 4)[:, :3, 3]
    found = {
        "solve_error_px": [frame.reprojection_error_px for frame in posed],
        "solve_confidence": [frame.confidence for frame in posed],
        "solve_points": [float(frame.points) for frame in posed],
        SPEED: _speed(frames, places, float(Fraction(camera.intrinsics.fps))),
        "camera_shake_px": _shake(folder, frames, places),
    }
    return SolveQuality({name: channel for name in found if (channel := _channel(name, frames, found[name]))}, problems)


def _channel(name: str, frames: np.ndarray, values: list[float | None] | None) -> Channel | None:
    if values is None:
        return None
    known = np.array([value is not None and np.isfinite(value) for value in values], bool)
    if not known.any():
        return None
    picked = np.array([value for value, good in zip(values, known, strict=True) if good], np.float64)
    return Channel(HELP[name], frames[known], picked)


def _speed(frames: np.ndarray, places: np.ndarray, fps: float) -> list[float | None]:
    """To the next frame; None where that has no pose."""
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1) * fps
    return [float(step) if gap == 1 else None for step, gap in zip(steps, np.diff(frames), strict=True)] + [None]


def _shake(folder: ShotFolder, frames: np.ndarray, places: np.ndarray) -> list[float | None] | None:
    """From the export's analysis, if it is of this very camera."""
    path = folder.root / "camera" / "analysis.json"
    try:
        rows: Any = {row["frame"]: row for row in json.loads(path.read_text(encoding="utf-8"))["frames"]}
        theirs = [rows[frame]["position"] for frame in frames.tolist()]
        shake = [rows[frame]["shake_px"] for frame in frames.tolist()]
        away = np.abs(np.array(theirs, np.float64) - places).max()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    size = float(np.ptp(places, axis=0).max())
    return shake if away <= _SAME_PLACE * max(size, 1e-9) else None
