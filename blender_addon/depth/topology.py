"""The edges of a triangle mesh, as Blender keeps them. No bpy here.

Blender can find them itself (`Mesh.update(calc_edges=True)`), but takes a second for a million triangles and does not
let go meanwhile. Here a thread does it; numpy sorts without Python's lock, and looks up in blocks because there it
keeps it.
"""

from __future__ import annotations

import numpy as np

_BLOCK = 1 << 16


def edges_of(triangles: np.ndarray, vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """The edges, int32 [E,2] with the lower vertex first, and the edge that follows each corner, int32 [3T], of
    triangles int [T,3] over so many vertices."""
    if not len(triangles):
        return np.zeros((0, 2), np.int32), np.zeros(0, np.int32)
    start = np.ascontiguousarray(triangles, np.int64).ravel()
    end = np.roll(triangles, -1, axis=1).astype(np.int64).ravel()
    keys = np.minimum(start, end) * vertices + np.maximum(start, end)
    order = np.argsort(keys, kind="stable")
    ordered = _take(keys, order)
    is_first = np.r_[True, ordered[1:] != ordered[:-1]]
    distinct = ordered[is_first]
    edges = np.stack([distinct // vertices, distinct % vertices], axis=1).astype(np.int32)
    rank = (np.cumsum(is_first) - 1).astype(np.int32)
    corners = np.empty(len(keys), np.int32)
    for block in _blocks(len(keys)):
        corners[order[block]] = rank[block]
    return edges, corners


def without_degenerate(triangles: np.ndarray) -> np.ndarray:
    """The triangles whose corners are three different vertices: Blender's meshes have no others."""
    a, b, c = triangles.T
    good = (a != b) & (b != c) & (a != c)
    return triangles if good.all() else np.ascontiguousarray(triangles[good])


def _take(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    taken = np.empty(len(where), values.dtype)
    for block in _blocks(len(where)):
        taken[block] = values[where[block]]
    return taken


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
