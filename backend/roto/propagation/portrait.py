"""An object that was out of sight is recognised by how its colours are arranged."""

from __future__ import annotations

import numpy as np

from .colour import ColourAnswer, ColourSpace, Place
from .movement import Floats
from .windows import Window, Working

_POINTS = 500
_LEAST_SEEN = 0.35
"""Share of the outline that must not be behind other objects."""
_STEPS = 6
_LEAST_ODDS, _LEAST_CONTRAST = 0.0, 1.0


class Portrait:
    """The outline of the object when it was last seen whole, as points relative to its centre: in it, and around it."""

    def __init__(self, soft: Floats, x: float, y: float, size: float) -> None:
        """soft: float32 [h, w]. x, y: its centre. size: px, the root of its area."""
        self.soft, self.x, self.y = soft, x, y
        window = Window.around(soft, 0.3 * size, 0.5)
        assert window is not None
        hard = soft[window.cut] > 0.5
        self._inside = self._some(np.argwhere(hard), window)
        self._outside = self._some(np.argwhere(~hard), window)

    def _some(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]], window: Window) -> Floats:
        """[N, 2] x, y relative to the centre, evenly chosen."""
        picked = rows[:: max(1, len(rows) // _POINTS)]
        return np.stack([picked[:, 1] + window.x0 - self.x, picked[:, 0] + window.y0 - self.y], 1)

    def moved(self, x: float, y: float) -> Floats:
        """The outline with its centre at x, y: float32 [h, w]."""
        h, w = self.soft.shape
        dx, dy = round(x - self.x), round(y - self.y)
        out = np.zeros((h, w), np.float32)
        x0, x1, y0, y1 = max(0, dx), min(w, w + dx), max(0, dy), min(h, h + dy)
        if x0 < x1 and y0 < y1:
            out[y0:y1, x0:x1] = self.soft[y0 - dy : y1 - dy, x0 - dx : x1 - dx]
        return out

    def find(
        self,
        picture: Working,
        answer: ColourAnswer,
        space: ColourSpace,
        against: Floats,
        place: Place,
        reach: float,
        size: float,
    ) -> tuple[float, float] | None:
        """Centre x, y of the best likeness within `reach` px of `place`; None when nothing is like it.

        against: log odds float32 [h, w] that speak against (or for) any object of this kind at a pixel; other objects'
        pixels are -inf and are taken for what is in front of it.
        """
        step = max(1.0, size / _STEPS)
        ticks = np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1) * step
        centres = np.stack(np.meshgrid(place.x + ticks, place.y + ticks), -1).reshape(-1, 2)
        bins = space.bins(picture.lab)
        inside, seen = self._mean_odds(centres, self._inside, bins, answer, against, place)
        outside, _ = self._mean_odds(centres, self._outside, bins, answer, against, place)
        good = (seen >= _LEAST_SEEN) & (inside >= _LEAST_ODDS) & (inside - outside >= _LEAST_CONTRAST)
        if not good.any():
            return None
        best = int(np.where(good, (inside - outside) * np.sqrt(seen), -np.inf).argmax())
        return float(centres[best, 0]), float(centres[best, 1])

    def _mean_odds(
        self,
        centres: Floats,
        points: Floats,
        bins: Floats,
        answer: ColourAnswer,
        against: Floats,
        place: Place,
    ) -> tuple[Floats, Floats]:
        """Mean odds of the points around each centre [C], and the share of them that is in sight [C]."""
        h, w = against.shape
        x = np.rint(centres[:, None, 0] + points[None, :, 0]).astype(np.intp)
        y = np.rint(centres[:, None, 1] + points[None, :, 1]).astype(np.intp)
        within = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        x, y = np.clip(x, 0, w - 1), np.clip(y, 0, h - 1)
        gx, gy = place.coordinates(points[:, 0] + place.x, points[:, 1] + place.y)
        p = np.clip(answer.nearest(bins[y, x], gx[None], gy[None]), 0.02, 0.98)
        odds = np.log(p / (1 - p)) + against[y, x]
        sight = within & np.isfinite(odds)
        count = np.maximum(sight.sum(1), 1)
        return np.where(sight, odds, 0).sum(1) / count, sight.mean(1)
