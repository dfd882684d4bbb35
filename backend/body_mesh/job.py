"""What the stage asks of this package, for one person, and what it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.export.blender_process import require_blender
from backend.pipeline.atomic import disk_errors
from shared.body_arrays import BODY_FILE, BodyMesh, write_body
from shared.camera_files import Extrinsics, Intrinsics
from shared.errors import InternalError
from shared.motion_arrays import Motion

from .projection import TEXTURE_FILE, project_texture
from .proxy import build_mesh
from .sequence import ABC_FILE, SEQUENCE_FOLDER, USD_FILE, Sequence, write_alembic, write_usd
from .silhouette import refined
from .smpl_body import allowed_model, smpl_body
from .smpl_poses import SMPL_FILE, fitted_poses, write_poses
from .texels import SIDE
from .views import View, views_of

Picture = NDArray[np.uint8]


def _nothing(_what: str, _done: int, _total: int) -> None:
    return


@dataclass(frozen=True)
class BodyJob:
    """One person's body.

    label: the person. motion: solved, in the world of the cameras. intrinsics, extrinsics: of the plate, as on disk
    (a frame without a pose is left out where pixels are wanted). folder: where files go, the label's own (of the
    stage's checkpoint folder; nothing in it is read). picture(number): uint8 [H,W,3] RGB of the plate, shared, not to
    be written into. mask(label, number): uint8 [H,W], 255 where the label is seen, None when there is none. others:
    labels of other people and things that may stand before this one. kind: "proxy", or "smpl" with `model`, the
    user's own licensed file. non_commercial: whether models for non-commercial use are allowed. detail: of the proxy,
    1 for about 7,000 triangles. texture: project the plate, onto texture_side x texture_side px. refine: fit the
    proxy's girths to the masks, where there are any. sequence: "usd", "abc" or both. blender: the Blender for Alembic,
    None for the usual one. checkpoint(what, done, total): reports progress, raises when the job is cancelled.
    """

    label: str
    motion: Motion
    intrinsics: Intrinsics
    extrinsics: Extrinsics
    folder: Path
    picture: Callable[[int], Picture]
    mask: Callable[[str, int], Picture | None] = lambda _label, _number: None
    others: tuple[str, ...] = ()
    kind: str = "proxy"
    model: Path | None = None
    non_commercial: bool = False
    detail: float = 1.0
    texture: bool = True
    texture_side: int = SIDE
    refine: bool = True
    sequence: tuple[str, ...] = ("usd",)
    blender: str | None = None
    checkpoint: Callable[[str, int, int], None] = _nothing


@dataclass(frozen=True)
class BodyResult:
    """mesh: as written. files: what was written, below the job's folder (body.npz first). facts: plain numbers for the
    report. notices: sentences for the user."""

    mesh: BodyMesh
    files: tuple[Path, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def make_body(job: BodyJob) -> BodyResult:
    """Writes body.npz, and what else the job wants of texture.png, texture_seen.png and mesh_sequence/. Raises
    `EngineUnavailable` for a model or a Blender that is not there or not allowed, `DiskFull`, `ShotReadOnly`, and what
    the job's checkpoint raises."""
    if not job.motion.known.any():
        raise InternalError(f"Nothing is known of {job.label} in any frame: there is no body to make.")
    views = views_of(job.intrinsics, job.extrinsics)
    facts: dict[str, Any] = {}
    notices: list[str] = []
    mesh = _fitted(job, views, facts, notices)
    files = [job.folder / BODY_FILE]
    if job.kind == "smpl":
        files.append(_smpl_parameters(job))
    with disk_errors(files[0]):
        write_body(files[0], mesh)
    if job.texture:
        found, measured = project_texture(job, mesh, views, job.texture_side)
        files += found
        facts |= measured
        if not found:
            notices.append(f"No frame shows enough of {job.label} for a texture.")
    files += _sequences(job, mesh, TEXTURE_FILE if job.folder / TEXTURE_FILE in files else "")
    facts |= {"kind": mesh.kind, "vertices": len(mesh.vertices), "faces": len(mesh.faces)}
    return BodyResult(mesh, tuple(files), facts, tuple(notices))


def _fitted(job: BodyJob, views: Mapping[int, View], facts: dict[str, Any], notices: list[str]) -> BodyMesh:
    """The mesh at rest."""
    if job.kind == "smpl":
        return smpl_body(job.motion, job.model, job.non_commercial)
    mesh = build_mesh(job.motion, job.detail, lambda: job.checkpoint("Making the body", 0, 1))
    if not job.refine:
        return mesh
    better = refined(
        mesh, job.motion, views, lambda number: _whole_mask(job, number),
        lambda done, total: job.checkpoint("Fitting the body to its masks", done, total),
    )  # fmt: skip
    if better is None:
        return mesh
    facts |= {
        "silhouette_before": round(better.before, 4),
        "silhouette_after": round(better.after, 4),
        "silhouette_frames": list(better.frames),
    }
    notices.append(
        f"The body of {job.label} was fitted to its masks: it overlaps them by {better.after:.0%}, "
        f"{better.before:.0%} before."
    )
    return better.mesh


def _smpl_parameters(job: BodyJob) -> Path:
    model = allowed_model(job.model, job.non_commercial)
    path = job.folder / SMPL_FILE
    write_poses(path, fitted_poses(model, job.motion), job.motion, model.kind)
    return path


def _whole_mask(job: BodyJob, number: int) -> NDArray[np.bool_] | None:
    mask = job.mask(job.label, number)
    return None if mask is None else np.asarray(mask > 127)


def _sequences(job: BodyJob, mesh: BodyMesh, texture: str) -> list[Path]:
    folder = job.folder / SEQUENCE_FOLDER
    sequence = Sequence(
        job.label, mesh, job.motion, f"../{texture}" if texture else "",
        lambda done, total: job.checkpoint("Writing the mesh sequence", done, total),
    )  # fmt: skip
    files = []
    if "usd" in job.sequence:
        write_usd(folder / USD_FILE, sequence)
        files.append(folder / USD_FILE)
    if "abc" in job.sequence:
        blender = require_blender(job.blender)
        write_alembic(
            folder / ABC_FILE, sequence, blender, lambda: job.checkpoint("Writing Alembic with Blender", 0, 1)
        )
        files.append(folder / ABC_FILE)
    return files
