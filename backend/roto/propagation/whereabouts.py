"""Where an object is, how large and how fast: enough to know where it should come out from behind something."""

from __future__ import annotations

import numpy as np

from .movement import Floats

_WHOLE = 0.45
"""Share of its area that has to be seen of an object for its centre to say how it moves."""
_STEADY = 0.8
_GAIN = 0.25
_SHRINKS, _GROWS = 0.96, 1.25
"""The most that the area follows what is seen of it in a frame: things hide faster than they turn or walk away."""


class Whereabouts:
    """x, y: px of the working picture, where the centre is by now. area: px. away: frames since it was seen whole."""

    def __init__(self, soft: Floats) -> None:
        """soft: float32 [h, w], not empty."""
        self.area = max(float(soft.sum()), 12.0)
        self.x, self.y = centre(soft) or (0.0, 0.0)
        self.away = 0
        self._speed = np.zeros(2)

    @property
    def size(self) -> float:
        """px, the root of the area."""
        return float(np.sqrt(self.area))

    @property
    def speed(self) -> Floats:
        """px a frame against the background, x and y, float32 [2]."""
        return self._speed.astype(np.float32)

    @property
    def reach(self) -> float:
        """px around the centre in which it has to be looked for: more, the longer it was not seen whole."""
        return self.size * (1.2 + 0.1 * self.away)

    def drift(self, background: Floats) -> None:
        """To the next frame: by its own speed, and by the background's movement, float32 [h, w, 2] back in time."""
        h, w = background.shape[:2]
        row, column = int(np.clip(self.y, 0, h - 1)), int(np.clip(self.x, 0, w - 1))
        self.x += float(self._speed[0] - background[row, column, 0])
        self.y += float(self._speed[1] - background[row, column, 1])

    def saw(self, soft: Floats) -> None:
        """soft: float32 [h, w], what is seen of it now."""
        area = float((soft > 0.5).sum())
        found = centre(soft)
        if found is None or area < _WHOLE * self.area:
            self.away += 1
            return
        if not self.away and area >= _STEADY * self.area:  # else it would be the jump from where it was expected
            self._speed += _GAIN * (np.array(found) - (self.x, self.y))
        self.x, self.y = found
        self.away = 0
        self.area *= min(_GROWS, max(_SHRINKS, area / self.area))

    def corrected(self, before: Floats, soft: Floats, *, turned: bool) -> None:
        """The mask of this frame, float32 [h, w], is `soft` and not `before`. turned: time runs the other way now."""
        if turned:
            self._speed = -self._speed
        was, now = before > 0.5, soft > 0.5
        common = float((was & now).sum())
        found = centre(soft)
        if found is None:
            return
        if not was.any():
            self.x, self.y = found
        elif not self.away and common > 0.5 * float((was | now).sum()):
            self.area *= float(now.sum()) / float(was.sum())
            self.x, self.y = found

    def is_whole(self, soft: Floats) -> bool:
        """Whether as much is seen of it as should be. soft: float32 [h, w]."""
        return float((soft > 0.5).sum()) >= _STEADY * self.area

    def leaves(self, shape: tuple[int, int]) -> bool:
        """Whether it is at the picture's rim, or beyond."""
        reach = 0.5 * self.size + float(np.abs(self._speed).max()) + 2.0
        h, w = shape
        return not (reach <= self.x < w - reach and reach <= self.y < h - reach)


def centre(soft: Floats) -> tuple[float, float] | None:
    """The mask's centre x, y; None without a mask."""
    y, x = np.nonzero(soft > 0.5)
    return (float(x.mean()), float(y.mean())) if len(x) else None
