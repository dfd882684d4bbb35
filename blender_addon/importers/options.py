"""What of a shot is imported."""

from __future__ import annotations

from dataclasses import dataclass

from ..depth.parts import DepthParts

DEFAULT_TRACKS = 200
"""More make Blender's clip editor slow and hide each other."""


@dataclass(frozen=True)
class ImportOptions:
    """What of a shot is imported. set_scene: frame rate, range, resolution and active camera. track_limit: how many
    of the solve's tracks become tracks of the plate's clip, 0 for all, None for none."""

    set_scene: bool = True
    plate: bool = True
    cloud: bool = True
    track_limit: int | None = DEFAULT_TRACKS
    depth: DepthParts | None = None
