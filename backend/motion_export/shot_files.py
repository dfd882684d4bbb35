"""Files for other programs beside `mocap/<label>/motion.npz` in a shot, written anew when the motion has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import replace
from pathlib import Path

from backend.body_mesh.projection import TEXTURE_FILE
from backend.body_mesh.sequence import SEQUENCE_FOLDER, USD_FILE, Sequence, write_usd
from backend.export.blender_process import Blender
from backend.motion_analysis.report import NUMBERS_FILE
from backend.pipeline import manifest
from backend.pipeline.journal import Change, change_files
from backend.pipeline.shot_lock import shot_lock
from shared.body_arrays import BODY_FILE, BodyMesh, read_body
from shared.documents import read_plain
from shared.errors import ShotCorrupt
from shared.motion_arrays import Motion, read_motion
from shared.shot import ShotFolder, document_text

from .bvh import METRES
from .files import ANALYSIS, BVH, FBX, STEM, USDA, USDC, write_motion_files
from .skin import rest_vertices

LOG = logging.getLogger("backlot.world")

QUICK = (BVH, USDA, USDC, ANALYSIS)
"""Kinds that need no Blender."""

_STAGE = "mocap"


def kinds_there(folder: Path) -> tuple[str, ...]:
    """Kinds of files that a person's folder has, FBX among them."""
    names = {kind: f"{STEM}.{kind}" for kind in (*QUICK, FBX)} | {ANALYSIS: NUMBERS_FILE}
    return tuple(kind for kind, name in names.items() if (folder / name).is_file())


def shot_of(path: Path) -> ShotFolder | None:
    """Whose `mocap/<label>/motion.npz` that is; None for a file that lies elsewhere."""
    root = path.parent.parent.parent
    return ShotFolder(root) if path.parent.parent == root / "mocap" and (root / "shot.json").is_file() else None


def body_beside(path: Path) -> BodyMesh | None:
    """The body of a motion.npz's person. Raises `ShotCorrupt`."""
    beside = path.with_name(BODY_FILE)
    return read_body(beside) if beside.is_file() else None


def analysed_metres(folder: Path) -> float:
    """Metres in a unit of the world, as the analysis there took it; 1 without one."""
    said = read_plain(folder / NUMBERS_FILE, "Remove it, or run motion capture of this shot again.")
    metres = said.get("metres_per_unit") if isinstance(said, dict) else None
    return float(metres) if isinstance(metres, int | float) and metres > 0 else 1.0


def stage_files(
    motion: Motion,
    folder: Path,
    kinds: Many[str],
    change: Change,
    *,
    metres_per_unit: float,
    name: str = "",
    body: BodyMesh | None = None,
    blender: Blender | None = None,
    check_cancelled: Callable[[], None] = lambda: None,
    bvh_unit_m: float = METRES,
    rotation_order: str = "ZXY",
) -> tuple[Path, ...]:
    """Writes the kinds as part of a change of the shot; they lie in the person's `folder` when it is done. Raises as
    `write_motion_files`."""
    written = write_motion_files(
        motion, change.scratch() / folder.name, name=name or folder.name, kinds=kinds, body=body,
        texture=folder / TEXTURE_FILE, blender=blender,
        check_cancelled=check_cancelled, metres_per_unit=metres_per_unit, bvh_unit_m=bvh_unit_m,
        rotation_order=rotation_order,
    )  # fmt: skip
    for path in written:
        path.replace(change.stage(folder / path.name))
    return tuple(folder / path.name for path in written)


def renew(moved: Path, folder: Path, scale: float, change: Change) -> None:
    """After the world moved: the quick kinds that the person's folder has, and the mesh sequence as USD. moved: the
    motion in the new world, not yet in its place. scale: of the new world over the old. A motion of another program's
    making, that says less than ours, has no files of ours beside it."""
    kinds = [kind for kind in kinds_there(folder) if kind in QUICK]
    sequence = folder / SEQUENCE_FOLDER / USD_FILE
    if not kinds and not sequence.is_file():
        return
    try:
        motion = read_motion(moved)
        body = body_beside(folder / moved.name)
        if body is not None:
            rest_vertices(body, motion)
        metres = analysed_metres(folder) / scale
    except ShotCorrupt as bad:  # no reason to refuse the world; what is damaged was damaged before
        LOG.warning("The files for other programs in %s stay as they were: %s", folder, bad.message)
        return
    if not motion.known.any():
        return
    stage_files(motion, folder, kinds, change, metres_per_unit=metres, body=body)
    if sequence.is_file() and body is not None:
        texture = f"../{TEXTURE_FILE}" if (folder / TEXTURE_FILE).is_file() else ""
        write_usd(change.stage(sequence), Sequence(folder.name, body, motion, texture))


def write_into_shot(
    shot: ShotFolder, path: Path, kinds: Many[str], *, metres_per_unit: float | None, name: str = "",
    blender: Blender | None = None, bvh_unit_m: float = METRES, rotation_order: str = "ZXY",
) -> tuple[Path, ...]:  # fmt: skip
    """Writes kinds beside the shot's motion at `path`, so that the stage that made it stays up to date. Raises as
    `write_motion_files`, and `ShotBusy`."""
    folder = path.parent
    with shot_lock(shot):
        done = manifest.find(shot, _STAGE)
        whole = done if done is not None and manifest.is_complete(shot, done) else None
        with change_files(shot) as change:
            written = stage_files(
                read_motion(path), folder, kinds, change, metres_per_unit=metres_per_unit or analysed_metres(folder),
                name=name, body=body_beside(path), blender=blender, bvh_unit_m=bvh_unit_m,
                rotation_order=rotation_order,
            )  # fmt: skip
            if whole is not None:
                artifacts = tuple(change.resized(artifact) for artifact in whole.result.artifacts)
                kept = replace(whole, result=replace(whole.result, artifacts=artifacts))
                change.stage(shot.manifests_dir / f"{_STAGE}.json").write_text(document_text(kept), encoding="utf-8")
    return written
