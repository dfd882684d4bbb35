"""The zero surface of a field as a closed mesh: the dual of marching cubes (Nielson, IEEE Visualization 2004), which
has a vertex for each piece of surface in a cell, on a grid that is finer where a body has small parts; then evened out
along the surface and put back onto it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from backend.fusion.marching_table import CORNERS, EDGES, triangle_table

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
    vertices, number, case = _vertices(value, inside, grid)
    return vertices, _quads(inside, number, case)


@functools.cache
def _loops() -> NDArray[np.int8]:
    """int8 [256,12]: which of the pieces of surface in a cell cuts each of its edges, -1 for none. Index and edges as
    in `triangle_table`: the triangles of one piece share edges."""
    found = np.full((256, len(EDGES)), -1, np.int8)
    for case, triangles in enumerate(triangle_table()):
        for triangle in triangles[triangles[:, 0] >= 0]:
            known = [int(found[case, edge]) for edge in triangle if found[case, edge] >= 0]
            piece = min(known) if known else int(found[case].max()) + 1
            for other in set(known):
                found[case][found[case] == other] = piece
            found[case, triangle] = piece
        pieces = np.unique(found[case][found[case] >= 0])
        found[case] = np.where(found[case] >= 0, np.searchsorted(pieces, found[case]), -1)
    return found


_MOST_LOOPS = 4


def _vertices(value: Floats, inside: NDArray[np.bool_], grid: Grid) -> tuple[Floats, Ints, NDArray[np.uint8]]:
    """One for each piece of surface in each cell: the middle of the edges that it cuts. number [cells, 4]: of the
    pieces' vertices, -1 for none. case: of the cells."""
    shape = tuple(n - 1 for n in value.shape)
    parts = [tuple(slice(c, c + n) for c, n in zip(at, shape, strict=True)) for at in CORNERS]
    case = np.zeros(shape, np.uint8)
    for bit, part in enumerate(parts):
        case |= inside[part].astype(np.uint8) << np.uint8(bit)
    cut = (case > 0) & (case < 255)
    values = np.stack([value[part][cut] for part in parts])
    loop = _loops()[case[cut]]
    total, count = np.zeros((len(loop), _MOST_LOOPS, 3)), np.zeros((len(loop), _MOST_LOOPS))
    for edge, (a, b) in enumerate(EDGES):
        (rows,) = np.nonzero(loop[:, edge] >= 0)
        share = (values[a, rows] / (values[a, rows] - values[b, rows]))[:, None]
        piece = loop[rows, edge]
        total[rows, piece] += CORNERS[a] + share * (CORNERS[b] - CORNERS[a])
        count[rows, piece] += 1.0
    row, piece = np.nonzero(count)
    inner, place = total[row, piece] / count[row, piece][:, None], np.argwhere(cut)[row]
    xyz = np.stack(
        [
            axis[place[:, k]] + inner[:, k] * (axis[place[:, k] + 1] - axis[place[:, k]])
            for k, axis in enumerate((grid.x, grid.y, grid.z))
        ],
        1,
    )
    number = np.full((*shape, _MOST_LOOPS), -1, np.int64)
    number[(*place.T, piece)] = np.arange(len(row))
    return xyz, number, case


def _quads(inside: NDArray[np.bool_], number: Ints, case: NDArray[np.uint8]) -> Faces:
    """One around each cut edge of the grid, through the four cells at it."""
    found = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        lower = np.take(inside, range(inside.shape[axis] - 1), axis)
        upper = np.take(inside, range(1, inside.shape[axis]), axis)
        at = np.argwhere(lower != upper)
        outwards = lower[tuple(at.T)]
        quad = np.empty((len(at), 4), np.int64)
        for corner, (back_u, back_v) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
            cell = at.copy()
            cell[:, u] -= back_u
            cell[:, v] -= back_v
            edge = EDGES.index((back_u << u | back_v << v, back_u << u | back_v << v | 1 << axis))
            piece = _loops()[case[tuple(cell.T)], edge]
            quad[:, corner] = number[(*cell.T, piece)]
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
