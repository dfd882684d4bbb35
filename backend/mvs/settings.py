"""What the engine can be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Checkpoint = Callable[[], None]
"""Called between pieces of work of a second or so; raises when the work is no longer wanted."""


@dataclass(frozen=True)
class MvsSettings:
    """sources: most source views per frame. reach: frames on either side that may be sources. parallax_deg: angles
    under which the median point should be seen from a pair, degrees; near ones stand occlusion and change of view, far
    ones are precise. most_planes: of the sweep. sweep_radius, refine_radius: half the window in px of the half and of
    the full resolution. passes: of the refinement. consistent: largest relative difference of two maps' depths that
    confirm each other. confirmed_by: neighbours that must agree. confirm_deg: angles to the neighbours that are asked,
    on either side; confirm_reach: how many frames away they may be."""

    sources: int = 8
    reach: int = 48
    parallax_deg: tuple[float, ...] = (1.5, 4.0, 10.0)
    most_planes: int = 128
    sweep_radius: int = 2
    refine_radius: int = 3
    passes: int = 1
    consistent: float = 0.01
    confirmed_by: int = 2
    confirm_deg: tuple[float, ...] = (1.0, 2.5, 6.0)
    confirm_reach: int = 10
