"""The crops of a person that the network is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

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


VIEWS: dict[str, tuple[View, ...]] = {
    LIGHTWEIGHT: (View(),),
    BALANCED: (View(), View(mirrored=True), View(turn=8, scale=1.06), View(turn=-8, scale=0.94, mirrored=True)),
    PERFORMANCE: tuple(
        View(turn=turn, scale=scale, mirrored=mirrored)
        for mirrored in (False, True)
        for turn, scale in ((0, 1), (8, 1.06), (-8, 0.94), (16, 1.0), (-16, 1.0), (0, 1.12))
    ),
}
"""By pose mode."""
