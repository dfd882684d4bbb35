"""The linear system of one bundle adjustment step.

Observations are cut into a fixed number of parts, by point, which threads work on; parts are added up in
order, so that the result does not depend on how many processors there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np

from .frames import Floats, Indices
from .lens_jacobians import FreeLens, lens_jacobians
from .rotations import skew
from .scene import Scene
from .tracks import Tracks

T = TypeVar("T")
R = TypeVar("R")

_PARTS = 8
_CHUNK_DOUBLES = 1_000_000


@dataclass(frozen=True)
class Problem:
    """Observations of known points in posed frames, sorted by point.

    row: index of the point [M]; col: index of the frame among the posed ones [M]; xy: [M, 2] px; weight: [M], 1 /
    sigma. frames, points: their numbers in the scene. starts: first observation of each point.
    """

    row: Indices
    col: Indices
    xy: Floats
    weight: Floats
    frames: Indices
    points: Indices
    starts: Indices

    def parts(self) -> list[Part]:
        """Runs of points with about the same number of observations."""
        wanted = np.linspace(0, len(self.row), _PARTS + 1)[1:-1]
        cuts = [0, *np.unique(np.searchsorted(self.starts, wanted)).tolist(), len(self.starts)]
        ends = np.r_[self.starts, len(self.row)]
        return [
            Part(a, b, slice(int(ends[a]), int(ends[b])), self.starts[a:b] - int(ends[a]))
            for a, b in pairwise(cuts)
            if b > a
        ]


@dataclass(frozen=True)
class Part:
    """Points begin to end, their observations `rows`, and where each point's observations start among those."""

    begin: int
    end: int
    rows: slice
    starts: Indices


@dataclass(frozen=True)
class System:
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


class Map(Protocol):
    """An ordered map."""

    def __call__(self, work: Callable[[T], R], over: Iterable[T], /) -> Iterator[R]: ...


@contextmanager
def workers() -> Iterator[Map]:
    """An ordered `map` over threads; numpy lets them run side by side."""
    with ThreadPoolExecutor(min(_PARTS, os.cpu_count() or 1), thread_name_prefix="bundle") as pool:
        yield pool.map


def gather(scene: Scene, tracks: Tracks) -> Problem:
    """What the tracks say about the known part of the scene."""
    use = scene.known[tracks.track] & scene.posed[tracks.frame]
    points, row = np.unique(tracks.track[use], return_inverse=True)
    frames, col = np.unique(tracks.frame[use], return_inverse=True)
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1].astype(np.int64)
    return Problem(row, col, tracks.xy[use], 1.0 / tracks.sigma[use], frames, points, starts)


def residuals(scene: Scene, p: Problem, rows: slice) -> tuple[Floats, Floats]:
    """Pixel residuals [m, 2] and camera-space points [m, 3] of some observations."""
    col = p.col[rows]
    rotation, translation = scene.rotation[p.frames], scene.translation[p.frames]
    points = scene.points[p.points[p.row[rows]]]
    camera = np.matmul(rotation[col], points[:, :, None])[:, :, 0] + translation[col]
    return scene.lens.project(camera) - p.xy[rows], camera


def linearise(scene: Scene, p: Problem, free: FreeLens, scale: float, run: Map) -> System:
    """The normal equations at `scene`, observations weighted by the Cauchy loss of that scale (sigmas)."""
    found = list(run(lambda part: _linearise_part(scene, p, part, free, scale), p.parts()))
    return System(
        pose=_sum([f.pose for f in found]),
        lens=_sum([f.lens for f in found]),
        pose_lens=_sum([f.pose_lens for f in found]),
        point=np.concatenate([f.point for f in found]),
        cross=np.concatenate([f.cross for f in found]),
        lens_point=np.concatenate([f.lens_point for f in found]),
        grad_pose=_sum([f.grad_pose for f in found]),
        grad_lens=_sum([f.grad_lens for f in found]),
        grad_point=np.concatenate([f.grad_point for f in found]),
    )


def _sum(arrays: list[Floats]) -> Floats:
    total = arrays[0].copy()
    for array in arrays[1:]:
        total += array
    return total


def _linearise_part(scene: Scene, p: Problem, part: Part, free: FreeLens, scale: float) -> System:
    error, camera = residuals(scene, p, part.rows)
    squared = (error**2).sum(1) * p.weight[part.rows] ** 2
    weight = p.weight[part.rows] ** 2 / (1.0 + squared / scale**2)
    root = np.sqrt(np.where(camera[:, 2] > 1e-6, weight, 0.0))[:, None, None]
    to_camera, to_lens = lens_jacobians(scene.lens, camera, free)
    to_camera *= root
    to_lens *= root
    frame = p.frames[p.col[part.rows]]
    turned = camera - scene.translation[frame]
    to_pose = np.concatenate([-np.matmul(to_camera, skew(turned)), to_camera], 2)
    to_point = np.matmul(to_camera, scene.rotation[frame])
    return _products(p, part, to_pose, to_point, to_lens, error[:, :, None] * root)


