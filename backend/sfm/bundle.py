"""Bundle adjustment: lens, poses and points that explain all observations best.

Levenberg-Marquardt with the points eliminated (Triggs et al., "Bundle Adjustment - A Modern Synthesis",
1999) and a Cauchy loss by iteratively reweighted least squares. Written here and not left to Ceres because
one iteration is a call: a cancel acts between two, the same numbers give the same result, and terms of our own
can be added. Points are eliminated in chunks that touch a band of frames each, as dense products: the cost
grows linearly with the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from .frames import Flags, Floats, Indices
from .rotations import exponential, orthonormal, skew
from .scene import Lens, Scene
from .tracks import Tracks

_CHUNK_DOUBLES = 4_000_000


@dataclass(frozen=True)
class BundleSettings:
    """free_focal, free_k1, free_k2, free_centre: what of the lens may change (centre: the
    principal point). scale_px: residual (in units of each
    observation's expected error, about a pixel) at which the Cauchy loss lets go. focal_prior: (focal px, its standard
    deviation) or None. fixed: frames whose pose is held [F] or None."""

    iterations: int = 20
    free_focal: bool = True
    free_k1: bool = False
    free_k2: bool = False
    free_centre: bool = False
    scale_px: float = 1.0
    tolerance: float = 1e-5
    focal_prior: tuple[float, float] | None = None
    fixed: Flags | None = None


@dataclass(frozen=True)
class BundleReport:
    cost: float
    iterations: int
    converged: bool


@dataclass
class _Problem:
    """Observations of known points in posed frames, sorted by point. row: index of the point [M]; col: index
    of the frame among the posed ones [M]."""

    row: Indices
    col: Indices
    xy: Floats
    weight: Floats
    frames: Indices
    points: Indices
    starts: Indices


def adjust(
    scene: Scene, tracks: Tracks, settings: BundleSettings, checkpoint: Callable[[], None] | None = None
) -> tuple[Scene, BundleReport]:
    """The scene with the least robust reprojection error. `checkpoint` is called between iterations and may
    raise. Observations of unknown points or in frames without a pose are left out."""
    problem = _gather(scene, tracks)
    if not len(problem.row):
        return scene, BundleReport(0.0, 0, True)
    damping, growth = 1e-4, 2.0
    cost = _cost(scene, problem, settings)
    calm, done = 0, 0
    system = None
    for done in range(1, settings.iterations + 1):  # noqa: B007
        if checkpoint is not None:
            checkpoint()
        if system is None:
            system = _linearise(scene, problem, settings)
        tried = _step(scene, problem, system, damping, settings)
        new_cost = _cost(tried, problem, settings) if tried is not None else np.inf
        if tried is None or not np.isfinite(new_cost) or new_cost > cost:
            damping, growth = min(damping * growth * 2.0, 1e8), growth * 2.0
            if damping >= 1e8:
                break
            continue
        gain = (cost - new_cost) / max(cost, 1e-12)
        scene, cost, system = tried, new_cost, None
        damping, growth = max(damping / 5.0, 1e-9), 2.0
        calm = calm + 1 if gain < settings.tolerance else 0
        if calm >= 1:
            break
    scene = replace(scene, rotation=orthonormal(scene.rotation))
    return scene, BundleReport(cost, done, calm >= 1)


def _gather(scene: Scene, tracks: Tracks) -> _Problem:
    use = scene.known[tracks.track] & scene.posed[tracks.frame]
    track, frame = tracks.track[use], tracks.frame[use]
    points, row = np.unique(track, return_inverse=True)
    frames, col = np.unique(frame, return_inverse=True)
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1].astype(np.int64)
    weight = 1.0 / tracks.sigma[use]
    return _Problem(row, col, tracks.xy[use], weight, frames, points, starts)


def _residuals(scene: Scene, p: _Problem) -> tuple[Floats, Floats]:
    """Pixel residuals [M, 2] and camera-space points [M, 3]."""
    rotation, translation = scene.rotation[p.frames], scene.translation[p.frames]
    turned = np.matmul(rotation[p.col], scene.points[p.points][p.row][:, :, None])[:, :, 0]
    camera = turned + translation[p.col]
    return scene.lens.project(camera) - p.xy, camera


def _cost(scene: Scene, p: _Problem, s: BundleSettings) -> float:
    error, camera = _residuals(scene, p)
    squared = (error**2).sum(1) * p.weight**2
    if (camera[:, 2] <= 0).mean() > 0.05:
        return float("inf")
    squared = np.where(camera[:, 2] > 0, squared, 1e4)
    c2 = s.scale_px**2
    cost = float((c2 * np.log1p(squared / c2)).sum())
    if s.focal_prior is not None:
        cost += ((scene.lens.focal - s.focal_prior[0]) / s.focal_prior[1]) ** 2
    return cost


@dataclass
class _System:
    """Normal equations before damping. pose [F, 6, 6]; lens [L, L]; pose_lens [F, 6, L]; point [P, 3, 3];
    cross [M, 6, 3] pose x point; lens_point [P, L, 3]; gradients likewise."""

    pose: Floats
    lens: Floats
    pose_lens: Floats
    point: Floats
    cross: Floats
    lens_point: Floats
    grad_pose: Floats
    grad_lens: Floats
    grad_point: Floats


def _linearise(scene: Scene, p: _Problem, s: BundleSettings) -> _System:
    error, camera = _residuals(scene, p)
    squared = (error**2).sum(1) * p.weight**2
    weight = p.weight**2 / (1.0 + squared / s.scale_px**2)
    weight = np.where(camera[:, 2] > 1e-6, weight, 0.0)
    root = np.sqrt(weight)[:, None, None]
    to_camera, to_lens = lens_jacobians(scene.lens, camera, s)
    to_camera *= root
    to_lens *= root
    residual = error[:, :, None] * root
    rotation = scene.rotation[p.frames][p.col]
    turned = camera - scene.translation[p.frames][p.col]
    to_pose = np.concatenate([-np.matmul(to_camera, skew(turned)), to_camera], 2)
    to_point = np.matmul(to_camera, rotation)
    return _assemble(p, to_pose, to_point, to_lens, residual, s, scene.lens)


def _assemble(
    p: _Problem, jc: Floats, jp: Floats, jl: Floats, r: Floats, s: BundleSettings, lens: Lens
) -> _System:  # fmt: skip
    by_frame = np.argsort(p.col, kind="stable")
    frame_starts = np.r_[0, np.nonzero(np.diff(p.col[by_frame]))[0] + 1]
    jct, jpt, jlt = (j.transpose(0, 2, 1) for j in (jc, jp, jl))

    def per_frame(values: Floats) -> Floats:
        return np.add.reduceat(values[by_frame], frame_starts, axis=0)

    def per_point(values: Floats) -> Floats:
        return np.add.reduceat(values, p.starts, axis=0)

    lens_block, grad_lens = np.matmul(jlt, jl).sum(0), np.matmul(jlt, r).sum(0)[:, 0]
    if s.focal_prior is not None and s.free_focal:
        lens_block[0, 0] += (lens.focal / s.focal_prior[1]) ** 2
        grad_lens[0] += lens.focal * (lens.focal - s.focal_prior[0]) / s.focal_prior[1] ** 2
    return _System(
        pose=per_frame(np.matmul(jct, jc)),
        lens=lens_block,
        pose_lens=per_frame(np.matmul(jct, jl)),
        point=per_point(np.matmul(jpt, jp)),
        cross=np.matmul(jct, jp),
        lens_point=per_point(np.matmul(jlt, jp)),
        grad_pose=per_frame(np.matmul(jct, r))[:, :, 0],
        grad_lens=grad_lens,
        grad_point=per_point(np.matmul(jpt, r))[:, :, 0],
    )


def lens_jacobians(lens: Lens, camera: Floats, s: BundleSettings) -> tuple[Floats, Floats]:
    """d pixel / d camera point [M, 2, 3] and d pixel / d (log focal, k1, k2, centre / focal as freed) [M, 2, L]."""
    z = np.where(np.abs(camera[:, 2]) > 1e-9, camera[:, 2], 1e-9)
    x, y = camera[:, 0] / z, camera[:, 1] / z
    r2 = x * x + y * y
    radial = 1.0 + r2 * (lens.k1 + lens.k2 * r2)
    slope = 2.0 * (lens.k1 + 2.0 * lens.k2 * r2)
    fx, fy = lens.focal, lens.focal * lens.aspect
    xx, xy, yy = fx * (radial + slope * x * x), slope * x * y, fy * (radial + slope * y * y)
    to_camera = np.empty((len(z), 2, 3))
    to_camera[:, 0, 0], to_camera[:, 0, 1] = xx / z, fx * xy / z
    to_camera[:, 1, 0], to_camera[:, 1, 1] = fy * xy / z, yy / z
    to_camera[:, 0, 2] = -(xx * x + fx * xy * y) / z
    to_camera[:, 1, 2] = -(fy * xy * x + yy * y) / z
    columns = []
    ray = np.stack([fx * x, fy * y], 1)
    if s.free_focal:
        columns.append(ray * radial[:, None])
    if s.free_k1:
        columns.append(ray * r2[:, None])
    if s.free_k2:
        columns.append(ray * (r2 * r2)[:, None])
    if s.free_centre:
        unit = np.full(len(z), lens.focal)
        columns += [np.stack([unit, 0 * unit], 1), np.stack([0 * unit, unit], 1)]
    return to_camera, np.stack(columns, 2) if columns else np.zeros((len(z), 2, 0))


def _step(scene: Scene, p: _Problem, system: _System, damping: float, s: BundleSettings) -> Scene | None:
    """The scene after one damped step; None when the system could not be solved."""
    frames, lenses = len(p.frames), system.lens.shape[0]
    point = system.point.copy()
    diagonal = np.arange(3)
    point[:, diagonal, diagonal] += damping * point[:, diagonal, diagonal] + 1e-12
    try:
        half = np.linalg.inv(np.linalg.cholesky(point))
    except np.linalg.LinAlgError:
        return None
    reduced, right = _reduced(p, system, half, damping)
    held = _held(p, s, frames)
    free = np.r_[np.repeat(~held, 6), np.ones(lenses, bool)]
    try:
        factor = linalg.cho_factor(reduced[np.ix_(free, free)], lower=True, overwrite_a=True, check_finite=False)
        solved = linalg.cho_solve(factor, right[free], check_finite=False)
    except (linalg.LinAlgError, ValueError):
        return None
    delta = np.zeros(len(free))
    delta[free] = -solved
    return _moved(scene, p, system, half, delta, s)


def _held(p: _Problem, s: BundleSettings, frames: int) -> Flags:
    return np.zeros(frames, bool) if s.fixed is None else s.fixed[p.frames]


def _reduced(p: _Problem, system: _System, half: Floats, damping: float) -> tuple[Floats, Floats]:
    """The camera system [6 F + L] after eliminating the points. half: inverse Cholesky factor of each
    damped point block."""
    frames, lenses = len(p.frames), system.lens.shape[0]
    size = 6 * frames + lenses
    matrix = np.zeros((size, size))
    blocks = matrix[: 6 * frames, : 6 * frames].reshape(frames, 6, frames, 6)
    index = np.arange(frames)
    blocks[index, :, index, :] = system.pose
    matrix[: 6 * frames, 6 * frames :] = system.pose_lens.reshape(6 * frames, lenses)
    matrix[6 * frames :, : 6 * frames] = matrix[: 6 * frames, 6 * frames :].T
    matrix[6 * frames :, 6 * frames :] = system.lens
    index = np.arange(size)
    matrix[index, index] *= 1.0 + damping
    matrix[index, index] += 1e-12
    right = np.r_[system.grad_pose.ravel(), system.grad_lens]
    _eliminate(p, system, half, matrix, right)
    return matrix, right


def _eliminate(p: _Problem, system: _System, half: Floats, matrix: Floats, right: Floats) -> None:
    frames = len(p.frames)
    half_t = half.transpose(0, 2, 1)
    cross = np.matmul(system.cross, half_t[p.row])
    lens_cross = np.matmul(system.lens_point, half_t)
    grad = np.matmul(half, system.grad_point[:, :, None])[:, :, 0]
    for begin, end, first, last in _chunks(p):
        rows = slice(*np.searchsorted(p.row, [begin, end]))
        band, lenses = 6 * (last - first), lens_cross.shape[1]
        dense = np.zeros((last - first, 6, end - begin, 3))
        dense[p.col[rows] - first, :, p.row[rows] - begin, :] = cross[rows]
        flat = np.concatenate(
            [dense.reshape(band, -1), lens_cross[begin:end].transpose(1, 0, 2).reshape(lenses, 3 * (end - begin))]
        )  # fmt: skip
        product, pull = flat @ flat.T, flat @ grad[begin:end].ravel()
        where = np.r_[6 * first : 6 * last, 6 * frames : 6 * frames + lenses]
        matrix[np.ix_(where, where)] -= product
        right[where] -= pull


def _chunks(p: _Problem) -> list[tuple[int, int, int, int]]:
    """(first point, end point, first frame, end frame): runs of points that fit the working memory dense.
    Points are in the order of their track numbers, which is the order of birth: neighbours share frames."""
    ends = np.r_[p.starts[1:], len(p.row)]
    low, high = p.col[p.starts], p.col[ends - 1] + 1
    chunks, begin = [], 0
    first, last = int(low[0]), int(high[0])
    for i in range(1, len(p.starts)):
        a, b = min(first, int(low[i])), max(last, int(high[i]))
        if (i + 1 - begin) * (b - a) * 18 > _CHUNK_DOUBLES:
            chunks.append((begin, i, first, last))
            begin, a, b = i, int(low[i]), int(high[i])
        first, last = a, b
    chunks.append((begin, len(p.starts), first, last))
    return chunks


def _moved(scene: Scene, p: _Problem, system: _System, half: Floats, delta: Floats, s: BundleSettings) -> Scene:
    frames = len(p.frames)
    poses, lens_delta = delta[: 6 * frames].reshape(frames, 6), delta[6 * frames :]
    slope = np.matmul(system.cross.transpose(0, 2, 1), poses[p.col][:, :, None])[:, :, 0]
    slope = np.add.reduceat(slope, p.starts, axis=0) + system.grad_point
    slope += np.einsum("plk,l->pk", system.lens_point, lens_delta)
    shift = -np.matmul(half.transpose(0, 2, 1), np.matmul(half, slope[:, :, None]))[:, :, 0]
    rotation, translation, points = scene.rotation.copy(), scene.translation.copy(), scene.points.copy()
    rotation[p.frames] = exponential(poses[:, :3]) @ rotation[p.frames]
    translation[p.frames] += poses[:, 3:]
    points[p.points] += shift
    return replace(
        scene, lens=_moved_lens(scene.lens, lens_delta, s), rotation=rotation, translation=translation, points=points
    )


def _moved_lens(lens: Lens, delta: Floats, s: BundleSettings) -> Lens:
    steps = iter(delta.tolist())
    focal = lens.focal * float(np.exp(np.clip(next(steps), -0.3, 0.3))) if s.free_focal else lens.focal
    k1 = lens.k1 + next(steps) if s.free_k1 else lens.k1
    k2 = lens.k2 + next(steps) if s.free_k2 else lens.k2
    cx = lens.cx + next(steps) * lens.focal if s.free_centre else lens.cx
    cy = lens.cy + next(steps) * lens.focal if s.free_centre else lens.cy
    return replace(lens, focal=focal, k1=k1, k2=k2, cx=cx, cy=cy)
