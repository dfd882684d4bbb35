"""The floor that people stand on: what the shot's world says, what is found in the solve, or where feet stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backend.mocap.contacts import Floor
from backend.mocap.kept import KeptBody
from backend.mocap.skeleton import Floats
from backend.world.suggest import ground_of
from shared.camera_files import SolvedCamera
from shared.errors import BacklotError
from shared.shot import ShotFolder

from .cameras import ShotCameras

_LEAST_HEIGHT = 1e-3
"""Of a camera over the floor, in the reach of its path (or in units where it has none): below, z = 0 is where the
camera is, not where anybody stands."""

_FEET = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
_SOLE_M = 0.04
_STANDING = 0.1
"""Quantile of the feet's heights at which they stand: in a clip of people some foot nearly always does."""


@dataclass(frozen=True)
class Ground:
    """floor: world units; None when it is not known. up [3]: unit; None when that is not known either. source: as
    `MocapReport.floor` has it."""

    floor: Floor | None
    up: Floats | None
    source: str


def ground_for(shot: ShotFolder, camera: SolvedCamera, cameras: ShotCameras, log: Callable[[str], None]) -> Ground:
    """The floor as far as it is known without looking at people. log: hears why it is not."""
    if camera.extrinsics.up_source != "none":
        up = np.array([0.0, 0.0, 1.0])
        return Ground(Floor(up, 0.0), up, "world") if _is_above(cameras) else Ground(None, up, "none")
    try:
        found = ground_of(shot, camera)
    except BacklotError as none:
        log(f"the ground could not be looked for: {none.message}")
        return Ground(None, None, "none")
    if not found.found:
        log(f"no ground: confidence {found.confidence:.0%}")
        return Ground(None, None, "none")
    if found.place is None:
        return Ground(None, found.up, "none")
    return Ground(Floor(found.up, float(found.up @ found.place)), found.up, "found")


def _is_above(cameras: ShotCameras) -> bool:
    centres = cameras.centres[cameras.posed]
    reach = float(np.ptp(centres, axis=0).max())
    return float(np.median(centres[:, 2])) > _LEAST_HEIGHT * (reach or 1.0)


def floor_under(people: Sequence[KeptBody], up: Floats, metres_per_unit: float) -> Floor | None:
    """The floor under the feet of people who were solved without one; world units: the middle of what each says."""
    lows = []
    for body in people:
        feet = [body.skeleton.index(name) for name in _FEET]
        heights = np.nanmin(body.joints()[:, feet] @ up, axis=1) if np.isfinite(body.root).any() else np.zeros(0)
        heights = heights[np.isfinite(heights)]
        if len(heights):
            lows.append(float(np.quantile(heights, _STANDING)))
    return Floor(up, float(np.median(lows)) - _SOLE_M / metres_per_unit) if lows else None
