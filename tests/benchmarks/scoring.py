"""How far a solved camera is from the truth: numpy and scipy only.

Trajectories are scored as the evo tool does (Umeyama's least-squares Sim(3), IEEE PAMI 1991, over camera
centres; the RMSE of what is left is the ATE). Points are scored in pixels: truth points taken from the truth
depth, seen by the truth camera and by the solved one, in the Sim(3) gauge that suits those points best.

Poses are [N, 4, 4] world_from_camera with OpenCV camera axes; pixels have their edges at integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sim3:
    """x -> scale * rotation @ x + translation."""

    scale: float
    rotation: Array
    translation: Array

    def points(self, xyz: Array) -> Array:
        moved: Array = self.scale * xyz @ self.rotation.T + self.translation
        return moved

    def inverse(self) -> Sim3:
        back = self.rotation.T
        return Sim3(1.0 / self.scale, back, -back @ self.translation / self.scale)


@dataclass(frozen=True)
class Lens:
    """K of each frame [N, 3, 3] px and Brown coefficients (k1, k2, p1, p2) for all of them."""

    K: Array
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class CameraScore:
    """nan where a score does not apply.

    ate_percent: of the truth path's length. wander_deg: largest angle of a frame from the mean error of all, for a
    truth that does not travel. rotation_deg: mean, after removing the best global rotation. focal_percent,
    focal_max_percent: mean and largest relative error of the frames' focal lengths. points_px: mean distance of truth
    points that do not move. k1_percent: relative error where the truth is distorted; undistorted_px: the same points
    in the plate that the solved lens undistorts."""

    solved: int
    frames: int
    ate_percent: float
    rotation_deg: float
    focal_percent: float
    points_px: float
    focal_max_percent: float = float("nan")
    wander_deg: float = float("nan")
    k1_percent: float = float("nan")
    undistorted_px: float = float("nan")


ROTATION_GAUGE = "the one world rotation that suits the orientations of all frames best (chordal mean)"
_STANDS = 1e-6
"""Metres and radians below which a truth camera has not moved."""


def motion_of(poses: Array) -> str:
    """What a truth camera [T, 4, 4] does over the clip: locked, nodal or full."""
    if np.linalg.norm(poses[:, :3, 3] - poses[0, :3, 3], axis=1).max() > _STANDS:
        return "full"
    turned = Rotation.from_matrix(poses[0, :3, :3].T @ poses[:, :3, :3]).magnitude().max()
    return "nodal" if turned > _STANDS else "locked"


def umeyama(source: Array, target: Array, *, with_scale: bool = True) -> Sim3:
    """The Sim(3) that takes source [N, 3] to target [N, 3] with the least squared error."""
    mean_s, mean_t = source.mean(0), target.mean(0)
    a, b = source - mean_s, target - mean_t
    u, d, vt = np.linalg.svd(b.T @ a / len(source))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = (u * sign) @ vt
    spread = float((a**2).sum() / len(source))
    scale = float((d * sign).sum() / spread) if with_scale and spread > 0 else 1.0
    return Sim3(scale, rotation, mean_t - scale * rotation @ mean_s)


def path_length(centres: Array) -> float:
    return float(np.linalg.norm(np.diff(centres, axis=0), axis=1).sum())


def absolute_trajectory_error(solved: Array, truth: Array) -> float:
    """RMSE of camera centres after Sim(3), in the truth's units. Poses [N, 4, 4]."""
    gauge = umeyama(solved[:, :3, 3], truth[:, :3, 3])
    left = gauge.points(solved[:, :3, 3]) - truth[:, :3, 3]
    return float(np.sqrt((left**2).sum(1).mean()))


def world_rotation(solved: Array, truth: Array) -> Array:
    """truth_from_solved [3, 3] that suits the orientations of poses [N, 4, 4] best (chordal mean)."""
    chordal = np.einsum("nij,nkj->ik", truth[:, :3, :3], solved[:, :3, :3])
    u, _, vt = np.linalg.svd(chordal)
    turn: Array = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    return turn


