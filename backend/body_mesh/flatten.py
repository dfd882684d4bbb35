"""A chart laid flat: least squares conformal maps (Lévy et al., SIGGRAPH 2002)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from .field import Floats
from .netting import Faces


def flat(vertices: Floats, faces: Faces) -> Floats:
    """[V,2] of a piece of skin with a border: angles kept as far as that goes, its area that of the skin, its longer
    side upright, and up where the body's up is."""
    local = _triangles(vertices, faces)
    area = 0.5 * np.abs(local[:, 1, 0] * local[:, 2, 1])
    weight = 1.0 / np.sqrt(np.maximum(2.0 * area, 1e-18))
    rows, count = np.arange(len(faces)), len(vertices)
    edges = local[:, [2, 0, 1]] - local[:, [1, 2, 0]]
    real, imaginary = [], []
    for corner in range(3):
        real.append(coo_matrix((edges[:, corner, 0] * weight, (rows, faces[:, corner])), (len(faces), count)))
        imaginary.append(coo_matrix((edges[:, corner, 1] * weight, (rows, faces[:, corner])), (len(faces), count)))
    re, im = sum(real).tocsr(), sum(imaginary).tocsr()
    from scipy.sparse import bmat

    whole = bmat([[re, -im], [im, re]]).tocsc()
    held = _ends(vertices)
    fixed = np.array([held[0], held[1], held[0] + count, held[1] + count])
    value = np.array([0.0, 0.0, 0.0, float(np.linalg.norm(vertices[held[1]] - vertices[held[0]]))])
    free = np.setdiff1d(np.arange(2 * count), fixed)
    left = whole[:, free]
    found = np.zeros(2 * count)
    found[fixed] = value
    found[free] = spsolve((left.T @ left).tocsc(), -left.T @ (whole[:, fixed] @ value))
    return _upright(found.reshape(2, count).T, vertices, faces, float(area.sum()))


def _triangles(vertices: Floats, faces: Faces) -> Floats:
    """[F,3,2]: each by itself, in its own plane, the first corner at the origin, the second on x."""
    p = vertices[faces]
    along, other = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-12)
    x = along / length[:, None]
    reach = np.einsum("ij,ij->i", other, x)
    height = np.linalg.norm(other - reach[:, None] * x, axis=1)
    local = np.zeros((len(faces), 3, 2))
    local[:, 1, 0], local[:, 2, 0], local[:, 2, 1] = length, reach, height
    return local


def _ends(vertices: Floats) -> tuple[int, int]:
    """Two vertices far from each other, the lower one first."""
    middle = vertices.mean(0)
    first = int(np.linalg.norm(vertices - middle, axis=1).argmax())
    second = int(np.linalg.norm(vertices - vertices[first], axis=1).argmax())
    return (first, second) if vertices[first, 2] <= vertices[second, 2] else (second, first)


def _upright(plane: Floats, vertices: Floats, faces: Faces, area: float) -> Floats:
    scale = np.sqrt(area / max(abs(signed_areas(plane, faces).sum()), 1e-18))
    centred = scale * (plane - plane.mean(0))
    _, axes = np.linalg.eigh(centred.T @ centred)
    up = axes[:, 1]
    rest = vertices - vertices.mean(0)
    long_axis = int(np.ptp(vertices, axis=0).argmax())
    if float((centred @ up) @ rest[:, long_axis]) < 0.0:
        up = -up
    return np.stack([centred @ [up[1], -up[0]], centred @ up], 1)


def signed_areas(plane: NDArray[np.float64], faces: Faces) -> Floats:
    """[F], positive counterclockwise."""
    a, b, c = (plane[faces[:, k]] for k in range(3))
    u, v = b - a, c - a
    return np.asarray(0.5 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]))


def faulty(plane: Floats, faces: Faces) -> NDArray[np.int64]:
    """Numbers of the triangles that are turned over or lie on others: without them the rest lies flat."""
    turned = signed_areas(plane, faces) <= 0.0
    sound = np.nonzero(~turned)[0]
    pairs = overlaps(plane[faces[sound]])
    if not len(pairs):
        return np.nonzero(turned)[0]
    # Of two, the one further out goes.
    far = np.linalg.norm(plane[faces[sound]].mean(1) - plane[faces].mean((0, 1)), axis=1)
    outer = np.where(far[pairs[:, 0]] > far[pairs[:, 1]], pairs[:, 0], pairs[:, 1])
    return np.unique(np.concatenate([np.nonzero(turned)[0], sound[outer]]))


def overlaps(corners: Floats) -> NDArray[np.int64]:
    """[N,2] pairs of triangles [F,3,2], all counterclockwise, of which one holds an inner point of the other."""
    inner = np.concatenate([corners.mean(1), *(0.8 * corners[:, k] + 0.2 * corners.mean(1) for k in range(3))])
    own = np.tile(np.arange(len(corners)), 4)
    low, high = corners.min(1), corners.max(1)
    order = np.argsort(inner[:, 0])
    sorted_x = inner[order, 0]
    begin, end = np.searchsorted(sorted_x, low[:, 0]), np.searchsorted(sorted_x, high[:, 0])
    found = []
    for triangle in range(len(corners)):
        near = order[begin[triangle] : end[triangle]]
        y = inner[near, 1]
        near = near[(y > low[triangle, 1]) & (y < high[triangle, 1]) & (own[near] != triangle)]
        found += [(triangle, int(own[i])) for i in near[_holds(corners[triangle], inner[near])]]
    return np.array(found, np.int64).reshape(-1, 2)


def _holds(triangle: Floats, points: Floats) -> NDArray[np.bool_]:
    inside = np.ones(len(points), bool)
    for k in range(3):
        edge, at = triangle[(k + 1) % 3] - triangle[k], points - triangle[k]
        inside &= edge[0] * at[:, 1] - edge[1] * at[:, 0] > 0.0
    return inside
