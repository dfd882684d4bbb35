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
    """ate_percent: of the truth path's length. rotation_deg: mean after removing the best global rotation.
    focal_percent: mean relative error. points_px: mean distance of truth points, nan without depth."""

    solved: int
    frames: int
    ate_percent: float
    rotation_deg: float
    focal_percent: float
    points_px: float


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


def rotation_error_deg(solved: Array, truth: Array) -> float:
    """Mean angle between the orientations after the one world rotation that suits them all best."""
    chordal = np.einsum("nij,nkj->ik", truth[:, :3, :3], solved[:, :3, :3])
    u, _, vt = np.linalg.svd(chordal)
    world = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    left = np.einsum("nji,jk,nkl->nil", truth[:, :3, :3], world, solved[:, :3, :3])
    return float(np.degrees(Rotation.from_matrix(left).magnitude()).mean())


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
    depth_of: Callable[[int], Array | None], poses: Array, lens: Lens, frames: list[int], spacing: int = 24
) -> TruthPoints:
    """Points on a regular grid of every frame in `frames` that has a finite, positive depth."""
    worlds, pixels, indices = [], [], []
    for t in frames:
        depth = depth_of(t)
        if depth is None:
            continue
        v, u = np.mgrid[spacing // 2 : depth.shape[0] : spacing, spacing // 2 : depth.shape[1] : spacing]
        z = depth[v, u].ravel().astype(np.float64)
        pixel = np.stack([u.ravel() + 0.5, v.ravel() + 0.5], 1)
        good = np.isfinite(z) & (z > 1e-6) & (z < 1e9)
        camera = unproject(pixel[good], z[good], lens.K[t], lens.distortion)
        worlds.append(camera @ poses[t, :3, :3].T + poses[t, :3, 3])
        pixels.append(pixel[good])
        indices.append(np.full(int(good.sum()), t))
    if not worlds:
        return TruthPoints(np.zeros((0, 3)), np.zeros((0, 2)), np.zeros(0, np.int64))
    return TruthPoints(np.concatenate(worlds), np.concatenate(pixels), np.concatenate(indices))


def point_errors_px(points: TruthPoints, poses: dict[int, Array], lens: Lens, start: Sim3) -> Array:
    """Distance in px of every truth point seen through the solved camera, in the best Sim(3) gauge.
    poses: solved world_from_camera by frame index. start: solved_from_truth to begin from."""

    def residuals(p: Array) -> Array:
        turn = Rotation.from_rotvec(p[:3]).as_matrix() @ start.rotation
        gauge = Sim3(start.scale * float(np.exp(p[6])), turn, start.translation + p[3:6] * start.scale)
        return (_seen(points, gauge, poses, lens) - points.pixels).ravel()

    best = least_squares(residuals, np.zeros(7), loss="soft_l1", f_scale=1.0, x_scale="jac", max_nfev=60)
    return np.linalg.norm(residuals(best.x).reshape(-1, 2), axis=1)


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
) -> CameraScore:  # fmt: skip
    """Score solved poses (by frame index) against truth [T, 4, 4]. Both lenses hold K for every frame."""
    frames = sorted(solved)
    if len(frames) < 3:
        return CameraScore(len(frames), len(truth), *[float("nan")] * 4)
    ours, theirs = np.stack([solved[t] for t in frames]), truth[frames]
    length = path_length(truth[:, :3, 3])
    ate = absolute_trajectory_error(ours, theirs) * 100.0 / length if length > 1e-9 else float("nan")
    focal = np.abs(solved_lens.K[frames, 0, 0] / truth_lens.K[frames, 0, 0] - 1.0).mean() * 100.0
    pixels = float("nan")
    if depth_of is not None:
        points = sample_truth_points(depth_of, truth, truth_lens, frames)
        if len(points.world):
            start = umeyama(ours[:, :3, 3], theirs[:, :3, 3]).inverse()
            pixels = float(point_errors_px(points, solved, solved_lens, start).mean())
    return CameraScore(len(frames), len(truth), ate, rotation_error_deg(ours, theirs), float(focal), pixels)
