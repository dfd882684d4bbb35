"""The linear system of one bundle adjustment step.

Small matrices by the ten thousand are slow one by one. Here every sum is either one product of tall matrices (all
rows of a frame at once) or a plain sum over columns (all observations of a point).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .depth_terms import DepthTerms
from .frames import Flags, Floats, Indices
from .lens_jacobians import FreeLens, lens_jacobians
from .rotations import skew
from .scene import Scene
from .tracks import Tracks

_CHUNK_DOUBLES = 1_000_000


_HELD_REACH = 20.0
"""How many times further from its place a held observation may be before the loss lets it go."""


@dataclass(frozen=True)
class ObservationCare:
    """times [M]: as how many observations each counts. reach [M]: factor of the loss's scale. The weight cannot go
    into sigma: to a robust loss a smaller sigma makes an outlier of what was a small error."""

    times: Floats
    reach: Floats


@dataclass(frozen=True)
class Problem:
    """Observations of known points in posed frames, sorted by point.

    row: index of the point [M]; col: index of the frame among the posed ones [M]; xy: [M, 2] px; weight: [M], 1 /
    sigma. frames, points: their numbers in the scene. starts: first observation of each point. by_frame:
    observations ordered by frame; frame_ends: where each frame's end in it. care: None when all count alike.
    depth: what depth maps say of them, or None.
    """

    row: Indices
    col: Indices
    xy: Floats
    weight: Floats
    frames: Indices
    points: Indices
    starts: Indices
    by_frame: Indices
    frame_ends: Indices
    care: ObservationCare | None = None
    depth: DepthTerms | None = None

    def focals(self, scene: Scene) -> Floats | None:
        """Focal length of each observation's frame [M], px; None when the lens does not zoom."""
        return None if scene.zoom is None else scene.zoom[self.frames][self.col]

    def per_point(self, values: Floats) -> Floats:
        """Sums [P, ...] of values [M, ...] over each point's observations."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))


@dataclass(frozen=True)
class System:
    """Normal equations before damping.

    A frame has C parameters: rotation, translation and, when the lens zooms and may do so, log focal length: 6 or 7.
    to_pose [M, R, C], to_point [M, R, 3]: Jacobians of the observations, weighted by root [M]; R is 2, x and y, or 3
    with a row for the depth. pose [F, C, C];
    lens [L, L]; pose_lens [F, C, L]; point [P, 3, 3]; lens_point [P, L, 3]; gradients likewise.
    """

    root: Floats
    to_pose: Floats
    to_point: Floats
    pose: Floats
    lens: Floats
    pose_lens: Floats
    point: Floats
    lens_point: Floats
    grad_pose: Floats
    grad_lens: Floats
    grad_point: Floats

    @property
    def width(self) -> int:
        """C, the parameters of a frame."""
        return int(self.pose.shape[1])


def gather(scene: Scene, tracks: Tracks) -> Problem:
    """What the tracks say about the known part of the scene."""
    use = scene.known[tracks.track] & scene.posed[tracks.frame]
    points, row = np.unique(tracks.track[use], return_inverse=True)
    frames, col = np.unique(tracks.frame[use], return_inverse=True)
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1].astype(np.int64)
    by_frame = np.argsort(col, kind="stable")
    ends = np.cumsum(np.bincount(col, minlength=len(frames)))
    return Problem(
        row, col, tracks.xy[use], 1.0 / tracks.sigma[use], frames, points, starts, by_frame, ends,
        _observation_care(tracks, use),
    )  # fmt: skip


def _observation_care(tracks: Tracks, use: Flags) -> ObservationCare | None:
    if tracks.care is None:
        return None
    track = tracks.track[use]
    return ObservationCare(tracks.care.weight[track], np.where(tracks.care.held[track], _HELD_REACH, 1.0))


def residuals(scene: Scene, p: Problem) -> tuple[Floats, Floats]:
    """Pixel residuals [M, 2] and camera-space points [M, 3]."""
    camera = turned_points(scene, p) + scene.translation[p.frames][p.col]
    return scene.lens.project(camera, p.focals(scene)) - p.xy, camera


def turned_points(scene: Scene, p: Problem) -> Floats:
    """Each observation's point [M, 3], rotated into its camera's axes but not moved."""
    rotation, points = scene.rotation[p.frames][p.col], scene.points[p.points][p.row]
    turned: Floats = rotation[:, :, 0] * points[:, :1]
    turned += rotation[:, :, 1] * points[:, 1:2]
    turned += rotation[:, :, 2] * points[:, 2:]
    return turned


def linearise(scene: Scene, p: Problem, free: FreeLens, scale: float) -> System:
    """The normal equations at `scene`, observations weighted by the Cauchy loss of that scale (sigmas)."""
    error, camera = residuals(scene, p)
    squared = (error**2).sum(1) * p.weight**2
    if p.care is None:
        weight = p.weight**2 / (1.0 + squared / scale**2)
    else:
        weight = p.care.times * p.weight**2 / (1.0 + squared / (scale * p.care.reach) ** 2)
    root = np.sqrt(np.where(camera[:, 2] > 1e-6, weight, 0.0))[:, None, None]
    to_camera, to_lens = lens_jacobians(scene.lens, camera, free, p.focals(scene))
    to_camera *= root
    to_lens *= root
    residual = error[:, :, None] * root
    if p.depth is not None:
        slope, left = p.depth.rows(camera)
        to_camera, residual = np.concatenate([to_camera, slope], 1), np.concatenate([residual, left], 1)
        to_lens = np.concatenate([to_lens, np.zeros_like(to_lens[:, :1])], 1)
    turned = camera - scene.translation[p.frames][p.col]
    own = 1 if scene.zoom is not None and free.focal else 0
    to_pose = np.concatenate([-_times(to_camera, skew(turned)), to_camera, to_lens[:, :, :own]], 2)
    to_lens = to_lens[:, :, own:]
    to_point = _times(to_camera, scene.rotation[p.frames][p.col])
    return _summed(p, root, to_pose, to_point, to_lens, residual)


def _times(a: Floats, b: Floats) -> Floats:
    """a [M, i, 3] @ b [M, 3, k], by columns."""
    out: Floats = a[:, :, 0, None] * b[:, None, 0]
    out += a[:, :, 1, None] * b[:, None, 1]
    out += a[:, :, 2, None] * b[:, None, 2]
    return out


def _transposed_times(a: Floats, b: Floats) -> Floats:
    """a^T b [M, i, k] of a [M, R, i] and b [M, R, k]."""
    out: Floats = a[:, 0, :, None] * b[:, 0, None]
    for row in range(1, a.shape[1]):
        out += a[:, row, :, None] * b[:, row, None]
    return out


def _summed(p: Problem, root: Floats, to_pose: Floats, to_point: Floats, to_lens: Floats, residual: Floats) -> System:
    lenses, width = to_lens.shape[2], to_pose.shape[2]
    frame = _frame_sums(p, np.concatenate([to_pose, to_lens, residual], 2))
    rest = np.concatenate([to_point, to_lens, residual], 2)
    point = p.per_point(_transposed_times(rest, to_point))
    inner = frame[:, width : width + lenses, width:].sum(0)
    return System(
        root=root[:, 0, 0],
        to_pose=to_pose,
        to_point=to_point,
        pose=frame[:, :width, :width].copy(),
        lens=inner[:, :lenses].copy(),
        pose_lens=frame[:, :width, width : width + lenses].copy(),
        point=point[:, :3].copy(),
        lens_point=point[:, 3 : 3 + lenses].copy(),
        grad_pose=frame[:, :width, -1].copy(),
        grad_lens=inner[:, lenses].copy(),
        grad_point=point[:, -1].copy(),
    )


def _frame_sums(p: Problem, columns: Floats) -> Floats:
    """columns^T columns [F, C, C] over the observations of each frame; columns [M, R, C]."""
    tall = columns[p.by_frame].reshape(-1, columns.shape[2])
    ends = columns.shape[1] * p.frame_ends
    out = np.empty((len(p.frames), columns.shape[2], columns.shape[2]))
    for frame, (begin, end) in enumerate(zip(np.r_[0, ends[:-1]].tolist(), ends.tolist(), strict=True)):
        out[frame] = tall[begin:end].T @ tall[begin:end]
    return out


def reduced_system(p: Problem, system: System, half: Floats, damping: float) -> tuple[Floats, Floats]:
    """The camera system [C F + L] square, and its right side, after eliminating the points. half: inverse
    Cholesky factor [P, 3, 3] of each damped point block."""
    frames, lenses, width = len(p.frames), system.lens.shape[0], system.width
    cameras = width * frames
    size = cameras + lenses
    matrix = np.zeros((size, size))
    index = np.arange(frames)
    matrix[:cameras, :cameras].reshape(frames, width, frames, width)[index, :, index, :] = system.pose
    matrix[:cameras, cameras:] = system.pose_lens.reshape(cameras, lenses)
    matrix[cameras:, :cameras] = matrix[:cameras, cameras:].T
    matrix[cameras:, cameras:] = system.lens
    matrix[np.arange(size), np.arange(size)] *= 1.0 + damping
    matrix[np.arange(size), np.arange(size)] += 1e-12
    right = np.r_[system.grad_pose.ravel(), system.grad_lens]
    for chunk in _chunks(p):
        _eliminate(p, system, half, chunk, matrix, right)
    return matrix, right


@dataclass(frozen=True)
class _Chunk:
    """Points begin to end, seen only by frames first to last."""

    begin: int
    end: int
    first: int
    last: int


def _eliminate(
    p: Problem, system: System, half: Floats, chunk: _Chunk, matrix: Floats, right: Floats
) -> None:  # fmt: skip
    """Takes the points of a chunk out of the camera system."""
    begin, end, first, last = chunk.begin, chunk.end, chunk.first, chunk.last
    rows = slice(*np.searchsorted(p.row, [begin, end]).tolist())
    lenses, width, count = system.lens.shape[0], system.width, end - begin
    inner, cameras = width * (last - first), width * len(p.frames)
    half_t = half[begin:end].transpose(0, 2, 1)
    row = p.row[rows] - begin
    cross = _transposed_times(system.to_pose[rows], _times(system.to_point[rows], half_t[row]))
    flat = np.zeros((inner + lenses, 3 * count))
    dense = flat[:inner].reshape(last - first, width, count, 3)
    dense[p.col[rows] - first, :, row, :] = cross
    flat[inner:] = _times(system.lens_point[begin:end], half_t).transpose(1, 0, 2).reshape(lenses, 3 * count)
    grad = np.matmul(half[begin:end], system.grad_point[begin:end, :, None]).ravel()
    product, pull = flat @ flat.T, flat @ grad
    band, tail = slice(width * first, width * last), slice(cameras, cameras + lenses)
    matrix[band, band] -= product[:inner, :inner]
    matrix[band, tail] -= product[:inner, inner:]
    matrix[tail, band] -= product[inner:, :inner]
    matrix[tail, tail] -= product[inner:, inner:]
    right[band] -= pull[:inner]
    right[tail] -= pull[inner:]


def _chunks(p: Problem) -> list[_Chunk]:
    """Runs of points that fit the working memory as a dense block. Points are in the order of their track
    numbers, which is the order of birth: neighbours share frames."""
    ends = np.r_[p.starts[1:], len(p.row)]
    low, high = p.col[p.starts].tolist(), (p.col[ends - 1] + 1).tolist()
    chunks: list[_Chunk] = []
    begin, first, last = 0, low[0], high[0]
    for i in range(1, len(p.starts)):
        a, b = min(first, low[i]), max(last, high[i])
        if (i + 1 - begin) * (b - a) * 18 > _CHUNK_DOUBLES:
            chunks.append(_Chunk(begin, i, first, last))
            begin, a, b = i, low[i], high[i]
        first, last = a, b
    chunks.append(_Chunk(begin, len(p.starts), first, last))
    return chunks


def points_answer(p: Problem, system: System, half: Floats, poses: Floats, lens: Floats) -> Floats:
    """How the points [P, 3] move when the cameras move by poses [F, C] and the lens by [L]."""
    seen = (system.to_pose * poses[p.col][:, None, :]).sum(2)
    slope = p.per_point((system.to_point * seen[:, :, None]).sum(1)) + system.grad_point
    slope += np.einsum("plk,l->pk", system.lens_point, lens)
    shift: Floats = -np.matmul(half.transpose(0, 2, 1), np.matmul(half, slope[:, :, None]))[:, :, 0]
    return shift
