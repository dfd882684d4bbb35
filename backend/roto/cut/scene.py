"""What is made of a window of the picture once, whatever is asked about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .colours import Colours
from .evidence import Likeness
from .superpixels import superpixels
from .window import Window

Floats = NDArray[np.float32]

_SMOOTHNESS = 2.0
_LEAST_PRICE = 0.05
"""Of a boundary along the strongest edge, as a share of one through nothing."""
_SAME_REACH = 1.1


class Scene:
    """pieces: the superpixels. edges: for `convex.minimise`. colours: of the pixels."""

    def __init__(self, picture: NDArray[np.uint8], movement: Floats | None, window: Window) -> None:
        """picture: uint8 [H,W,3] RGB. movement: of the whole picture, see `movement_to`."""
        self.window = window
        here = None if movement is None else window.sampled(movement, picture.shape)
        self.pieces = superpixels(window.colours(picture), here)
        self.edges = _edges(self.pieces.lab)
        self.colours = Colours(self.pieces.lab)
        self._likeness: tuple[float, Likeness] | None = None

    def likeness(self, reach: float) -> Likeness:
        """For an object of side `reach`, working px. Hints that change the size a little need not make it anew."""
        if self._likeness is None:
            self._likeness = (reach, Likeness(self.pieces, reach))
        elif not 1 / _SAME_REACH < self._likeness[0] / reach < _SAME_REACH:
            self._likeness = (reach, self._likeness[1].reaching(reach))
        return self._likeness[1]


def _edges(lab: Floats) -> tuple[Floats, Floats]:
    """The price of a boundary between each pixel and its right and its lower neighbour: low where colours change."""
    right, down = np.zeros(lab.shape[:2], np.float32), np.zeros(lab.shape[:2], np.float32)
    across = np.square(lab[:, 1:] - lab[:, :-1]).sum(axis=2)
    along = np.square(lab[1:] - lab[:-1]).sum(axis=2)
    usual = 0.5 * float(across.mean() + along.mean()) + 1e-6
    right[:, :-1] = _SMOOTHNESS * (np.exp(-np.sqrt(across / usual)) + _LEAST_PRICE)
    down[:-1] = _SMOOTHNESS * (np.exp(-np.sqrt(along / usual)) + _LEAST_PRICE)
    return right, down
