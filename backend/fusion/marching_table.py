"""The table of marching cubes (Lorensen & Cline, SIGGRAPH 1987), derived instead of listed.

Corner i of a cell lies at its bits (x = i & 1, y = i >> 1 & 1, z = i >> 2 & 1). In every face of the cell the borders
between inside and outside are segments; where all four edges are cut, each inside corner is cut off on its own. That
depends on the face's corners alone, so neighbouring cells agree and the surface has no holes. The segments of a cell
join to loops, which are filled with triangles.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

CORNERS: NDArray[np.int64] = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
"""[8, 3]: where the corners of a cell are."""

EDGES: tuple[tuple[int, int], ...] = tuple(
    (i, i | 1 << axis) for axis in range(3) for i in range(8) if not i & 1 << axis
)
"""The lower and the upper corner of the twelve edges; edge e runs along axis e // 4."""

_FACES = tuple(
    # Corners in the order that is counterclockwise seen from outside the cell.
    [side << axis, side << axis | 1 << u, side << axis | 1 << u | 1 << v, side << axis | 1 << v][:: 1 if side else -1]
    for axis, u, v in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    for side in (0, 1)
)

MOST_TRIANGLES = 5


@functools.cache
def triangle_table() -> NDArray[np.int8]:
    """int8 [256, 5, 3]: the edges between which the triangles of a cell hang, -1 for none. Bit i of the index is set
    where corner i is inside. Triangles are counterclockwise seen from outside."""
    table = np.full((256, MOST_TRIANGLES, 3), -1, np.int8)
    for inside in range(256):
        row = 0
        for loop in _loops(inside):
            for k in range(1, len(loop) - 1):
                table[inside, row] = loop[0], loop[k], loop[k + 1]
                row += 1
    return table


def _loops(inside: int) -> list[list[int]]:
    """The closed lines of edges along which the surface leaves the cell."""
    following = {}
    for face in _FACES:
        following.update(_segments(face, inside))
    loops = []
    while following:
        loop = [next(iter(following))]
        while (after := following.pop(loop[-1])) != loop[0]:
            loop.append(after)
        loops.append(loop)
    return loops


def _segments(face: list[int], inside: int) -> dict[int, int]:
    """From edge to edge, the inside on the left seen from outside the cell: around each run of inside corners."""
    cut = {}
    held = [bool(inside >> corner & 1) for corner in face]
    for k in range(4):
        if held[k] and not held[k - 1]:  # a run of inside corners begins at k
            last = k
            while held[(last + 1) % 4]:
                last += 1
            entered = _edge(face[k - 1], face[k])
            left = _edge(face[last % 4], face[(last + 1) % 4])
            cut[entered] = left
    return cut


def _edge(a: int, b: int) -> int:
    return EDGES.index((min(a, b), max(a, b)))
