"""What hints say about every piece of the picture, as log odds: positive where the object is likely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .superpixels import Doubles, Superpixels

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

_ALIKE = 9.0
"""Distance of features at which two pieces are still alike."""
_NEAR = 0.35
"""Distance at which two places still know of each other, in sides of the object's box."""
_LEAST_MASS = 1e-3
_UNSEEN_NEAR, _UNSEEN = 0.003, 0.001
"""Density of looks that never occurred, near by and anywhere."""


class Likeness:
    """Which pieces look alike, and which of them are near each other."""

    def __init__(self, pieces: Superpixels, reach: float, alike: Floats | None = None) -> None:
        """reach: side of the object's box, working px."""
        self._pieces = pieces
        self._count = pieces.count.astype(np.float32)
        self._alike = _closeness(pieces.features, _ALIKE) if alike is None else alike
        self._near = _closeness(pieces.place, _NEAR * reach)
        self._both = self._alike * self._near
        self._alike_all, self._near_all, self._both_all = (
            kernel @ self._count for kernel in (self._alike, self._near, self._both)
        )

    def reaching(self, reach: float) -> Likeness:
        """The same pieces for an object of another size."""
        return Likeness(self._pieces, reach, self._alike)

    def near(self, weights: Doubles) -> Doubles:
        """Share [N] of what lies near each piece, as far as `weights` (0..1) take part, that looks like it."""
        mass = (weights * self._count).astype(np.float32)
        return np.asarray(self._both @ mass / (self._near @ mass + _LEAST_MASS), np.float64)

    def log_odds(self, object_weights: Doubles) -> Doubles:
        """log of how much more a piece looks like the object than like the rest [N], near by and anywhere."""
        mass = (object_weights * self._count).astype(np.float32)
        near, both, alike = self._near @ mass, self._both @ mass, self._alike @ mass
        inside = both / (near + _LEAST_MASS) + _UNSEEN_NEAR
        outside = (self._both_all - both) / (self._near_all - near + _LEAST_MASS) + _UNSEEN_NEAR
        total, rest = float(mass.sum()), float(self._count.sum() - mass.sum())
        wide_inside = alike / (total + _LEAST_MASS) + _UNSEEN
        wide_outside = (self._alike_all - alike) / (rest + _LEAST_MASS) + _UNSEEN
        ratios = np.log(np.maximum(inside, _UNSEEN_NEAR) / np.maximum(outside, _UNSEEN_NEAR))
        wide = np.log(np.maximum(wide_inside, _UNSEEN) / np.maximum(wide_outside, _UNSEEN))
        return np.asarray(0.5 * ratios + 0.5 * wide, np.float64)


@dataclass(frozen=True, eq=False)
class Known:
    """Pieces that certainly belong to the object, and that certainly do not, bool [N]."""

    inside: Flags
    outside: Flags


def in_box(pieces: Superpixels, likeness: Likeness, known: Known, prior: Doubles) -> Doubles:
    """Log odds [N] when all that is known is a tight box.

    The pieces in it are a mixture of object and surroundings, of which the outside is a sample: what is common in the
    box but rare around it is the object (learning from positive and unlabelled examples: Elkan & Noto 2008). What a
    smooth way joins to the outside belongs to it (geodesic saliency: Wei et al., ECCV 2012). prior: [N] 0..1.
    """
    unknown = ~known.outside
    common = likeness.near(unknown.astype(np.float64))
    around = likeness.near(known.outside.astype(np.float64))
    rarity = np.clip(np.log((common + 1e-9) / (around + 1e-9)), -3, 3)
    distance = pieces.distances(known.outside)
    usual = np.average(distance[unknown], weights=pieces.count[unknown])
    shut_off = np.log((distance + 1) / (usual + 1))
    return np.asarray(rarity + shut_off + np.log(prior / (1 - prior)))


def _closeness(values: Doubles, width: float) -> Floats:
    """exp(-d^2 / 2 width^2) between all rows, float32 [N,N]."""
    scaled = ((values - values.mean(axis=0)) / width).astype(np.float32)
    lengths = 0.5 * np.square(scaled).sum(axis=1)
    exponents = scaled @ scaled.T
    exponents -= lengths[:, None]
    exponents -= lengths[None]
    return np.asarray(np.exp(np.minimum(exponents, 0, out=exponents), out=exponents), np.float32)
