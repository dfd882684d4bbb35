"""Small holes of a mesh closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .shapes import Cloud, Ints, Mesh


def with_small_holes_closed(mesh: Mesh, most_edges: int) -> Mesh:
    """Holes whose border has at most `most_edges` edges are filled with triangles about a vertex in their middle. To be
    called on pieces that are much larger than that: the outer border of a small one is no hole."""
    loops = [loop for loop in _loops(_border(mesh.faces)) if len(loop) <= most_edges]
    if not loops:
        return mesh
    count = len(mesh.vertices)
    corners = np.array([vertex for loop in loops for vertex in loop], np.int64)
    following = np.array([vertex for loop in loops for vertex in (*loop[1:], loop[0])], np.int64)
    hole = np.repeat(np.arange(len(loops)), [len(loop) for loop in loops])
    # The border runs with its faces on the left, so that the filling takes its edges the other way round.
    filling = np.stack([following, corners, count + hole], 1).astype(np.int32)
    old = mesh.vertices
    middle = Cloud(
        _means(old.xyz, corners, hole).astype(np.float32),
        np.zeros((len(loops), 3), np.float32),
        (_means(old.rgb, corners, hole) + 0.5).astype(np.uint8),
    )
    vertices = Cloud(
        *(np.concatenate([getattr(old, name), getattr(middle, name)]) for name in ("xyz", "normals", "rgb"))
    )
    return Mesh(vertices, np.concatenate([mesh.faces, filling])).with_own_normals()


def _means(values: NDArray[np.floating] | NDArray[np.uint8], corners: Ints, hole: Ints) -> NDArray[np.float64]:
    """float64 [holes, 3] of values [N, 3] at the corners of each hole."""
    sums = [np.bincount(hole, values[corners, axis].astype(np.float64)) for axis in range(3)]
    return np.stack(sums, 1) / np.bincount(hole)[:, None]


def _border(faces: NDArray[np.int32]) -> Ints:
    """[M, 2]: the edges that have a face on one side only, in the direction in which it goes round them."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    ends = np.sort(edges, axis=1)
    _, first, count = np.unique(ends[:, 0] << 32 | ends[:, 1], return_index=True, return_counts=True)
    border: Ints = edges[np.sort(first[count == 1])]
    return border


def _loops(border: Ints) -> list[list[int]]:
    """The closed lines of a border; those that meet another one in a vertex are left out."""
    starts, count = np.unique(border[:, 0], return_counts=True)
    forked = set(starts[count > 1].tolist())
    following = {a: b for a, b in border.tolist() if a not in forked}
    loops = []
    while following:
        first, after = following.popitem()
        loop = [first]
        while after != first and after in following:
            loop.append(after)
            after = following.pop(after)
        if after == first:
            loops.append(loop)
    return loops
