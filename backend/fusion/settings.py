"""What fusion can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FusionSettings:
    """voxel_px: edge of a voxel in px at the surface it holds. least_confidence: of pixels that are fused; 0.5
    leaves filled and estimated ones out. doubt: a surface is kept where the chance that all its frames are wrong,
    going by their confidences, is no higher. truncation: reach of a depth to both sides of its surface, in voxels:
    (least, most), between them by the depths' noise. farthest: depth (world units) beyond which nothing is fused;
    None for no limit but the sky. memory_mb: voxels held at most; beyond it the finest become coarser.
    component_voxels: pieces of surface with fewer faces than cover a square of this side are noise. mesh_faces: of
    the simplified mesh; 0 keeps all. cloud: also the points of the unsimplified surface."""

    voxel_px: float = 2.0
    least_confidence: float = 0.5
    doubt: float = 0.2
    truncation: tuple[float, float] = (3.0, 6.0)
    farthest: float | None = None
    memory_mb: int = 2000
    component_voxels: int = 8
    mesh_faces: int = 200_000
    mesh: bool = True
    cloud: bool = True
