"""How many metres a unit of the world is, as far as a person in it tells.

A detector guesses a body in about metres, so that its place before the camera is in metres too. Where the camera's
height over a known floor is, in units, or its way, one fits the other: the feet are on the floor, and a person does not
ride along with the camera. A camera that stands still without a floor says nothing: then a unit is a metre until the
person's height says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .contacts import Floor
from .evidence import Cameras, Flags, View
from .footage import ReadyFootage
from .skeleton import Floats, Skeleton
from .start import place_of, shape_at

_SOLE_M = 0.04
_LEAST_M = 0.3
"""Way of the camera, in metres, that tells anything."""

_LOW = 0.3
"""Share of the frames whose feet are lowest: they stand, whatever the person does in the others."""


def metres_per_unit(skeleton: Skeleton, views: Sequence[ReadyFootage], floor: Floor | None) -> float:
    """1 where nothing tells."""
    view = views[0]
    places, deepest = np.full((len(view), 3), np.nan), np.full(len(view), np.nan)
    for start, part in view.parts():
        here = np.array(
            [place_of(part.cameras, part.evidence, shape_at(part.evidence, t), t) for t in range(len(part.evidence))]
        )
        at = slice(start, start + len(here))
        places[at] = here
        deepest[at] = _deepest(skeleton, part, here, floor) if floor is not None else np.nan
    good = np.isfinite(places[:, 0])
    if not good.any():
        return 1.0
    found = None if floor is None else _by_floor(view.cameras, deepest, floor)
    found = found or _by_way(view.cameras, places, good)
    return found or 1.0


def _deepest(skeleton: Skeleton, view: View, places: Floats, floor: Floor) -> Floats:
    """[T]: how far below the camera the lower foot is, metres; NaN where it is not guessed."""
    evidence, cameras = view.evidence, view.cameras
    feet = [[skeleton.index(f"{side}_{part}") for part in ("heel", "foot_index")] for side in ("left", "right")]
    up = np.einsum("tij,j->ti", cameras.rotation, floor.normal)
    drop = -np.einsum("tja,ta->tj", evidence.relative + places[:, None], up)
    drop = np.where(np.isfinite(evidence.sd_m), drop, np.nan)
    found: Floats = np.max([drop[:, foot].mean(1) for foot in feet], axis=0)
    return found


def _by_floor(cameras: Cameras, deepest: Floats, floor: Floor) -> float | None:
    """Camera's height in metres over the soles, by its height in units."""
    centre = -np.einsum("tji,tj->ti", cameras.rotation, cameras.translation)
    height = centre @ floor.normal - floor.offset
    use = np.isfinite(deepest) & (height > 0.0) & (deepest > 0.0)
    if not use.any():
        return None
    ratio = (deepest[use] + _SOLE_M) / height[use]
    return float(np.quantile(ratio, 1.0 - 0.5 * _LOW))


def _by_way(cameras: Cameras, places: Floats, good: Flags) -> float | None:
    """The factor with which the person's way is shortest."""
    turn = np.swapaxes(cameras.rotation[good], 1, 2)
    centre = -np.einsum("tij,tj->ti", turn, cameras.translation[good])
    away = np.einsum("tij,tj->ti", turn, places[good])
    a, b = centre - centre.mean(0), away - away.mean(0)
    if np.linalg.norm(a, axis=1).max() == 0.0:
        return None
    factor = -float((a * b).sum() / (a * a).sum())
    moved = factor * float(np.linalg.norm(a, axis=1).max())
    return factor if factor > 0.0 and moved > _LEAST_M else None
