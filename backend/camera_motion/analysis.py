"""Speed, acceleration, rotation and shake of a camera, and the scale of what it looks at.

Shake is what remains of the motion when the intended move is taken away. At every frame a parabola is
fitted (least squares, after Savitzky and Golay, 1964) to the camera's turns and positions half a second
around it, all as seen from that frame; how far the frame lies off the parabola is its shake. It is told
in px: how far it moves the picture of a point at the scene's median depth. Lengths are units of the shot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from backend.export.camera_track import CameraSample, CameraTrack, PointCloud

Floats = NDArray[np.float64]
_WINDOW_S = 0.5
_STEADY_PX = 0.25
"""Shake that a viewer does not see, per 1000 px of the picture's width."""
_WILD_PX = 25.0


@dataclass(frozen=True)
class FrameMotion:
    """speed: units/s; acceleration: units/s^2; turn_deg: to the next frame; shake_px: off the smooth path.
    None where a neighbour that the value needs has no pose."""

    frame: int
    position: tuple[float, float, float] | None
    speed: float | None
    acceleration: float | None
    turn_deg: float | None
    shake_px: float | None
    focal_mm: float


@dataclass(frozen=True)
class SceneScale:
    """median_depth: of the points in front of the cameras. extent: of the middle 90 % of the points along
    x, y, z. depth_per_baseline: median depth over the camera's greatest distance between two frames, which
    says how much parallax there was."""

    median_depth: float | None
    extent: tuple[float, float, float] | None
    path_length: float
    path_extent: tuple[float, float, float]
    depth_per_baseline: float | None


@dataclass(frozen=True)
class MotionAnalysis:
    """shake_score: 0 (steady as a tripod) to 100 (unwatchable), logarithmic in the shake's RMS."""

    version: int
    fps: str
    units: str
    frames: tuple[FrameMotion, ...]
    frames_without_pose: tuple[int, ...]
    mean_speed: float | None
    peak_speed: float | None
    total_turn_deg: float
    peak_turn_deg: float | None
    shake_px_rms: float | None
    shake_score: float | None
    scene: SceneScale


def analyse_motion(track: CameraTrack, cloud: PointCloud, units: str = "units of the shot") -> MotionAnalysis:
    poses = {s.frame: np.array(s.pose, np.float64) for s in track.samples if s.pose is not None}
    scene = _scene(poses, cloud)
    shakes = _shakes(track, poses, scene.median_depth)
    frames = tuple(_frame(sample, poses, float(track.fps), shakes) for sample in track.samples)
    speeds = [f.speed for f in frames if f.speed is not None]
    turns = [f.turn_deg for f in frames if f.turn_deg is not None]
    rms = math.sqrt(sum(v * v for v in shakes.values()) / len(shakes)) if shakes else None
    return MotionAnalysis(
        version=1,
        fps=_rate_text(track.fps),
        units=units,
        frames=frames,
        frames_without_pose=track.failed,
        mean_speed=sum(speeds) / len(speeds) if speeds else None,
        peak_speed=max(speeds, default=None),
        total_turn_deg=sum(turns),
        peak_turn_deg=max(turns, default=None),
        shake_px_rms=rms,
        shake_score=None if rms is None else shake_score(rms, track.width),
        scene=scene,
    )


def shake_score(rms_px: float, width: int) -> float:
    """0 at a quarter of a thousandth of the picture's width, 100 at 25 thousandths."""
    relative = rms_px * 1000.0 / width
    score = 100.0 * math.log(max(relative, _STEADY_PX) / _STEADY_PX) / math.log(_WILD_PX / _STEADY_PX)
    return round(min(score, 100.0), 1)


