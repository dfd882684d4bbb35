"""The pieces that a skin is cut into for its texture: each part of the body opened into two halves, like a garment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .field import Floats
from .netting import Faces

Ints = NDArray[np.int64]

_SMOOTHING = 3
_MANY = 0.2
_ISLAND = 0.2
"""Of a chart's faces, below which a piece that does not hang on the rest joins its neighbours."""


@dataclass(frozen=True)
class Chart:
    """name: of the part. faces [N]: numbers of the mesh's faces. detail: length in the texture over that of others."""

    name: str
    faces: Ints
    detail: float


_OPENED = {"head": 1, "trunk": 1, "leg": 1, "arm": 2, "foot": 2}
"""Axis of the body across which a part has its two halves: front and back, or upper and lower."""

_DETAIL = {"head": 1.5}


def cut(vertices: Floats, faces: Faces, regions: Sequence[str]) -> list[Chart]:
    """Charts that hold every face once. regions [V]: the part that each vertex lies on."""
    names = sorted(set(regions))
    number = np.array([names.index(name) for name in regions])[faces]
    # A face belongs where most of its corners do, and to its first corner's part where all differ.
    part = np.where(number[:, 1] == number[:, 2], number[:, 1], number[:, 0])
    half = _half(vertices, faces, np.array([_OPENED[name.rpartition("_")[2]] for name in names])[part])
    label = _without_islands(faces, 2 * part + half)
    charts = []
    for one in np.unique(label):
        name = names[one // 2]
        for piece in _pieces(faces, np.nonzero(label == one)[0]):
            charts.append(Chart(name, piece, _DETAIL.get(name, 1.0)))
    return charts


def _half(vertices: Floats, faces: Faces, axis: Ints) -> Ints:
    """0 or 1 [F]: which way a face looks along its axis, after its neighbours' view."""
    p = vertices[faces]
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    graph = beside(faces)
    for _ in range(_SMOOTHING):
        normal = normal + graph @ normal
    return np.asarray(np.take_along_axis(normal, axis[:, None], 1)[:, 0] > 0.0, np.int64)


def beside(faces: Faces) -> coo_matrix:
    """[F,F] 1 where two faces share an edge."""
    count = len(faces)
    a, b = faces.ravel().astype(np.int64), np.roll(faces, -1, 1).ravel().astype(np.int64)
    size = int(faces.max()) + 1
    key = np.minimum(a, b) * size + np.maximum(a, b)
    order = np.argsort(key, kind="stable")
    same = np.nonzero(key[order][1:] == key[order][:-1])[0]
    one, other = order[same] // 3, order[same + 1] // 3
    pairs = (np.concatenate([one, other]), np.concatenate([other, one]))
    return coo_matrix((np.ones(2 * len(same)), pairs), (count, count)).tocsr()


def _pieces(faces: Faces, chosen: Ints) -> list[Ints]:
    """Faces that hang together by edges."""
    graph = beside(faces[chosen])
    count, piece = connected_components(graph, directed=False)
    return [chosen[piece == one] for one in range(count)]


def _without_islands(faces: Faces, label: Ints) -> Ints:
    """Small pieces take the label that most of their neighbours have."""
    found = label.copy()
    graph = beside(faces).tocoo()
    for one in np.unique(label):
        pieces = _pieces(faces, np.nonzero(found == one)[0])
        largest = max((len(piece) for piece in pieces), default=0)
        for piece in pieces:
            if len(piece) >= _ISLAND * largest:
                continue
            inside = np.zeros(len(faces), bool)
            inside[piece] = True
            around = found[graph.col[inside[graph.row] & ~inside[graph.col]]]
            if len(around):
                found[piece] = np.bincount(around).argmax()
    return found


def parted(vertices: Floats, faces: Faces, chart: Chart, off: Ints) -> list[Chart]:
    """The chart without some of its faces, by their place in it, and what these are; cut in two across its longest side
    where they are many."""
    outer = np.zeros(len(chart.faces), bool)
    outer[off] = True
    if outer.sum() > _MANY * len(outer):
        middle = vertices[faces[chart.faces]].mean(1)
        place = middle[:, int(np.ptp(middle, axis=0).argmax())]
        order = np.argsort(place, kind="stable")
        outer[:] = False
        outer[order[: len(order) // 2]] = True
    return [
        Chart(chart.name, piece, chart.detail)
        for part in (chart.faces[~outer], chart.faces[outer])
        for piece in _pieces(faces, part)
    ]
