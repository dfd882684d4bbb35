"""Finished files take their places in the shot, and what an earlier run left beside them goes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from backend.pipeline.atomic import disk_errors, remove_partials, swap_folder
from backend.pipeline.context import StageContext
from shared.artifacts import Artifact
from shared.depth_meta import (
    CONFIDENCE,
    DEPTH,
    FRAME_MESHES,
    FUSED_CLOUD,
    FUSED_MESH,
    META,
    NORMALS,
    PREVIEW,
    VIDEO,
)
from shared.shot import ShotFolder

from .passes import FrameFiles

_FOLDERS = {"depth": DEPTH, "depth-confidence": CONFIDENCE, "depth-normals": NORMALS, "depth-preview": PREVIEW}
_BUILT = {"cloud-dense": FUSED_CLOUD, "mesh": FUSED_MESH, "frame-meshes": FRAME_MESHES}


@dataclass(frozen=True)
class Workshop:
    """Where everything is made, in the stage's checkpoint folder: what is there after a stop is whole."""

    folder: Path

    @property
    def maps(self) -> FrameFiles:
        """Becomes `depth/`."""
        return FrameFiles(self.folder / "depth")

    @property
    def meshes(self) -> Path:
        return self.folder / "frame-meshes"

    @property
    def cloud(self) -> Path:
        return self.folder / "cloud-dense.ply"

    @property
    def mesh(self) -> Path:
        return self.folder / "mesh.ply"

    def built(self) -> dict[str, Path]:
        """What was built from the maps, by kind of artifact, each there or not."""
        return {"cloud-dense": self.cloud, "mesh": self.mesh, "frame-meshes": self.meshes}


def open_workshop(context: StageContext) -> Workshop:
    """Raises `DiskFull`, `ShotReadOnly`."""
    shop = Workshop(context.checkpoint_dir / "out")
    maps = shop.maps.folder
    with disk_errors(shop.folder):
        for place in (shop.folder, maps, *(maps / name for name in ("confidence", "normals", "preview"))):
            place.mkdir(parents=True, exist_ok=True)
            remove_partials(place)
    return shop


def publish(shop: Workshop, context: StageContext, frames: tuple[int, int], *, with_maps: bool) -> tuple[Artifact, ...]:
    """The shot's files as they are then. with_maps: `depth/` is replaced too, else it stays, but for the frames'
    meshes. Raises `JobCancelled` before anything has changed, `DiskFull`, `ShotReadOnly`."""
    root = context.shot.root
    context.check_cancelled()
    context.begin_changes()
    with disk_errors(root / DEPTH):
        if with_maps:
            swap_folder(shop.maps.folder, root / DEPTH)
        for kind, made in shop.built().items():
            _put(made, root / _BUILT[kind])
    return artifacts(context, frames)


def _put(made: Path, final: Path) -> None:
    """In the place of what is there; what was not made this time is of another depth, and goes."""
    if made.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        swap_folder(made, final)
    elif made.is_file():
        final.parent.mkdir(parents=True, exist_ok=True)
        made.replace(final)
    elif final.is_dir():
        shutil.rmtree(final)
    else:
        final.unlink(missing_ok=True)


def artifacts(context: StageContext, frames: tuple[int, int]) -> tuple[Artifact, ...]:
    shot: ShotFolder = context.shot
    listed: list[tuple[str, str, tuple[int, int] | None]]
    listed = [(kind, path, frames) for kind, path in _FOLDERS.items() if any((shot.root / path).glob("frame_*"))]
    listed += [(kind, path, None) for kind, path in {"depth-meta": META, "depth-video": VIDEO}.items()]
    listed += [
        (kind, path, frames if (shot.root / path).is_dir() else None)
        for kind, path in _BUILT.items()
        if (shot.root / path).exists()
    ]
    return tuple(context.artifact(kind, shot.root / path, span) for kind, path, span in listed)
