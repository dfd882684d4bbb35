"""Engine `banded`: alpha of the unknown band from evidence over time and the matting Laplacian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import FOREGROUND, UNKNOWN, Alpha, MatteClip, Trimap
from .evidence import Evidence, evidence, pooled
from .laplacian import band_system
from .motion import Layers, Motion
from .solver import solved


@dataclass(frozen=True)
class BandedSettings:
    """reach: frames before and after that are searched for what is behind the object. decided: a pixel counts as
    decided when the evidence of it and its neighbours is at least so sure. firm, soft: weights of the evidence where it
    has decided a whole neighbourhood, and elsewhere, against a weight of about 1 of the picture's own structure."""

    reach: int = 12
    decided: float = 0.9
    firm: float = 1.0
    soft: float = 0.01


class Banded:
    """The mattes of one object."""

    def __init__(self, clip: MatteClip, motion: Motion, settings: BandedSettings | None = None) -> None:
        self._clip, self._settings = clip, settings or BandedSettings()
        self._layers = Layers(motion, clip.trimap, self._settings.reach)

    def alpha(self, index: int) -> Alpha:
        """The matte of a frame; it depends on the frames within `reach` alone, whatever was asked for before."""
        trimap = self._clip.trimap(index)
        alpha = (trimap == FOREGROUND).astype(np.float32)
        unknown = trimap == UNKNOWN
        if unknown.any():
            found = evidence(self._clip, self._layers, index, self._settings.reach)
            likely = np.asarray(1.0 / (1.0 + np.exp(-pooled(found.log_odds, unknown, 1))), np.float32)
            weight = self._weight(trimap, likely, found)
            alpha[unknown] = solved(band_system(self._clip.picture(index), trimap), likely, weight, likely)
        return np.asarray(alpha, np.float32)

    def _weight(self, trimap: Trimap, likely: NDArray[np.float32], found: Evidence) -> NDArray[np.float32]:
        """Firm where a pixel and all its neighbours are decided alike: at an edge or in hair, pixels are of both
        sides, which the picture's structure tells better than their colours."""
        settings = self._settings
        sure = (2.0 * likely - 1.0) ** 2
        whole = (_alike(trimap, likely > settings.decided) & (likely > 0.5)) | (
            _alike(trimap, likely < 1.0 - settings.decided, of=0) & (likely < 0.5)
        )
        return np.asarray(np.where(whole, settings.firm, settings.soft) * sure * found.told, np.float32)


def _alike(trimap: Trimap, decided: NDArray[np.bool_], of: int = FOREGROUND) -> NDArray[np.bool_]:
    """bool [N]: whether the 3 x 3 pixels around an unknown one are all decided for that side, or known to be of it."""
    unknown = trimap == UNKNOWN
    raster = (trimap == of).astype(np.uint8)
    raster[unknown] = decided
    return np.asarray(cv2.erode(raster, np.ones((3, 3), np.uint8), borderValue=1)[unknown] > 0)


def matter(clip: MatteClip, settings: BandedSettings | None = None) -> Callable[[int], Alpha]:
    """Mattes by index, of a clip with a single object."""
    return Banded(clip, Motion(clip.picture), settings).alpha
