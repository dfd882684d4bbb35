"""How far a surface is from the truth, and how much of the truth it has; numpy and scipy only.

Truth is the points under the pixels of all frames (static, finite), each with its distance from the camera that saw it;
where frames see one place, points closer together than a fraction of that distance are one, with the nearest camera.
Each goes on as a plane to its neighbouring pixels.
Errors are relative to that distance. A surface is judged at points spread evenly over its area.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from backend.fusion.planes import tangents
from backend.fusion.shapes import Mesh, face_areas
from tests.benchmarks.scoring import Array
from tests.benchmarks.truth import TruthClip

WITHIN = 0.01
_THIN = 0.004
"""Fraction of the camera's distance closer than which two truth points are one."""
_BITS = 18
"""Of a cell's number along an axis: cells farther apart than 2^18 would be taken for one."""
_NEAREST = 4
"""Truth points whose planes a point is compared with."""
_SAMPLES = 100_000


@dataclass(frozen=True)
class SurfaceScore:
    """Percent. accuracy: of the surface within 1 % of the camera's distance of the truth. completeness: of the truth
    within 1 % of the surface. median, p90: of the surface's error."""

    accuracy: float
    completeness: float
    median: float
    p90: float


@dataclass(frozen=True)
class TruthSurface:
    """xyz [N, 3] world; away [N]: distance of the camera that saw each, nearest if several; seen [N]: pixels that each
    stands for. normal [N, 3], reach [N]: the surface goes on as a plane as far as that, half a pixel and a bit: pixels
    of a floor far away lie farther apart than what is scored. Normal 0: as a point."""

    xyz: Array
    away: Array
    seen: Array
    normal: Array
    reach: Array

    def only(self, kept: NDArray[np.intp]) -> TruthSurface:
        return TruthSurface(*(getattr(self, name)[kept] for name in _COLUMNS))


_COLUMNS = ("xyz", "away", "seen", "normal", "reach")


def truth_surface(clip: TruthClip, frames: range) -> TruthSurface:
    """Raises FileNotFoundError for a clip without depth."""
    whole: TruthSurface | None = None
    for index in frames:
        more = _frame_points(clip, index)
        if whole is not None:
            more = TruthSurface(*(np.concatenate([getattr(whole, name), getattr(more, name)]) for name in _COLUMNS))
        whole = _thinned(more)
    if whole is None:
        raise FileNotFoundError(f"{clip.truth_folder} has no frames")
    return whole


def _frame_points(clip: TruthClip, index: int) -> TruthSurface:
    depth = clip.depth(index)
    if depth is None:
        raise FileNotFoundError(f"{clip.truth_folder} has no depth of frame {index + 1}")
    known = np.isfinite(depth) & (depth > 0)
    moving = clip.moving(index)
    known = known if moving is None else known & ~moving
    y, x = np.nonzero(known)
    K, pose = clip.lens.K[index], clip.poses[index]
    points, away = world_points(depth, y, x, K, pose)
    planes = tangents(np.where(known, depth, 1.0).astype(np.float32), known, K)
    normal = planes.normal[y, x].astype(np.float64)
    length = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    # A pixel is z / f wide, and longer by the slope where the surface is seen flat.
    slope = 1.0 / np.maximum(1.0 / (depth[y, x] * length), 0.02)
    reach = np.where(planes.known[y, x], depth[y, x] / K[0, 0] * slope, 0.0)
    return TruthSurface(points, away, np.ones(len(away)), normal / length[:, None] @ pose[:3, :3].T, reach)


def world_points(depth: Array, y: NDArray[np.intp], x: NDArray[np.intp], K: Array, pose: Array) -> tuple[Array, Array]:
    """World points [N, 3] under pixels, and their distances from the camera [N]."""
    rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(K).T
    points = rays * depth[y, x, None]
    return points @ pose[:3, :3].T + pose[:3, 3], np.linalg.norm(points, axis=1)


def _thinned(all_of: TruthSurface) -> TruthSurface:
    """One point, seen from nearest, for each cell of a grid whose size goes with the distance in powers of two."""
    ordered = all_of.only(np.argsort(all_of.away, kind="stable"))
    level = np.round(np.log2(ordered.away))
    size = _THIN * 2.0**level
    cells = np.floor(ordered.xyz / size[:, None]).astype(np.int64) & ((1 << _BITS) - 1)
    keys = level.astype(np.int64) << 3 * _BITS
    for axis in range(3):
        keys |= cells[:, axis] << axis * _BITS
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    seen = np.bincount(place.ravel(), ordered.seen, len(first))
    return replace(ordered.only(first), seen=seen)


def spread_points(mesh: Mesh, count: int = _SAMPLES, seed: int = 0) -> Array:
    """World points [N, 3] at random over the faces, by area."""
    areas = face_areas(mesh)
    rng = np.random.default_rng(seed)
    face = mesh.faces[np.searchsorted(np.cumsum(areas), rng.random(count) * areas.sum()).clip(max=len(areas) - 1)]
    u, v = rng.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    a, b, c = (mesh.vertices.xyz[face[:, i]].astype(np.float64) for i in range(3))
    points: Array = a + u * (b - a) + v * (c - a)
    return points


def score_surface(points: Array, truth: TruthSurface, also: Array | None = None) -> SurfaceScore:
    """points [N, 3]: evenly over the surface, for accuracy. also: more of its points, for completeness."""
    near, at = cKDTree(truth.xyz).query(points, _NEAREST)
    off = np.abs(np.einsum("nki,nki->nk", points[:, None] - truth.xyz[at], truth.normal[at]))
    beside = np.sqrt(np.maximum(np.square(near) - np.square(off), 0.0))
    error = (np.where(beside <= truth.reach[at], off, near) / truth.away[at]).min(1)
    every = points if also is None else np.concatenate([points, also])
    missed, _ = cKDTree(every).query(truth.xyz)
    had = missed <= WITHIN * truth.away
    return SurfaceScore(
        100.0 * float((error <= WITHIN).mean()),
        100.0 * float((had * truth.seen).sum() / truth.seen.sum()),
        100.0 * float(np.median(error)),
        100.0 * float(np.quantile(error, 0.9)),
    )
