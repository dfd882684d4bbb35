"""What of a shot's depth is wanted, and what its files hold. No bpy here: the pump reads on a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..importers.colour import linear_colour
from ..shared.camera_files import read_camera
from ..shared.depth_meta import FUSED_CLOUD, FUSED_MESH, DepthMeta, read_depth_meta
from ..shared.errors import ArtifactMissing, ShotCorrupt
from . import frames
from .frames import DepthFrames
from .parts import DepthParts
from .ply import PlyModel, read_ply
from .staleness import is_of_an_earlier_camera
from .topology import edges_of, without_degenerate


@dataclass(frozen=True)
class Fused:
    """A fused cloud or mesh. model: points and triangles (none for a cloud). colour: float32 [N,4], linear, None
    without. edges, corner_edges: see `topology.edges_of`."""

    model: PlyModel
    colour: np.ndarray | None
    edges: np.ndarray
    corner_edges: np.ndarray


@dataclass(frozen=True)
class DepthContents:
    """frames: always there; the compositor uses them too. absent: parts that were wanted and are not in the shot.
    is_old: the camera was solved again since."""

    meta: DepthMeta
    frames: DepthFrames
    mesh: Fused | None
    cloud: Fused | None
    grid: bool
    absent: tuple[str, ...]
    is_old: bool = False


def read_depth(root: Path, parts: DepthParts) -> DepthContents:
    """Reads the depth of a shot. Raises `ArtifactMissing` before the depth stage, `ShotCorrupt` for files that do not
    belong together, `ShotReadOnly`."""
    meta = read_depth_meta(root)
    camera = read_camera(root)
    if meta.world_revision != camera.world.revision:
        raise ShotCorrupt(
            f"The depth belongs to world revision {meta.world_revision}, the camera to {camera.world.revision}.",
            "Try again in a moment, or run the depth stage again.",
        )
    if (meta.width, meta.height) != (camera.intrinsics.width, camera.intrinsics.height):
        raise ShotCorrupt(
            f"The depth has {meta.width} x {meta.height} pixels, the plate {camera.intrinsics.width} x "
            f"{camera.intrinsics.height}.",
            "Run the depth stage again.",
        )
    copies = frames.bring_up_to_date(root, meta)
    mesh = _fused(root / FUSED_MESH) if parts.mesh else None
    cloud = _fused(root / FUSED_CLOUD) if parts.cloud else None
    absent = tuple(
        name for name, wanted, found in (("mesh", parts.mesh, mesh), ("cloud", parts.cloud, cloud))
        if wanted and found is None
    )  # fmt: skip
    is_old = is_of_an_earlier_camera(root)
    return DepthContents(meta, copies, mesh, cloud, parts.grid and bool(meta.frames), absent, is_old)


def _fused(path: Path) -> Fused | None:
    """None when there is no such file."""
    try:
        found = read_ply(path)
    except ArtifactMissing:
        return None
    model = replace(found, triangles=without_degenerate(found.triangles))
    colour = linear_colour(model.rgb) if model.rgb is not None else None
    return Fused(model, colour, *edges_of(model.triangles, len(model.xyz)))
