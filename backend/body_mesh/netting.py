"""The zero surface of a field as a closed mesh: surface nets (Gibson, MICCAI 1998) on a grid that is finer where a body
has small parts, then evened out along the surface and put back onto it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from .field import Field, Floats

Faces = NDArray[np.int32]
Ints = NDArray[np.int64]

_ROUNDS = 12
_PULL = 0.5


@dataclass(frozen=True)
class Grid:
    """x, y, z: ascending coordinates of the grid's planes."""

    x: Floats
    y: Floats
    z: Floats

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.x), len(self.y), len(self.z)

    def points(self) -> Floats:
        """[N,3], z fastest."""
        return np.stack(np.meshgrid(self.x, self.y, self.z, indexing="ij"), -1).reshape(-1, 3)


def planes(low: float, high: float, step: Callable[[float], float]) -> Floats:
    """Coordinates from low to beyond high, the distance to the next one given by where one is."""
    found = [low]
    while found[-1] < high:
        found.append(found[-1] + step(found[-1]))
    return np.array(found)


def net(field: Field, grid: Grid, checkpoint: Callable[[], None] = lambda: None) -> tuple[Floats, Faces]:
    """(vertices [V,3], quads int32 [Q,4] counterclockwise seen from outside)."""
    value = np.empty(grid.shape)
    points = grid.points().reshape(*grid.shape, 3)
    for i in range(len(grid.x)):
        if i % 16 == 0:
            checkpoint()
        value[i] = field.distance(points[i].reshape(-1, 3)).reshape(grid.shape[1:])
    inside = value < 0.0
    vertices, number = _vertices(value, inside, grid)
    return vertices, _quads(inside, number)


_CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]


def _vertices(value: Floats, inside: NDArray[np.bool_], grid: Grid) -> tuple[Floats, Ints]:
    """One in each cell that the surface cuts: the middle of its cut edges. number: of a cell's vertex, -1 for none."""
    shape = tuple(n - 1 for n in value.shape)
    corner = [value[tuple(slice(c, c + n) for c, n in zip(at, shape, strict=True))] for at in _CORNERS]
    held = np.stack([inside[tuple(slice(c, c + n) for c, n in zip(at, shape, strict=True))] for at in _CORNERS])
    cut = held.any(0) & ~held.all(0)
    values = np.stack([one[cut] for one in corner])
    total, count = np.zeros((values.shape[1], 3)), np.zeros(values.shape[1])
    for a, b in _EDGES:
        crossed = (values[a] < 0) != (values[b] < 0)
        gap = np.where(crossed, values[a] - values[b], 1.0)
        share = np.where(crossed, values[a] / gap, 0.0)[:, None]
        total += crossed[:, None] * (_CORNERS[a] + share * (_CORNERS[b] - _CORNERS[a]))
        count += crossed
    place = np.argwhere(cut)
    inner = total / count[:, None]
    axes = (grid.x, grid.y, grid.z)
    xyz = np.stack(
        [ax[place[:, k]] + inner[:, k] * (ax[place[:, k] + 1] - ax[place[:, k]]) for k, ax in enumerate(axes)], 1
    )
    number = np.full(shape, -1, np.int64)
    number[cut] = np.arange(len(place))
    return xyz, number


def _quads(inside: NDArray[np.bool_], number: Ints) -> Faces:
    """One around each cut edge of the grid, through the four cells at it."""
    found = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        lower = np.take(inside, range(inside.shape[axis] - 1), axis)
        upper = np.take(inside, range(1, inside.shape[axis]), axis)
        at = np.argwhere(lower != upper)
        outwards = lower[tuple(at.T)]
        step = np.zeros((4, 3), np.int64)
        step[1, u] = step[2, u] = step[2, v] = step[3, v] = -1
        quad = np.stack([number[tuple((at + one).T)] for one in step], 1)
        # The four cells go round the edge against the axis's own turn where it points inwards.
        found.append(np.where(outwards[:, None], quad, quad[:, ::-1]))
    return np.concatenate(found).astype(np.int32)


def is_manifold(quads: Faces) -> bool:
    """Whether every edge is between exactly two faces that agree on what is outside, and the faces around each vertex
    form one fan."""
    a, b = quads.ravel().astype(np.int64), np.roll(quads, -1, 1).ravel().astype(np.int64)
    size = int(quads.max()) + 1
    directed = a * size + b
    if len(np.unique(directed)) != len(directed) or not np.array_equal(np.sort(directed), np.sort(b * size + a)):
        return False
    # Of a closed surface made of fans, corners hang together around each vertex in one ring.
    corners, width = np.arange(quads.size), quads.shape[1]
    before = np.roll(corners.reshape(-1, width), 1, 1).ravel()
    order = np.argsort(directed)
    twin = order[np.searchsorted(directed[order], b * size + a)]
    following = twin[before]
    graph = coo_matrix((np.ones(len(corners)), (corners, following)), (len(corners),) * 2)
    from scipy.sparse.csgraph import connected_components

    rings, _ = connected_components(graph, directed=False)
    return bool(rings == len(np.unique(quads)))


def neighbours(faces: Faces, count: int) -> csr_matrix:
    """[V,V] 1 where an edge of the mesh is."""
    a, b = faces.ravel(), np.roll(faces, -1, 1).ravel()
    graph = coo_matrix((np.ones(2 * len(a)), (np.concatenate([a, b]), np.concatenate([b, a]))), (count, count)).tocsr()
    graph.data[:] = 1.0
    return graph


def evened(vertices: Floats, quads: Faces, field: Field, step: float) -> Floats:
    """Vertices moved along the surface to the middle of their neighbours, and onto the surface. step: for slopes."""
    graph = neighbours(quads, len(vertices))
    degree = np.asarray(graph.sum(1)).ravel()
    found, normal = _onto(vertices, field, step)
    for _ in range(_ROUNDS):
        move = _PULL * (graph @ found / degree[:, None] - found)
        move -= np.einsum("ij,ij->i", move, normal)[:, None] * normal
        found, normal = _onto(found + move, field, step)
    return found


def _onto(points: Floats, field: Field, step: float) -> tuple[Floats, Floats]:
    """(points after one step of Newton's method along the slope, the slope's direction)."""
    value, slope = field.slope(points, step)
    steep = np.einsum("ij,ij->i", slope, slope)
    jump = np.clip(value / np.maximum(steep, 0.05), -4 * step, 4 * step)
    normal = slope / np.sqrt(np.maximum(steep, 1e-24))[:, None]
    return np.asarray(points - jump[:, None] * slope), normal


def triangles(vertices: Floats, quads: Faces) -> Faces:
    """Quads cut along their shorter diagonal; the same on both sides of a symmetric body."""
    p = vertices[quads]
    first = np.linalg.norm(p[:, 0] - p[:, 2], axis=1)
    second = np.linalg.norm(p[:, 1] - p[:, 3], axis=1)
    short = (first < second - 1e-9)[:, None]
    halves = np.where(short, quads[:, [0, 1, 2, 0, 2, 3]], quads[:, [0, 1, 3, 1, 2, 3]])
    return np.ascontiguousarray(halves.reshape(-1, 3), np.int32)


def sequence_of(steps: Sequence[tuple[float, float]]) -> Callable[[float], float]:
    """A step width that depends on where one is, linear between (place, width)."""
    at, width = np.array(steps).T
    order = np.argsort(at)
    return lambda place: float(np.interp(place, at[order], width[order]))