def _products(p: Problem, part: Part, jc: Floats, jp: Floats, jl: Floats, r: Floats) -> System:
    """J^T J and J^T r by blocks. jc [m, 2, 6] pose, jp [m, 2, 3] point, jl [m, 2, L] lens, r [m, 2, 1]."""
    col = p.col[part.rows]
    by_frame = np.argsort(col, kind="stable")
    frame_starts = np.r_[0, np.nonzero(np.diff(col[by_frame]))[0] + 1]
    present = col[by_frame][frame_starts]
    jct, jpt, jlt = (j.transpose(0, 2, 1) for j in (jc, jp, jl))

    def per_frame(values: Floats) -> Floats:
        out = np.zeros((len(p.frames), *values.shape[1:]))
        out[present] = np.add.reduceat(values[by_frame], frame_starts, axis=0)
        return out

    def per_point(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, part.starts, axis=0))

    return System(
        pose=per_frame(np.matmul(jct, jc)),
        lens=np.matmul(jlt, jl).sum(0),
        pose_lens=per_frame(np.matmul(jct, jl)),
        point=per_point(np.matmul(jpt, jp)),
        cross=np.matmul(jct, jp),
        lens_point=per_point(np.matmul(jlt, jp)),
        grad_pose=per_frame(np.matmul(jct, r))[:, :, 0],
        grad_lens=np.matmul(jlt, r).sum(0)[:, 0],
        grad_point=per_point(np.matmul(jpt, r))[:, :, 0],
    )


def reduced_system(p: Problem, system: System, half: Floats, damping: float, run: Map) -> tuple[Floats, Floats]:
    """The camera system [6 F + L] square, and its right side, after eliminating the points. half: inverse
    Cholesky factor [P, 3, 3] of each damped point block."""
    frames, lenses = len(p.frames), system.lens.shape[0]
    size = 6 * frames + lenses
    matrix = np.zeros((size, size))
    index = np.arange(frames)
    matrix[: 6 * frames, : 6 * frames].reshape(frames, 6, frames, 6)[index, :, index, :] = system.pose
    matrix[: 6 * frames, 6 * frames :] = system.pose_lens.reshape(6 * frames, lenses)
    matrix[6 * frames :, : 6 * frames] = matrix[: 6 * frames, 6 * frames :].T
    matrix[6 * frames :, 6 * frames :] = system.lens
    matrix[np.arange(size), np.arange(size)] *= 1.0 + damping
    matrix[np.arange(size), np.arange(size)] += 1e-12
    right = np.r_[system.grad_pose.ravel(), system.grad_lens]
    for share in run(lambda chunk: _eliminate(p, system, half, chunk), _chunks(p)):
        matrix[np.ix_(share.where, share.where)] -= share.matrix
        right[share.where] -= share.right
    return matrix, right


@dataclass(frozen=True)
class _Chunk:
    """Points begin to end, seen only by frames first to last."""

    begin: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class _Share:
    """What eliminating a chunk of points takes from the rows and columns `where` of the camera system."""

    where: Indices
    matrix: Floats
    right: Floats


def _eliminate(p: Problem, system: System, half: Floats, chunk: _Chunk) -> _Share:
    begin, end, first, last = chunk.begin, chunk.end, chunk.first, chunk.last
    rows = slice(*np.searchsorted(p.row, [begin, end]).tolist())
    frames, lenses, count = len(p.frames), system.lens.shape[0], end - begin
    half_t = half[begin:end].transpose(0, 2, 1)
    dense = np.zeros((last - first, 6, count, 3))
    row = p.row[rows] - begin
    dense[p.col[rows] - first, :, row, :] = np.matmul(system.cross[rows], half_t[row])
    lens_part = np.matmul(system.lens_point[begin:end], half_t).transpose(1, 0, 2).reshape(lenses, 3 * count)
    flat = np.concatenate([dense.reshape(6 * (last - first), 3 * count), lens_part])
    grad = np.matmul(half[begin:end], system.grad_point[begin:end, :, None]).ravel()
    where = np.r_[6 * first : 6 * last, 6 * frames : 6 * frames + lenses]
    return _Share(where, flat @ flat.T, flat @ grad)


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