def rotation_errors_deg(solved: Array, truth: Array) -> Array:
    """Angle [N] between the orientations after the one world rotation that suits them all best."""
    left = np.einsum("nji,jk,nkl->nil", truth[:, :3, :3], world_rotation(solved, truth), solved[:, :3, :3])
    angles: Array = np.degrees(Rotation.from_matrix(left).magnitude())
    return angles


def rotation_error_deg(solved: Array, truth: Array) -> float:
    """Mean of `rotation_errors_deg`."""
    return float(rotation_errors_deg(solved, truth).mean())


def first_gauge(solved: Array, truth: Array) -> Sim3:
    """solved_from_truth by the orientations first, then scale and place by the centres: also good for a straight
    path, about which a Sim(3) of centres could turn, and for a camera that stands (scale 1 then)."""
    turn = world_rotation(solved, truth).T
    ours, theirs = solved[:, :3, 3], truth[:, :3, 3] @ turn.T
    a, b = theirs - theirs.mean(0), ours - ours.mean(0)
    spread = float((a**2).sum())
    scale = float((a * b).sum()) / spread if spread > len(a) * _STANDS**2 else 1.0
    scale = scale if scale > 1e-9 else 1.0
    return Sim3(scale, turn, ours.mean(0) - scale * theirs.mean(0))


def project(points: Array, K: Array, distortion: tuple[float, float, float, float]) -> Array:
    """Camera-space points [N, 3] to pixels [N, 2] of one K (Brown's model)."""
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    k1, k2, p1, p2 = distortion
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + k2 * r2)
    xd = x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
    yd = y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
    return np.stack([K[0, 0] * xd + K[0, 2], K[1, 1] * yd + K[1, 2]], 1)


def unproject(pixels: Array, depth: Array, K: Array, distortion: tuple[float, float, float, float]) -> Array:
    """Pixels [N, 2] at planar depth [N] as camera-space points [N, 3]; distortion undone by iteration."""
    wanted = np.stack([(pixels[:, 0] - K[0, 2]) / K[0, 0], (pixels[:, 1] - K[1, 2]) / K[1, 1]], 1)
    ray = wanted.copy()
    for _ in range(30 if any(distortion) else 0):
        seen = project(np.column_stack([ray, np.ones(len(ray))]), np.eye(3), distortion)
        ray += wanted - seen
    points: Array = np.column_stack([ray, np.ones(len(ray))]) * depth[:, None]
    return points


@dataclass(frozen=True)
class TruthPoints:
    """Points of the set that a truth frame sees: world [P, 3], pixels [P, 2] and frame index [P]."""

    world: Array
    pixels: Array
    frame: NDArray[np.int64]


