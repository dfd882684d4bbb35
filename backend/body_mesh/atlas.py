"""Where each face lies in the texture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .charts import Chart, cut, parted
from .field import Floats
from .flatten import faulty, flat
from .netting import Faces

_MARGIN = 5.0 / 1024.0
"""Between charts and around them, of the texture's side: room for colour to run over the border."""

_STEPS = 40


@dataclass(frozen=True)
class _Flat:
    """corners [N,3,2]: of the chart's faces, from the lower left of its box. size [2]."""

    chart: Chart
    corners: Floats
    size: Floats


def atlas(
    vertices: Floats, faces: Faces, regions: Sequence[str], checkpoint: Callable[[], None] = lambda: None
) -> NDArray[np.float32]:
    """float32 [F,3,2], 0..1: each face once, none on another. regions [V]: the part of the body of each vertex."""
    pieces: list[_Flat] = []
    waiting = cut(vertices, faces, regions)
    while waiting:
        checkpoint()
        chart = waiting.pop(0)
        used, own = np.unique(faces[chart.faces], return_inverse=True)
        local = own.reshape(-1, 3).astype(np.int32)
        plane = flat(vertices[used], local)
        off = faulty(plane, local)
        if len(off):
            waiting += parted(vertices, faces, chart, off)
        else:
            plane = chart.detail * (plane - plane.min(0))
            pieces.append(_Flat(chart, plane[local], plane.max(0)))
    places, scale = _packed([piece.size for piece in pieces])
    uv = np.empty((len(faces), 3, 2), np.float32)
    for piece, place in zip(pieces, places, strict=True):
        uv[piece.chart.faces] = place + scale * piece.corners
    return uv


def _packed(sizes: Sequence[Floats]) -> tuple[list[Floats], float]:
    """Lower left corners of boxes in the unit square, and the factor by which they have grown: the largest, within a
    per cent, for which they fit on shelves."""
    low, high = 0.0, 1.0 / max(float(size.max()) for size in sizes)
    for _ in range(_STEPS):
        scale = 0.5 * (low + high)
        low, high = (scale, high) if _on_shelves(sizes, scale) is not None else (low, scale)
    places = _on_shelves(sizes, low)
    assert places is not None
    return places, low


def _on_shelves(sizes: Sequence[Floats], scale: float) -> list[Floats] | None:
    """The tallest boxes first, side by side; lower ones on top of each other where a shelf leaves room."""
    order = sorted(range(len(sizes)), key=lambda i: (-float(sizes[i][1]), i))
    places: list[Floats] = [np.zeros(2)] * len(sizes)
    columns: list[list[float]] = []  # left, width, filled up to
    right = _MARGIN
    for i in order:
        width, height = scale * sizes[i] + _MARGIN
        spot = next((c for c in columns if width <= c[1] and c[2] + height <= 1.0), None)
        if spot is None:
            if right + width > 1.0 or _MARGIN + height > 1.0:
                return None
            spot = [right, width, _MARGIN]
            columns.append(spot)
            right += width
        places[i] = np.array([spot[0], spot[2]])
        spot[2] += height
    return places
