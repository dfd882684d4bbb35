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

UNDER_FEET = "feet"
"""Source of a floor that lies where people's feet are."""

_FEET = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
_SOLE_M = 0.04
_LEAST_S, _UPRIGHT = 0.5, 0.8
"""How long people must be seen to tell what is up, and the cosine of how far they lean in the middle."""

_LEAN_DEG, _ROUNDS = 6.0, 5
"""Standard deviation of how far the trunk leans in the mean over a clip."""

_REST_M, _REST_M_S, _REST_S = 0.1, 0.35, 0.12
"""What the place of a resting foot is known to, before there is a floor; the speed and the time at which it rests."""

_LEVEL_M = 0.35
"""By how much people may seem to stand on other heights before there is a floor, and stand on the same."""

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


def up_of_people(people: Sequence[KeptBody], metres_per_unit: float, fps: float) -> Floats | None:
    """Up [3], unit, of a world in which nothing else tells: people hold their trunks upright on average, and where
    their feet come to rest lies in one plane, or in level ones. None when they tell too little of it."""
    trunks = np.concatenate([np.zeros((0, 3)), *(_trunks(body) for body in people)])
    if len(trunks) < _LEAST_S * fps:
        return None
    first = _unit(np.median(trunks, axis=0))
    if np.median(trunks @ first) < _UPRIGHT:
        return None  # people who lie, or tumble all the time
    rests = [_rests(body, first, metres_per_unit, fps) for body in people]
    across = np.linalg.svd(first[None])[2][1:]
    tilt = np.zeros(2)
    for _ in range(_ROUNDS):
        normal = np.eye(2) / np.tan(np.radians(_LEAN_DEG)) ** 2
        right = np.zeros(2)
        for places in rests:
            if len(places) < 2:
                continue
            flat, height = places @ across.T, places @ first
            off = height + flat @ tilt
            weight = 1.0 / (1.0 + ((off - np.median(off)) / _REST_M) ** 2) / _REST_M**2
            middle = [np.average(one, axis=0, weights=weight) for one in (flat, height)]
            flat, height = flat - middle[0], height - middle[1]
            normal += (flat * weight[:, None]).T @ flat
            right -= flat.T @ (weight * height)
        tilt = np.linalg.solve(normal, right)
    return _unit(first + tilt @ across)


def _trunks(body: KeptBody) -> Floats:
    """[N,3]: unit vectors from the hips to the neck, of the frames that show the person."""
    joints = body.joints()
    along = joints[:, body.skeleton.index("neck")] - joints[:, body.skeleton.index("pelvis")]
    along = along[np.isfinite(along[:, 0])]
    found: Floats = along / np.linalg.norm(along, axis=1, keepdims=True)
    return found


def _rests(body: KeptBody, up: Floats, metres_per_unit: float, fps: float) -> Floats:
    """[N,3] m: where the lower foot came to rest, once for each time."""
    feet = body.joints()[:, [body.skeleton.index(name) for name in _FEET]] * metres_per_unit
    if len(feet) < 3:
        return np.zeros((0, 3))
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps
    lowest = np.argmin(np.where(np.isfinite(feet[..., 0]), feet @ up, np.inf), axis=1)
    rows = np.arange(len(feet))
    rests = np.nan_to_num(speed[rows, lowest], nan=np.inf) < _REST_M_S
    found = []
    for run in np.split(rows, np.nonzero(np.diff(lowest) | np.diff(rests))[0] + 1):
        if rests[run[0]] and len(run) >= _REST_S * fps:
            found.append(np.median(feet[run, lowest[run[0]]], axis=0))
    return np.array(found).reshape(-1, 3)


def _unit(vector: Floats) -> Floats:
    found: Floats = vector / np.linalg.norm(vector)
    return found


def floor_under(people: Sequence[KeptBody], up: Floats, metres_per_unit: float) -> Floor | None:
    """The floor under the feet of people who were solved without one; world units: where most of them stand, the lower
    one of two levels with as many; the middle of what these say."""
    lows = []
    for body in people:
        feet = [body.skeleton.index(name) for name in _FEET]
        places = body.joints()[:, feet]
        heights = (places[np.isfinite(places[:, 0, 0])] @ up).min(1)
        if len(heights):
            lows.append(float(np.quantile(heights, _STANDING)))
    if not lows:
        return None
    near = np.abs(np.subtract.outer(lows, lows)) * metres_per_unit < _LEVEL_M
    best = min(range(len(lows)), key=lambda one: (-int(near[one].sum()), lows[one]))
    return Floor(up, float(np.median(np.array(lows)[near[best]])) - _SOLE_M / metres_per_unit)
