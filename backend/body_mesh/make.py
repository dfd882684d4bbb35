"""A job's files, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.export.blender_process import find_blender
from backend.pipeline.atomic import disk_errors
from shared.body_arrays import BODY_FILE, BodyMesh, write_body
from shared.errors import InternalError

from .job import BodyJob, BodyResult
from .projection import TEXTURE_FILE, project_texture
from .proxy import build_mesh
from .sequence import ABC_FILE, SEQUENCE_FOLDER, USD_FILE, Sequence, write_alembic, write_usd
from .silhouette import refined
from .smpl_body import allowed_model, smpl_body
from .smpl_poses import SMPL_FILE, fitted_poses, write_poses
from .views import View, views_of


def make_body(job: BodyJob) -> BodyResult:
    """As `backend.body_mesh.make_body` says."""
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
    files += _sequences(job, mesh, TEXTURE_FILE if job.folder / TEXTURE_FILE in files else "", notices)
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
        lambda number: _before(job, number),
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


def _before(job: BodyJob, number: int) -> NDArray[np.bool_] | None:
    """Where another label is."""
    found: NDArray[np.bool_] | None = None
    for other in job.others:
        mask = job.mask(other, number)
        if mask is not None:
            found = mask > 127 if found is None else found | (mask > 127)
    return found


def _sequences(job: BodyJob, mesh: BodyMesh, texture: str, notices: list[str]) -> list[Path]:
    """Alembic only where there is a Blender: a motion is worth having without it."""
    folder = job.folder / SEQUENCE_FOLDER
    sequence = Sequence(
        job.label, mesh, job.motion, f"../{texture}" if texture else "",
        lambda done, total: job.checkpoint("Writing the mesh sequence", done, total),
    )  # fmt: skip
    files = []
    if "usd" in job.sequence:
        write_usd(folder / USD_FILE, sequence)
        files.append(folder / USD_FILE)
    blender = find_blender(job.blender) if "abc" in job.sequence else None
    if "abc" in job.sequence and blender is None:
        notices.append(f"There is no Blender here to write {ABC_FILE} with; {USD_FILE} holds the same.")
    if blender is not None:
        write_alembic(
            folder / ABC_FILE, sequence, blender, lambda: job.checkpoint("Writing Alembic with Blender", 0, 1)
        )
        files.append(folder / ABC_FILE)
    return files
