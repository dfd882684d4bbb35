"""`depth/meta.json`: what the depth maps of a shot are, and the names of the files beside it.

Lengths are in world units: they change with the shot's world, and `world_revision` says of which they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .shot import ShotFolder, read_document

DEPTH_VERSION = 1
DEPTH = "depth"
META = "depth/meta.json"
CONFIDENCE = "depth/confidence"
NORMALS = "depth/normals"
PREVIEW = "depth/preview"
VIDEO = "depth/depth.mp4"
FRAME_MESHES = "depth/meshes"
FUSED_CLOUD = "colmap/dense/fused.ply"
FUSED_MESH = "colmap/meshed/mesh.ply"


@dataclass(frozen=True)
class MissingDepth:
    """Frames without a depth map, plate numbers, both included. cause: a sentence without a full stop."""

    first: int
    last: int
    cause: str


@dataclass(frozen=True)
class DepthMeta:
    """engine: that made the maps. units: "metres" or "arbitrary", the world's. near, far: lengths that hold all but
    the outermost half per cent of the known pixels of the clip; the preview spans them. width, height: px, the plate's.
    frames: plate numbers that have a map.

    focal_source: whose focal length the maps belong to: "learned" for maps of a network that did not know the solved
    camera, "solved" otherwise. focal_px: that network's guess, px of the plate's width. scale: "solve" for maps in
    the solved camera's scale; "metric" or "shared" for independent maps of one scale, "frame" where every map has its
    own, "affine" where inverse depth is right but for one scale and shift. world_revision: of
    camera/world.json. measured: share 0..1 of the clip's pixels that were measured; known: that have a length.
    missing: frames without a map. metric_scale: what a metric network says would make the world metres, times which;
    metric_scale_spread: relative standard deviation of the points that say so."""

    version: int
    engine: str
    units: str
    near: float
    far: float
    width: int
    height: int
    frames: tuple[int, ...]
    focal_source: str = "solved"
    focal_px: float | None = None
    scale: str = "solve"
    world_revision: int = 0
    model: str = ""
    measured: float | None = None
    known: float | None = None
    missing: tuple[MissingDepth, ...] = ()
    metric_scale: float | None = None
    metric_scale_spread: float | None = None


def read_depth_meta(root: Path) -> DepthMeta:
    """The document of a shot. Raises `ArtifactMissing` before the depth stage, `ShotCorrupt`."""
    return read_document(ShotFolder(root).root / META, DepthMeta)