def sample_truth_points(
    depth_of: Callable[[int], Array | None], poses: Array, lens: Lens, frames: list[int], spacing: int = 24,
    moving_in: Callable[[int], NDArray[np.bool_] | None] | None = None,
) -> TruthPoints:  # fmt: skip
    """Points on a regular grid of every frame in `frames` that has a finite, positive depth, outside what moves."""
    worlds, pixels, indices = [], [], []
    for t in frames:
        depth = depth_of(t)
        if depth is None:
            continue
        v, u = np.mgrid[spacing // 2 : depth.shape[0] : spacing, spacing // 2 : depth.shape[1] : spacing]
        z = depth[v, u].ravel().astype(np.float64)
        pixel = np.stack([u.ravel() + 0.5, v.ravel() + 0.5], 1)
        good = np.isfinite(z) & (z > 1e-6) & (z < 1e9)
        moving = None if moving_in is None else moving_in(t)
        good &= True if moving is None else ~moving[v, u].ravel()
        camera = unproject(pixel[good], z[good], lens.K[t], lens.distortion)
        worlds.append(camera @ poses[t, :3, :3].T + poses[t, :3, 3])
        pixels.append(pixel[good])
        indices.append(np.full(int(good.sum()), t))
    if not worlds:
        return TruthPoints(np.zeros((0, 3)), np.zeros((0, 2)), np.zeros(0, np.int64))
    return TruthPoints(np.concatenate(worlds), np.concatenate(pixels), np.concatenate(indices))


def fit_gauge(points: TruthPoints, poses: dict[int, Array], lens: Lens, start: Sim3) -> Sim3:
    """The Sim(3) solved_from_truth in which the truth points, seen through the solved camera, are nearest their
    pixels. poses: solved world_from_camera by frame index."""

    def gauge(p: Array) -> Sim3:
        turn = Rotation.from_rotvec(p[:3]).as_matrix() @ start.rotation
        return Sim3(start.scale * float(np.exp(p[6])), turn, start.translation + p[3:6] * start.scale)

    def residuals(p: Array) -> Array:
        return (_seen(points, gauge(p), poses, lens) - points.pixels).ravel()

    best = least_squares(residuals, np.zeros(7), loss="soft_l1", f_scale=1.0, x_scale="jac", max_nfev=60)
    return gauge(best.x)


def point_errors_px(points: TruthPoints, poses: dict[int, Array], lens: Lens, gauge: Sim3) -> Array:
    """Distance in px of every truth point seen through the solved camera."""
    distances: Array = np.linalg.norm(_seen(points, gauge, poses, lens) - points.pixels, axis=1)
    return distances


def undistorted_errors_px(points: TruthPoints, poses: dict[int, Array], lens: Lens, gauge: Sim3) -> Array:
    """The same in the undistorted plate: the truth's pixels, undistorted by the solved lens, against the solved
    camera without distortion."""
    straight = np.empty_like(points.pixels)
    for t in poses:
        mine = points.frame == t
        rays = unproject(points.pixels[mine], np.ones(int(mine.sum())), lens.K[t], lens.distortion)
        straight[mine] = project(rays, lens.K[t], (0.0, 0.0, 0.0, 0.0))
    distances: Array = np.linalg.norm(_seen(points, gauge, poses, Lens(lens.K)) - straight, axis=1)
    return distances


def _seen(points: TruthPoints, gauge: Sim3, poses: dict[int, Array], lens: Lens) -> Array:
    seen = np.empty_like(points.pixels)
    moved = gauge.points(points.world)
    for t, pose in poses.items():
        mine = points.frame == t
        camera = (moved[mine] - pose[:3, 3]) @ pose[:3, :3]
        camera[:, 2] = np.where(camera[:, 2] > 1e-9, camera[:, 2], 1e-9)
        seen[mine] = np.clip(project(camera, lens.K[t], lens.distortion), -1e5, 1e5)
    return seen


def score_camera(
    solved: dict[int, Array], solved_lens: Lens, truth: Array, truth_lens: Lens,
    depth_of: Callable[[int], Array | None] | None = None,
    moving_in: Callable[[int], NDArray[np.bool_] | None] | None = None,
) -> CameraScore:  # fmt: skip
    """Score solved poses (by frame index) against truth [T, 4, 4]. Both lenses hold K for every frame. Points that
    `moving_in` says move are not scored."""
    frames = sorted(solved)
    if len(frames) < 3:
        return CameraScore(len(frames), len(truth), *[float("nan")] * 4)
    ours, theirs = np.stack([solved[t] for t in frames]), truth[frames]
    travels = motion_of(truth) == "full"
    ate = absolute_trajectory_error(ours, theirs) * 100.0 / path_length(truth[:, :3, 3]) if travels else float("nan")
    focal = np.abs(solved_lens.K[frames, 0, 0] / truth_lens.K[frames, 0, 0] - 1.0) * 100.0
    turns = rotation_errors_deg(ours, theirs)
    pixels = straight = float("nan")
    if depth_of is not None:
        points = sample_truth_points(depth_of, truth, truth_lens, frames, moving_in=moving_in)
        if len(points.world):
            gauge = fit_gauge(points, solved, solved_lens, first_gauge(ours, theirs))
            pixels = float(point_errors_px(points, solved, solved_lens, gauge).mean())
            if any(truth_lens.distortion):
                straight = float(undistorted_errors_px(points, solved, solved_lens, gauge).mean())
    k1 = truth_lens.distortion[0]
    return CameraScore(
        len(frames), len(truth), ate, float(turns.mean()), float(focal.mean()), pixels,
        focal_max_percent=float(focal.max()),
        wander_deg=float("nan") if travels else float(turns.max()),
        k1_percent=abs(solved_lens.distortion[0] / k1 - 1.0) * 100.0 if k1 else float("nan"),
        undistorted_px=straight,
    )  # fmt: skip
