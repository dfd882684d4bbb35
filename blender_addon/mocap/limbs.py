"""Limbs of two bones, solved without iterations, for all frames at once (numpy)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shared.motion_arrays import multiply
from . import turns

_REACH = 0.9995
"""Of a stretched limb: exactly straight, it would not know where to bend."""
_LEAN = 0.02
"""How much the usual side of the bend counts, by the limb's length, beside where the joint is now."""
_TINY = 1e-9


@dataclass(frozen=True)
class Bend:
    """middles, ends [T,3]: where elbow or knee, and wrist or ankle, come to be. short [T]: what the limb lacks of its
    goal."""

    middles: np.ndarray
    ends: np.ndarray
    short: np.ndarray


def bend(
    roots: np.ndarray, goals: np.ndarray, upper: float, lower: float, sides: np.ndarray, ease: float = 0.0
) -> Bend:
    """Puts the end of a limb at its goal by the law of cosines, as near as it reaches. roots, goals [T,3]. upper,
    lower: lengths. sides [T,3]: from the root, where the middle joint shall be. ease: share of the length on which the
    limb stretches ever more slowly, so that its middle joint does not snap straight."""
    way = goals - roots
    wanted = np.linalg.norm(way, axis=1)
    reach = np.clip(
        _eased(wanted, (1.0 - ease) * (upper + lower), ease * (upper + lower)),
        abs(upper - lower) / _REACH + _TINY,
        (upper + lower) * _REACH,
    )
    along = way / np.maximum(wanted, _TINY)[:, None]
    across = sides - (sides * along).sum(1, keepdims=True) * along
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), _TINY)
    foot = (upper**2 - lower**2 + reach**2) / (2.0 * reach)
    height = np.sqrt(np.maximum(upper**2 - foot**2, 0.0))
    middles = roots + foot[:, None] * along + height[:, None] * across
    return Bend(middles, roots + reach[:, None] * along, wanted - reach)


def _eased(wanted: np.ndarray, free: float, ease: float) -> np.ndarray:
    """Distances as they are up to `free`; beyond it they near `free` + `ease` exponentially."""
    if ease <= 0:
        return wanted
    return np.where(wanted > free, free + ease * -np.expm1(-np.maximum(wanted - free, 0.0) / ease), wanted)


def sides_of(roots: np.ndarray, middles: np.ndarray, ends: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """[T,3]: where the middle joint is off the line from root to end; `usual` [T,3] (unit) counts where that is hardly
    off it."""
    way = ends - roots
    along = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), _TINY)
    off = middles - roots
    off = off - (off * along).sum(1, keepdims=True) * along
    return off + _LEAN * np.linalg.norm(way, axis=1, keepdims=True) * usual


def swung(turned: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Orientations [T,4] after the smallest turn that takes the direction `here` to `there` [T,3]: no twist."""
    return multiply(turns.shortest(here, there), turned)
