"""The surface that a skeleton bends, where the skeleton of a take is at rest."""

from __future__ import annotations

from shared.body_arrays import BodyMesh, scale_of
from shared.errors import ShotCorrupt
from shared.motion_arrays import Floats, Motion


def rest_vertices(body: BodyMesh, motion: Motion) -> Floats:
    """[V,3]: in the motion's measure, around `Take.rest`. Raises `ShotCorrupt` for a body of another skeleton."""
    try:
        return scale_of(body, motion) * body.vertices
    except ValueError as bad:
        raise ShotCorrupt(
            f"The body and the motion do not belong together: {bad}.", "Run motion capture of this shot again."
        ) from bad
