"""How the picture moves from one frame to the next, there and back.

Dense inverse search (Kroeger et al., ECCV 2016) both ways; a pixel whose way there and back does not close (Sundaram et
al., ECCV 2010) was covered or uncovered, or is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""float32. OpenCV's annotations say integer or floating of whatever goes in, hence Any."""
Gray = NDArray[np.uint8]


@dataclass(frozen=True)
class Movement:
    """Between the previous frame and the current one, of one size [h, w].

    back: float32 [h, w, 2], where a pixel of the current frame was in the previous, minus where it is, px (x, y).
    forth: the same from the previous to the current. trust: float32 [h, w] of the current frame's pixels, 1 where the
    way back and forth closes, towards 0 where it does not. kept: the same of the previous frame's pixels; 0 where they
    are covered now or left the picture.
    """

    back: Floats
    forth: Floats
    trust: Floats
    kept: Floats


class FlowMeter:
    """Measures movements. Not for two threads at once."""

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(self, before: Gray, after: Gray) -> Movement:
        """before, after: uint8 [h, w]."""
        back: Floats = self._flow.calc(after, before, None)
        forth: Floats = self._flow.calc(before, after, None)
        return Movement(back, forth, _closure(back, forth), _closure(forth, back))


def pixel_grid(height: int, width: int, x0: int = 0, y0: int = 0) -> tuple[Floats, Floats]:
    """x and y of the pixels, float32 [height, width] each, in OpenCV's sense (centres at integers)."""
    x, y = np.meshgrid(np.arange(x0, x0 + width, dtype=np.float32), np.arange(y0, y0 + height, dtype=np.float32))
    return x, y


def fetch(values: Floats, flow: Floats, outside: float = 0.0) -> Floats:
    """Values of the other frame at where the flow leads, bilinear: float32 [h, w, ...]; `outside` beyond the rim."""
    x, y = pixel_grid(*flow.shape[:2])
    fetched: Floats = cv2.remap(
        values,
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )
    return fetched


def squared_length(vectors: Floats) -> Floats:
    """Sums of squares along the last of three axes. One channel after the other: `einsum` takes four times as long."""
    squared: Floats = np.square(vectors[..., 0])
    for channel in range(1, vectors.shape[2]):
        squared += np.square(vectors[..., channel])
    return squared


def _closure(there: Floats, back: Floats) -> Floats:
    """Trust in `there`: how well `back`, taken from where it leads, returns. 0 where it leads out of the picture."""
    x, y = pixel_grid(*there.shape[:2])
    returned = cv2.remap(
        back, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1e4
    )
    gap = squared_length(there + returned)
    allowed = 0.5 + 0.01 * (squared_length(there) + squared_length(returned))
    trust: Floats = np.exp(-gap / (2.0 * allowed)).astype(np.float32)
    trust[gap > 1e6] = 0.0
    return trust
