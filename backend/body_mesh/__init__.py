"""The skin of a captured person: a proxy body or the user's SMPL, textured from the plate. docs/mocap-body.md."""

from shared.body_arrays import BodyMesh, posed, read_body, write_body

from .job import BodyJob, BodyResult, make_body
from .proxy import build_mesh

__all__ = ["BodyJob", "BodyMesh", "BodyResult", "build_mesh", "make_body", "posed", "read_body", "write_body"]
