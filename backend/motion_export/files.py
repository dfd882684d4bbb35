"""All files of a motion in a folder: `motion.bvh`, `.usda` and `.fbx`, `analysis.json` and `.svg`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from backend.body_mesh.projection import TEXTURE_FILE
from backend.export.blender_process import Blender, require_blender
from backend.motion_analysis.report import NUMBERS_FILE, PLOT_FILE, write_report
from shared.body_arrays import BodyMesh
from shared.motion_arrays import Motion

from .bvh import METRES, notes_path, write_bvh
from .fbx import write_fbx
from .usd import write_usd_skeleton

BVH, USDA, USDC, FBX, ANALYSIS = "bvh", "usda", "usdc", "fbx", "analysis"
STEM = "motion"


def write_motion_files(
    motion: Motion,
    folder: Path,
    *,
    name: str,
    kinds: Sequence[str] = (BVH, USDA, ANALYSIS),
    body: BodyMesh | None = None,
    texture: Path | None = None,
    blender: Blender | None = None,
    check_cancelled: Callable[[], None] = lambda: None,
    metres_per_unit: float = 1.0,
    bvh_unit_m: float = METRES,
    rotation_order: str = "ZXY",
) -> tuple[Path, ...]:
    """Writes the kinds and says which files these are. name: of the person in USD and FBX. body: is bound to the
    skeleton there. texture: of the body; None takes the folder's. blender: for FBX; None looks for one.
    metres_per_unit: of the world, for the analysis. Raises `ArtifactMissing` for a motion without a pose,
    `EngineUnavailable` for FBX without a Blender, `InvalidParameter`, `ShotCorrupt` for a body of another skeleton,
    `DiskFull`, `ShotReadOnly`, and what `check_cancelled` raises."""
    written: list[Path] = []
    picture = _picture(texture or folder / TEXTURE_FILE, body)
    for kind in kinds:
        check_cancelled()
        path = folder / f"{STEM}.{kind}"
        if kind == BVH:
            write_bvh(motion, path, unit_m=bvh_unit_m, rotation_order=rotation_order)
            written += [path, notes_path(path)]
        elif kind == FBX:
            found = blender or require_blender()
            write_fbx(
                motion, path, blender=found, check_cancelled=check_cancelled, name=name, body=body, texture=picture
            )
            written.append(path)
        elif kind == ANALYSIS:
            write_report(folder, motion, metres_per_unit=metres_per_unit)
            written += [folder / NUMBERS_FILE, folder / PLOT_FILE]
        else:
            write_usd_skeleton(motion, path, name=name, body=body, texture=picture.name if picture else "")
            written.append(path)
    return tuple(written)


def _picture(texture: Path, body: BodyMesh | None) -> Path | None:
    return texture if body is not None and texture.is_file() else None