def _frame(sample: CameraSample, poses: dict[int, Floats], fps: float, shakes: dict[int, float]) -> FrameMotion:
    at, after, before = (poses.get(sample.frame + d) for d in (0, 1, -1))
    known = at is not None and after is not None
    return FrameMotion(
        frame=sample.frame,
        position=None if at is None else (float(at[0, 3]), float(at[1, 3]), float(at[2, 3])),
        speed=float(np.linalg.norm(after[:3, 3] - at[:3, 3])) * fps if at is not None and after is not None else None,
        acceleration=_acceleration(before, at, after, fps),
        turn_deg=_turn(at, after) if known else None,
        shake_px=shakes.get(sample.frame),
        focal_mm=sample.focal_mm,
    )


def _acceleration(before: Floats | None, at: Floats | None, after: Floats | None, fps: float) -> float | None:
    if before is None or at is None or after is None:
        return None
    return float(np.linalg.norm(after[:3, 3] - 2.0 * at[:3, 3] + before[:3, 3])) * fps * fps


def _turn(at: Floats | None, after: Floats | None) -> float | None:
    if at is None or after is None:
        return None
    return math.degrees(float(np.linalg.norm(rotation_vector(at[:3, :3].T @ after[:3, :3]))))


def rotation_vector(turn: Floats) -> Floats:
    """Axis times angle (radians) of a rotation matrix [3,3]; well-conditioned for small angles."""
    axis = np.array((turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1])) / 2.0
    sine, cosine = float(np.linalg.norm(axis)), (float(np.trace(turn)) - 1.0) / 2.0
    return axis * (math.atan2(sine, cosine) / sine) if sine > 1e-12 else axis


def _shakes(track: CameraTrack, poses: dict[int, Floats], depth: float | None) -> dict[int, float]:
    """Frame -> px off the smooth path, for frames with enough neighbours on both sides or one."""
    half = max(3, round(float(track.fps) * _WINDOW_S / 2.0))
    found: dict[int, float] = {}
    for sample in track.solved:
        steps = [d for d in range(-half, half + 1) if sample.frame + d in poses]
        if len(steps) < half + 1 or len(steps) < 5:
            continue
        at = poses[sample.frame]
        around = [poses[sample.frame + d] for d in steps]
        turns = np.array([rotation_vector(at[:3, :3].T @ other[:3, :3]) for other in around])
        moves = np.array([at[:3, :3].T @ (other[:3, 3] - at[:3, 3]) for other in around])
        powers = np.vander(np.array(steps, np.float64) / half, 3)
        turn, move = (np.linalg.lstsq(powers, values, rcond=None)[0][2] for values in (turns, moves))
        slide = move[:2] / depth if depth else np.zeros(2)
        # A camera that turns about its y axis moves the picture along x, and about x along y.
        found[sample.frame] = math.hypot(sample.fx * (turn[1] + slide[0]), sample.fy * (slide[1] - turn[0]))
    return found


def _scene(poses: dict[int, Floats], cloud: PointCloud) -> SceneScale:
    places = np.array([pose[:3, 3] for pose in poses.values()])
    low, high = places.min(axis=0), places.max(axis=0)
    baseline = float(np.linalg.norm(high - low))
    depth = _median_depth(poses, cloud)
    length = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    return SceneScale(
        median_depth=depth,
        extent=_triple(np.ptp(np.percentile(cloud.xyz, (5.0, 95.0), axis=0), axis=0)) if len(cloud.xyz) else None,
        path_length=length,
        path_extent=_triple(high - low),
        depth_per_baseline=depth / baseline if depth is not None and baseline > 1e-9 else None,
    )


def _median_depth(poses: dict[int, Floats], cloud: PointCloud) -> float | None:
    """Over a few frames spread through the shot: planar depth of the points in front of the camera."""
    if not len(cloud.xyz):
        return None
    listed = list(poses.values())
    some = [listed[i] for i in np.unique(np.linspace(0, len(listed) - 1, 9).astype(int))]
    depths = np.concatenate([(cloud.xyz - pose[:3, 3]) @ pose[:3, 2] for pose in some])
    depths = depths[depths > 0.0]
    return float(np.median(depths)) if depths.size else None


def _triple(values: Floats) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _rate_text(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"
