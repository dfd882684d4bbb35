"""What of a shot's depth is wanted in the scene."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DepthParts:
    """What is brought into the scene. mesh, cloud: the fused ones. grid: the depth of every frame, as a surface before
    the camera. sequence: its image sequence alone, for the compositor. is_update: it is there already; depth that
    cannot be read is then told and not raised."""

    mesh: bool = False
    cloud: bool = False
    grid: bool = False
    sequence: bool = False
    is_update: bool = False

    def __bool__(self) -> bool:
        return self.mesh or self.cloud or self.grid or self.sequence
