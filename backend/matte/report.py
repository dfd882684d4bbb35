"""Facts of mattes, gathered frame by frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.matte_report import MatteFacts

from .clip import FOREGROUND, UNKNOWN, Alpha, Trimap

_SOFT = (0.02, 0.98)


class MatteWatch:
    """Sees the frames of one object in order, and remembers the last."""

    def __init__(self) -> None:
        self._frames = self._empty = self._band = self._soft = 0
        self._outline = 0.0
        self._changes: list[tuple[float, int]] = []
        self._last: tuple[int, Alpha, NDArray[np.bool_]] | None = None

    def add(self, index: int, number: int, alpha: Alpha, trimap: Trimap) -> None:
        """number: of the plate, for people; frames are neighbours when their indices are."""
        band = trimap == UNKNOWN
        self._frames += 1
        self._empty += not alpha.any()
        self._band += int(band.sum())
        self._outline += _outline(trimap)
        self._soft += int(((alpha > _SOFT[0]) & (alpha < _SOFT[1]) & band).sum())
        if self._last is not None and self._last[0] == index - 1:
            either = band | self._last[2]
            if either.any():
                self._changes.append((float(np.abs(alpha - self._last[1])[either].mean()), number))
        self._last = (index, alpha, band)

    def facts(self) -> MatteFacts:
        worst = max(self._changes, default=(0.0, None))
        mean = float(np.mean([change for change, _ in self._changes])) if self._changes else 0.0
        return MatteFacts(
            self._frames,
            self._empty,
            round(self._band / max(self._outline, 1.0), 2),
            round(self._soft / max(self._band, 1), 4),
            round(mean, 5),
            round(worst[0], 5),
            worst[1],
        )


def _outline(trimap: Trimap) -> float:
    """Length in px of the line half-way through the band."""
    middle = (trimap == FOREGROUND).astype(np.uint8)
    found, _ = cv2.findContours(middle, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return float(sum(cv2.arcLength(line, True) for line in found))
