"""Engine `banded`: alpha of the unknown band from evidence over time and the matting Laplacian.

In two rounds. The first decides what other frames show beyond doubt, which makes every frame's band narrower; the
second has more that is known, in its own frame and in those around, to find the rest with.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import BACKGROUND, FOREGROUND, UNKNOWN, Alpha, MatteClip, Recent, Trimap
from .evidence import evidence, pooled
from .laplacian import band_system
from .motion import Layers, Motion
from .solver import solved
from .steady import steadied


@dataclass(frozen=True)
class BandedSettings:
    """reach: frames before and after that are searched for what is behind the object, in each of the two rounds.
    certain: how sure the first round must be of a pixel and its neighbours to call them known, decided: the same in the
    second round to hold them firmly. firm, soft: weights of the evidence where it has decided a whole neighbourhood,
    and elsewhere, against a weight of about 1 of the picture's own structure. mask: the weight of the mask, far from
    its outline.
    Where no other frame shows what is behind, the evidence has no weight: colours nearby are a poor witness, and the
    object's movement alone fits whatever rests with it."""

    reach: int = 6
    certain: float = 0.95
    decided: float = 0.9
    firm: float = 1.0
    mask: float = 0.3
    soft: float = 0.01


@dataclass(frozen=True)
class Judged:
    """Of the N unknown pixels. likely: float32 [N], how likely it is of the object. behind: bool [N], whether other
    frames show what is behind it."""

    likely: NDArray[np.float32]
    behind: NDArray[np.bool_]


class Banded:
    """The mattes of one object. A matte depends on the frames within twice the reach (and one more) alone, not on what
    was asked for before: a run that was stopped continues as if it had not been."""

    def __init__(self, clip: MatteClip, motion: Motion, settings: BandedSettings | None = None) -> None:
        self._settings = settings or BandedSettings()
        self._clip, self._motion = clip, motion
        self._raw: Recent[Alpha] = Recent(4)
        self._layers = Layers(motion, clip.trimap, self._settings.reach)
        self._known: Recent[Trimap] = Recent(2 * self._settings.reach + 2)
        self._second = MatteClip(clip.count, clip.picture, self.narrowed)
        self._second_layers = Layers(motion, self.narrowed, self._settings.reach)

    def narrowed(self, index: int) -> Trimap:
        """The band of a frame without what other frames show beyond doubt."""
        return self._known.get(index, lambda: self._narrowed(index))

    def _narrowed(self, index: int) -> Trimap:
        trimap = self._clip.trimap(index)
        if not (trimap == UNKNOWN).any() or (trimap == UNKNOWN).all():
            return trimap
        judged = self._judged(self._clip, self._layers, index)
        certain = self._settings.certain
        found, unknown = trimap.copy(), trimap == UNKNOWN
        band = np.full(len(judged.likely), UNKNOWN, np.uint8)
        band[_alike(trimap, judged.behind & (judged.likely < 1.0 - certain), BACKGROUND)] = BACKGROUND
        band[_alike(trimap, judged.behind & (judged.likely > certain), FOREGROUND)] = FOREGROUND
        found[unknown] = band
        return found

    def alpha(self, index: int) -> Alpha:
        return steadied(self._clip, self._motion, self._alone, index)

    def _alone(self, index: int) -> Alpha:
        return self._raw.get(index, lambda: self._solved(index))

    def _solved(self, index: int) -> Alpha:
        trimap = self.narrowed(index)
        alpha = (trimap == FOREGROUND).astype(np.float32)
        unknown = trimap == UNKNOWN
        if unknown.any():
            judged = self._judged(self._second, self._second_layers, index)
            system = band_system(self._clip.picture(index), trimap)
            guess, weight = self._with_mask(index, unknown, judged.likely, self._weight(trimap, judged))
            alpha[unknown] = solved(system, guess, weight, guess)
        return np.asarray(alpha, np.float32)

    def _judged(self, clip: MatteClip, layers: Layers, index: int) -> Judged:
        found = evidence(clip, layers, index, self._settings.reach)
        odds = pooled(found.log_odds, clip.trimap(index) == UNKNOWN, 1)
        return Judged(np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float32), found.behind)

    def _with_mask(
        self, index: int, unknown: NDArray[np.bool_], guess: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The mask is a witness too, the better the farther from its outline."""
        if self._clip.depth is None:
            return guess, weight
        said = 1.0 / (1.0 + np.exp(-self._clip.depth(index)[unknown]))
        trust = self._settings.mask * (2.0 * said - 1.0) ** 2
        both = weight + trust
        return np.asarray((weight * guess + trust * said) / np.maximum(both, 1e-9), np.float32), np.asarray(
            both, np.float32
        )

    def _weight(self, trimap: Trimap, judged: Judged) -> NDArray[np.float32]:
        """Firm where a pixel and all its neighbours are decided alike: at an edge or in hair, pixels are of both
        sides, which the picture's structure tells better than their colours."""
        settings, likely = self._settings, judged.likely
        inside = _alike(trimap, likely > settings.decided, FOREGROUND)
        outside = _alike(trimap, likely < 1.0 - settings.decided, BACKGROUND)
        strength = np.where(inside | outside, settings.firm, settings.soft) * (2.0 * likely - 1.0) ** 2
        return np.asarray(strength * judged.behind, np.float32)


def _alike(trimap: Trimap, decided: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """bool [N]: whether an unknown pixel and the 8 around it are all decided for that side, or known to be of it."""
    unknown = trimap == UNKNOWN
    raster = (trimap == side).astype(np.uint8)
    raster[unknown] = decided
    return np.asarray(decided & (cv2.erode(raster, np.ones((3, 3), np.uint8), borderValue=1)[unknown] > 0))
