"""From a stream of depth maps to a cloud and a mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from shared.errors import ArtifactMissing

from .cleaning import without_outliers
from .levels import Levels
from .noise import NoiseMeter
from .settings import FusionSettings
from .shapes import Cloud, FusionFrame, Mask, Mesh, joined
from .sight import evidence_for, fused_pixels, sight_of
from .simplify import simplified

_SPREADS = 3.0
"""Standard deviations of depth that the truncation covers."""


@dataclass(frozen=True)
class Fused:
    """cloud: the vertices of the whole surface, None unless asked for. mesh: simplified, None unless asked for.
    frames: that had depth. voxels: edges of the voxels used, world units, fine to coarse. noise: standard deviation of
    a depth relative to it, as the frames disagree. full_faces: of the mesh before it was simplified. notices: what a
    user should know."""

    cloud: Cloud | None
    mesh: Mesh | None
    frames: int
    voxels: tuple[float, ...]
    noise: float
    full_faces: int
    notices: tuple[str, ...] = ()


class Fusion:
    """Takes frames one by one, in any order; memory goes with the surface seen, up to `settings.memory_mb`."""

    def __init__(self, settings: FusionSettings) -> None:
        self._settings = settings
        self._levels: Levels | None = None
        self._noise = NoiseMeter()
        self._frames = 0

    def add(self, frame: FusionFrame, checkpoint: Callable[[], None] = lambda: None) -> None:
        """Fuses a frame. One that has no depth to fuse changes nothing. A fusion whose `checkpoint` raised is void."""
        used = fused_pixels(frame, self._settings)
        if not used.any():
            return
        if self._levels is None:
            self._levels = Levels(_voxel_of(frame, used, self._settings), self._settings)
        self._noise.add(frame, used)
        self._levels.add(sight_of(frame, self._levels.unit, self._settings), self._truncation(frame), checkpoint)
        self._frames += 1

    def result(self, checkpoint: Callable[[], None] = lambda: None) -> Fused:
        """The cloud and the mesh of the frames so far. Raises `ArtifactMissing` when no surface was seen often
        enough."""
        whole = joined([])
        if self._levels is not None:
            whole = self._levels.mesh(evidence_for(self._settings.doubt), checkpoint)
        if not len(whole.faces) or self._levels is None:
            raise ArtifactMissing(
                f"{self._frames} frames with measured depth show no surface that is sure enough.",
                "Run the depth stage over a longer range of frames, or with another engine.",
            )
        checkpoint()
        mesh = simplified(whole, self._settings.mesh_faces) if self._settings.mesh else None
        checkpoint()
        cloud = without_outliers(whole.vertices) if self._settings.cloud else None
        voxels = tuple(volume.voxel for _, volume in sorted(self._levels.volumes.items()))
        return Fused(cloud, mesh, self._frames, voxels, self._noise.relative, len(whole.faces), self._notices(voxels))

    def _truncation(self, frame: FusionFrame) -> float:
        """In voxels: a voxel is `voxel_px` px wide, the noise `relative` of the depth."""
        least, most = self._settings.truncation
        focal = float(np.sqrt(frame.pose.K[0, 0] * frame.pose.K[1, 1]))
        spread = self._noise.relative * focal / self._settings.voxel_px
        return float(np.clip(_SPREADS * spread, least, most))

    def _notices(self, voxels: tuple[float, ...]) -> tuple[str, ...]:
        if self._levels is None or self._levels.finest is None:
            return ()
        return (
            f"The surface did not fit into {self._settings.memory_mb} MB: nothing finer than {voxels[0]:.3g} world "
            "units was kept.",
        )


def fuse(
    frames: Iterable[FusionFrame], settings: FusionSettings, checkpoint: Callable[[], None] = lambda: None
) -> Fused:
    """All frames of a clip, read once, one at a time. Raises `ArtifactMissing` when no surface
    was seen often enough."""
    fusion = Fusion(settings)
    for frame in frames:
        fusion.add(frame, checkpoint)
    return fusion.result(checkpoint)


def _voxel_of(frame: FusionFrame, used: Mask, settings: FusionSettings) -> float:
    """The voxel edge that suits the median depth of a frame."""
    focal = float(np.sqrt(frame.pose.K[0, 0] * frame.pose.K[1, 1]))
    return settings.voxel_px * float(np.median(frame.depth[used])) / focal
