"""The scale from a person of known height: two pixels, head and foot, in a frame where the person stands upright on
the floor; or the joints of motion capture (sizes.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.array_files import read_arrays
from shared.errors import InvalidRequest
from shared.shot import ShotFolder

from .constraints import Factor, Floats, Plane
from .sizes import scale_from_person

_LEAST_DESCENT = 0.02
"""Sine of the angle at which the ray to the foot must meet the floor: nearer to the horizon a pixel is worth metres."""


@dataclass(frozen=True)
class Ray:
    """From place [3] along direction [3], unit."""

    place: Floats
    direction: Floats


def standing_height(floor: Plane, head: Ray, foot: Ray) -> float:
    """How tall somebody is, world units, whose foot is seen along one ray, standing on the floor, and whose head along
    the other, straight above: single-view metrology with known cameras (Criminisi, Reid and Zisserman, IJCV 2000).
    Raises `InvalidRequest`."""
    down = float(foot.direction @ floor.normal)
    if down > -_LEAST_DESCENT:
        raise InvalidRequest(
            "The foot was picked at the horizon or above it: no place on the floor is seen there.",
            "Pick where the foot touches the floor, or set the floor first.",
        )
    stand = foot.place - (float(floor.height(foot.place)) / down) * foot.direction
    # The vertical through the foot and the ray to the head hardly meet exactly: the nearest point of the vertical.
    along = float(head.direction @ floor.normal)
    apart = stand - head.place
    square = 1.0 - along * along
    if square < 1e-6:
        raise InvalidRequest("The head was picked straight above or below the camera.", "Pick in another frame.")
    height = float((along * (head.direction @ apart) - floor.normal @ apart) / square)
    reach = float(np.linalg.norm(apart))
    if height <= 1e-3 * reach:
        raise InvalidRequest("The head was picked below the foot.", "Pick the head first, then the foot.")
    return height


def person_factor(height_m: float, units: float) -> Factor:
    if not (np.isfinite(height_m) and height_m > 0.0):
        raise InvalidRequest(f"A person is not {height_m} m tall.", "Give the height in metres.")
    return Factor(height_m / units, "person-height")


def captured_factor(shot: ShotFolder, label: str, height_m: float) -> Factor:
    """From `mocap/LABEL/motion.npz`. Raises `InvalidRequest` without it, `ShotCorrupt`."""
    path = shot.root / "mocap" / label / "motion.npz"
    if not label or path.parent.parent != shot.root / "mocap" or not path.is_file():
        raise InvalidRequest(f"There is no motion capture of {label!r}.", "Pick the head and the foot in a frame.")
    return Factor(scale_from_person(read_arrays(path), height_m).scale, "person-height")
