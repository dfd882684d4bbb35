"""How far the thing reaches that an artist clicked on, when nothing says how large it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from .evidence import Known, in_box
from .scene import Scene
from .solving import TRIAL, Checkpoint, Pieced, in_turns, outlined
from .superpixels import Doubles, Superpixels

Flags = NDArray[np.bool_]

_RADII = (0.08, 0.17, 0.35)
"""Sizes that are tried around clicks, in sides of the picture."""
_PAINTED_RADII = (0.25, 0.4, 0.6)
"""The same around strokes, in lengths of what was painted: who paints a line over a thing paints along most of it."""
_RIM = 0.8
_LARGER = 0.25
"""Power of its radius by which a larger size is preferred around clicks, which say nothing of it."""
_NOT_JOINED = -4.0


@dataclass(frozen=True, eq=False)
class _Trial:
    known: Known
    pieced: Pieced
    score: float


def plausible_extent(scene: Scene, known: Known, side: float, painted: float, check: Checkpoint) -> NDArray[np.float32]:
    """The soft mask of the working picture. known: pieces that were clicked on, and that are not the object. side: of
    the picture; painted: from end to end of strokes, 0 for clicks alone; working px.

    Each size is tried as if the artist had drawn it as a circle around the clicks, or around the strokes. The one is
    taken whose outcome ends along strong contrast and by itself, rather than at the circle.
    """
    pieces = scene.pieces
    away = np.min(np.linalg.norm(pieces.place[:, None] - pieces.place[known.inside][None], axis=2), axis=1)
    best: _Trial | None = None
    radii = [share * painted for share in _PAINTED_RADII] if painted else [share * side for share in _RADII]
    for radius in radii:
        trial = _tried(scene, known, away / radius, radius, 0.0 if painted else _LARGER, check)
        if trial is not None and (best is None or trial.score > best.score):
            best = trial
    if best is None:  # the hints themselves leave nothing open
        everything = Pieced(known.inside.astype(np.float64), np.where(known.inside, -_NOT_JOINED, _NOT_JOINED))
        return outlined(scene, known, everything, check)
    return outlined(scene, best.known, best.pieced, check)


def _tried(scene: Scene, known: Known, away: Doubles, radius: float, larger: float, check: Checkpoint) -> _Trial | None:
    """away: from the nearest click, 1 at the circle. radius: of it, working px, by whose power `larger` it is
    preferred."""
    pieces = scene.pieces
    circle = Known(known.inside, known.outside | ((away > 1) & ~known.inside))
    if not circle.outside.any() or (circle.inside | circle.outside).all():
        return None
    likeness = scene.likeness(1.6 * radius)
    base = in_box(pieces, likeness, circle, np.clip(0.9 - 0.8 * away**2, 0.05, 0.9))
    pieced = in_turns(scene, likeness, circle, base, check, TRIAL)
    found = _joined(pieces, pieced.share > 0.5, known.inside)
    odds = np.where(found, pieced.odds, np.minimum(pieced.odds, _NOT_JOINED))
    rim = (away > _RIM) & (away <= 1)
    leak = pieces.count[found & rim].sum() / max(pieces.count[rim].sum(), 1.0)
    score = _contrast(pieces, found) * (1 - leak) * radius**larger
    return _Trial(circle, Pieced(np.where(found, pieced.share, 0.0), odds), float(score))


def _joined(pieces: Superpixels, members: Flags, seeds: Flags) -> Flags:
    """The members that a way within them joins to a seed."""
    members = members | seeds
    first, second = pieces.pairs[members[pieces.pairs].all(axis=1)].T
    graph = csr_matrix((np.ones(len(first), bool), (first, second)), shape=(len(pieces), len(pieces)))
    part = connected_components(graph, directed=False)[1]
    return np.asarray(members & np.isin(part, part[seeds]))


def _contrast(pieces: Superpixels, members: Flags) -> float:
    """Mean contrast along the outline, in Lab units."""
    cut = members[pieces.pairs[:, 0]] != members[pieces.pairs[:, 1]]
    weight = pieces.border[cut]
    return float((weight * pieces.contrast[cut]).sum() / max(weight.sum(), 1.0))
