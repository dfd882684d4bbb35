"""The skin of a captured person: a proxy body or the user's SMPL, textured from the plate. docs/mocap-body.md."""

from __future__ import annotations

from collections.abc import Callable

from shared.body_arrays import BodyMesh, posed, read_body, write_body
from shared.motion_arrays import Motion

from .job import BodyJob, BodyResult

__all__ = ["BodyJob", "BodyMesh", "BodyResult", "build_mesh", "make_body", "posed", "read_body", "write_body"]


def make_body(job: BodyJob) -> BodyResult:
    """Writes body.npz, and what else the job wants of texture.png, texture_seen.png, mesh_sequence/ and smpl.npz.
    Raises `EngineUnavailable` for a model that is not there or not allowed and for a named Blender that is not there,
    `InternalError` where nothing is known of the person, `DiskFull`, `ShotReadOnly`, and what the job's checkpoint
    raises."""
    from .make import make_body as make

    return make(job)


def build_mesh(motion: Motion, detail: float = 1.0, checkpoint: Callable[[], None] = lambda: None) -> BodyMesh:
    """The proxy body of a motion's person: `backend.body_mesh.proxy`."""
    from .proxy import build_mesh as build

    return build(motion, detail, checkpoint)
