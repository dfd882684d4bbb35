"""Labels that end where the picture's objects end.

Mean-field inference in a conditional random field whose pixels agree with those of like colour around them
(Krahenbuhl & Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", NIPS 2011), with the
guided filter as the message between pixels (He, Sun & Tang, "Guided Image Filtering", PAMI 2013; solved on a coarser
grid as in He & Sun, "Fast Guided Filter", 2015): a local linear model of the colour, so that the cost does not depend
on the reach.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Picture

Singles = NDArray[np.float32]

_EPSILON = 0.02**2
"""Colour variance (0..1 squared) below which a window counts as flat."""


class ColourGuide:
    """Filters values [h, w] along the edges of a colour picture uint8 [h, w, 3], or brings them to a larger one.

    size: (w, h) of the grid the local models are fitted on. radius: of their window, px of that grid.
    """

    def __init__(self, picture: Picture, size: tuple[int, int], radius: int) -> None:
        self._full = picture.astype(np.float32) * np.float32(1.0 / 255.0)
        self._size, self._window = size, (2 * radius + 1, 2 * radius + 1)
        self._colour = _resized(self._full, size)
        self._mean = self._box(self._colour)
        self._inverse = self._inverse_covariance()

    def __call__(self, values: Singles) -> Singles:
        """values, of any size, smoothed, at the guide's size [h, w]."""
        small = _resized(values, self._size)
        mean = self._box(small)
        together = self._box(self._colour * small[..., None]) - self._mean * mean[..., None]
        slope = np.einsum("ijhw,hwj->hwi", self._inverse, together)
        offset = mean - (slope * self._mean).sum(2)
        height, width = self._full.shape[:2]
        model = self._box(np.concatenate([slope, offset[..., None]], 2))
        model = _resized(np.ascontiguousarray(model, np.float32), (width, height))
        smooth: Singles = (model[..., :3] * self._full).sum(2) + model[..., 3]
        return smooth

    def _inverse_covariance(self) -> Singles:
        """[3, 3, h, w], by cofactors."""
        c, m = self._colour, self._mean
        a, b, d = (self._box(c[..., i] * c[..., i]) - m[..., i] ** 2 + np.float32(_EPSILON) for i in range(3))
        ab, ad, bd = (self._box(c[..., i] * c[..., j]) - m[..., i] * m[..., j] for i, j in ((0, 1), (0, 2), (1, 2)))
        adjugate = np.array([
            [b * d - bd * bd, ad * bd - ab * d, ab * bd - ad * b],
            [ad * bd - ab * d, a * d - ad * ad, ab * ad - a * bd],
            [ab * bd - ad * b, ab * ad - a * bd, a * b - ab * ab],
        ], np.float32)  # fmt: skip
        determinant = a * adjugate[0, 0] + ab * adjugate[0, 1] + ad * adjugate[0, 2]
        return np.asarray(adjugate / np.maximum(determinant, 1e-12), np.float32)

    def _box(self, values: Singles) -> Singles:
        return np.asarray(cv2.blur(values, self._window, borderType=cv2.BORDER_REFLECT), np.float32)


def settle_labels(odds: Singles, guide: ColourGuide, strength: float, rounds: int, label: Singles | None) -> Singles:
    """The label [h, w], -1..1, after `rounds` of mean field from `label` (or from the odds alone). odds: log odds
    [h, w] of each pixel alone; strength: log odds that unanimous surroundings are worth."""
    label = np.tanh(0.5 * odds) if label is None else label
    for _ in range(rounds):
        label = np.tanh(0.5 * (odds + np.float32(strength) * guide(label)))
    return label


def _resized(values: Singles, size: tuple[int, int]) -> Singles:
    height, width = values.shape[:2]
    if (width, height) == size:
        return values
    how = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, size, interpolation=how), np.float32)
