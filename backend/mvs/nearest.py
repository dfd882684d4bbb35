"""To every pixel the nearest known one, along the picture: an edge of the picture on the way counts as a long way.

A geodesic distance transform by raster scans (Toivanen, Pattern Recognition Letters 1996; Criminisi, Sharp, Blake,
"GeoS", ECCV 2008). Edges of depth lie on edges of the picture nearly always, so what is filled this way ends where the
surface does, though the measured depth ends some px before.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .matching import grain

_FAR = 1e6
_TURNS = 2
_GRAINS = 2.0
"""So many standard deviations of the grain count as one px more."""


def nearest_known(known: Tensor, gray: Tensor) -> Tensor:
    """Index into the flat picture [H, W], int64, of the pixel where `known` (bool [H, W]) that is nearest; the pixel's
    own where nothing is known."""
    height, width = gray.shape
    away = torch.where(known, torch.zeros_like(gray), torch.full_like(gray, _FAR))
    index = torch.arange(height * width, device=gray.device).reshape(height, width)
    shade = gray / (_GRAINS * grain(gray))
    for _ in range(_TURNS):
        for _ in range(2):
            _scan(away, index, shade)
            _scan(away.t(), index.t(), shade.t())
            away, index, shade = (one.flip(0, 1) for one in (away, index, shade))
    return index


def _scan(away: Tensor, index: Tensor, shade: Tensor) -> None:
    """Rows one after the other: each pixel through the three of the row before, where that is nearer. In place."""
    width = away.shape[1]
    for row in range(1, away.shape[0]):
        for shift in (0, -1, 1) if width > 1 else (0,):
            to = slice(max(shift, 0), width + min(shift, 0))
            by = slice(max(-shift, 0), width + min(-shift, 0))
            way = away[row - 1, by] + (shade[row - 1, by] - shade[row, to]).abs() + (2.0**0.5 if shift else 1.0)
            nearer = way < away[row, to]
            away[row, to] = torch.where(nearer, way, away[row, to])
            index[row, to] = torch.where(nearer, index[row - 1, by], index[row, to])
