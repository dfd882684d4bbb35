"""One frame's depth, as every part of the depth stage hands it to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN = 0.0
"""Depth and confidence where nothing is known."""

SKY = 1e10
"""Depth of what is infinitely far: a mark, not a length."""

MEASURED = 0.5
"""Confidence from which a pixel counts as measured; known ones below it are filled or estimated."""

Depth = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FrameDepth:
    """number: of the plate. depth float32 [H, W]: planar z along the camera's axis, world units, `UNKNOWN` or `SKY`
    where it has no length. confidence float32 [H, W]: 0 unknown, below 0.5 filled or estimated, from 0.5 measured.
    sources: plate numbers of the frames that it was matched with, if it was."""

    number: int
    depth: Depth
    confidence: Depth
    sources: tuple[int, ...] = ()

    @property
    def known(self) -> Mask:
        """bool [H, W]: where there is a length."""
        return np.asarray((self.depth > UNKNOWN) & (self.depth < SKY))

    @property
    def measured(self) -> Mask:
        """bool [H, W]: where it was measured."""
        return np.asarray(self.known & (self.confidence >= MEASURED))
