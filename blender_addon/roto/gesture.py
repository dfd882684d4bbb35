"""A click, a drag or a stroke, from press to release. No bpy here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

POINT, BOX, STROKE = "POINT", "BOX", "STROKE"
_CLICK_PX = 4.0
"""A hand that moves less than this many pixels of the screen has clicked."""


@dataclass
class Gesture:
    """tool: POINT (a drag makes a box of it) or STROKE. include: on the object, or off it. screen: where it began, px
    of the region. path: places of the plate, px. radius: of a stroke, px of the plate."""

    tool: str
    include: bool
    screen: tuple[float, float]
    path: list[tuple[float, float]] = field(default_factory=list)
    radius: float = 8.0
    is_drag: bool = False

    def move(self, screen: tuple[float, float], place: tuple[float, float]) -> None:
        self.is_drag = self.is_drag or math.dist(screen, self.screen) > _CLICK_PX * (0.5 if self.tool == STROKE else 1)
        if self.kind == STROKE:
            self.path.append(place)
        else:
            self.path[1:] = [place]

    @property
    def kind(self) -> str:
        """What it is so far. To exclude by a box means nothing: such a drag paints."""
        if self.tool == STROKE or (self.is_drag and not self.include):
            return STROKE
        return BOX if self.is_drag else POINT
