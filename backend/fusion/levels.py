"""Volumes of several voxel sizes, so that what is near is fine and the far background costs little.

The voxel edges are `unit` times powers of two. A pixel goes into the level that suits its footprint at its depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .cleaning import without_small_pieces
from .holes import with_small_holes_closed
from .integrate import allocate, integrate
from .settings import FusionSettings
from .shapes import Mesh, joined
from .sight import Sight
from .surface import not_covered, surface
from .volume import BYTES_PER_BLOCK, Volume, pour

_FEWEST = 0.002
"""Share of a frame's pixels below which they make no level of their own."""


_HOLE_EDGES = 24
"""Border of a hole that is closed: about four voxels across."""


class Levels:
    """unit: voxel edge of level 0, world units. settings: of the fusion. volumes: by level, 0 and its neighbours."""

    def __init__(self, unit: float, settings: FusionSettings) -> None:
        self.unit = unit
        self.volumes: dict[int, Volume] = {}
        self._settings = settings
        self._finest: int | None = None

    @property
    def finest(self) -> int | None:
        """The finest level there may be, once memory has set one."""
        return self._finest

    def add(self, sight: Sight, truncation: float, checkpoint: Callable[[], None] = lambda: None) -> None:
        """Takes a frame in. truncation: reach of its depths, in voxels of their level."""
        self._make(sight)
        if not self.volumes:
            return
        there = min(self.volumes), max(self.volumes)
        sight = replace(sight, fine=np.where(np.isfinite(sight.fine), np.clip(sight.fine, *there), np.inf))
        for level, volume in sorted(self.volumes.items()):
            reach = truncation * volume.voxel
            allocate(volume, sight, level, reach)
            integrate(volume, sight, level, reach, checkpoint)
        while self._bytes() > self._settings.memory_mb * 1e6:
            self._coarsen()

    def mesh(self, least: int, checkpoint: Callable[[], None] = lambda: None) -> Mesh:
        """The surfaces of all levels, those of the coarser ones only where there is no finer one; loose pieces are left
        out, and small holes closed. least: evidence that a voxel must have."""
        parts: list[Mesh] = []
        finer: list[Volume] = []
        for _, volume in sorted(self.volumes.items()):
            whole = surface(volume, least, checkpoint)
            kept = without_small_pieces(whole, 2 * self._settings.component_voxels**2)
            parts.append(not_covered(with_small_holes_closed(kept, _HOLE_EDGES), finer, least))
            finer.append(volume)
        return joined(parts)

    def _make(self, sight: Sight) -> None:
        """Levels that enough pixels of a frame suit."""
        fine = sight.fine[(sight.depth > 0) & np.isfinite(sight.fine)]
        if not len(fine):
            return
        lowest, highest = (int(np.floor(at + 0.5)) for at in np.quantile(fine, [_FEWEST, 1.0 - _FEWEST]))
        for level in range(lowest, highest + 1):
            if level not in self.volumes and (self._finest is None or level >= self._finest):
                self.volumes[level] = Volume(self.unit * 2.0**level)

    def _bytes(self) -> int:
        return sum(volume.count for volume in self.volumes.values()) * BYTES_PER_BLOCK

    def _coarsen(self) -> None:
        """Gives what the finest level holds to the next, which from now on is the finest."""
        level = min(self.volumes)
        fine = self.volumes.pop(level)
        coarse = self.volumes.setdefault(level + 1, Volume(self.unit * 2.0 ** (level + 1)))
        pour(fine, coarse)
        self._finest = level + 1
