"""What the stage asks of this package, for one person, and what it gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.pipeline.atomic import disk_errors
from shared.body_arrays import BODY_FILE, BodyMesh, write_body
from shared.camera_files import Extrinsics, Intrinsics
from shared.motion_arrays import Motion

from .proxy import build_mesh

Picture = NDArray[np.uint8]

TEXTURE_FILE, TEXTURE_SEEN_FILE, SEQUENCE_FOLDER = "texture.png", "texture_seen.png", "mesh_sequence"


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
    user's own licensed file. non_commercial: whether models for non-commercial use are allowed. texture: project the
    plate. refine: fit the proxy's girths to the masks, where there are any. sequence: "usd", "abc" or both. blender:
    the Blender for Alembic, None for the usual one. checkpoint(what, done, total): reports progress, raises when the
    job is cancelled.
    """

    label: str
    motion: Motion
    intrinsics: Intrinsics
    extrinsics: Extrinsics
    folder: Path
    picture: Callable[[int], Picture]
    mask: Callable[[str, int], Picture | None] = lambda _label, _number: None
    others: Sequence[str] = ()
    kind: str = "proxy"
    model: Path | None = None
    non_commercial: bool = False
    texture: bool = True
    refine: bool = True
    sequence: Sequence[str] = ("usd",)
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
    `EngineUnavailable` for a model that is not there or not allowed, `DiskFull`, `ShotReadOnly`, and what the job's
    checkpoint raises."""
    job.checkpoint("Making the body", 0, 1)
    mesh = build_mesh(job.motion, checkpoint=lambda: job.checkpoint("Making the body", 0, 1))
    path = job.folder / BODY_FILE
    with disk_errors(path):
        write_body(path, mesh)
    return BodyResult(mesh, (path,))
