"""The crops of a person that the network is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from backend.roto.people.evidence import Region

from ..job import BALANCED, LIGHTWEIGHT, PERFORMANCE


@dataclass(frozen=True)
class View:
    """How a region is changed: moved by parts of its side, scaled, turned by degrees, mirrored."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    turn: float = 0.0
    mirrored: bool = False

    def region(self, region: Region) -> Region:
        x, y, size, turn = region
        return x + self.x * size, y + self.y * size, size * self.scale, turn + math.radians(self.turn)


_CLOSE = 0.88
_ASIDE = 0.06


def _both(*views: View) -> tuple[View, ...]:
    return views + tuple(replace(view, mirrored=True) for view in views)


VIEWS: dict[str, tuple[View, ...]] = {
    LIGHTWEIGHT: _both(View()),
    BALANCED: _both(View(), View(scale=_CLOSE)),
    PERFORMANCE: _both(View(), View(scale=_CLOSE), View(x=_ASIDE), View(x=-_ASIDE), View(y=_ASIDE), View(y=-_ASIDE)),
}
"""By pose mode. Turned views are left out: the network sees upright people best, and they made it worse."""
