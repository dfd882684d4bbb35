"""What the artist says of the world, as one similarity.

Each constraint fixes its own part and leaves the others alone: the floor tilts and lifts, an axis turns about
the vertical, a distance scales, the origin shifts. They are therefore solved one after the other: up, heading,
scale, place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import cast

import numpy as np
from numpy.typing import NDArray

from shared.axes import Matrix3
from shared.camera_files import Similarity, SolvedCamera
from shared.errors import InvalidRequest

from .change import WorldStep

Floats = NDArray[np.float64]

_FLAT = 0.02
"""Picks whose spread across is less than that share of their spread along lie on a line."""
_STEEP = 0.05
_MOST_TRIPLES = 2000


@dataclass(frozen=True)
class Plane:
    """point [3] on it, unit normal [3]. rms: of the places that it was fitted to, world units."""

    point: Floats
    normal: Floats
    rms: float = 0.0

    def height(self, places: Floats) -> Floats:
        """Signed distances of places [..., 3]."""
        return np.asarray((places - self.point) @ self.normal)

    def foot(self, place: Floats) -> Floats:
        return np.asarray(place - self.height(place) * self.normal)

    def facing(self, place: Floats) -> Plane:
        """The same plane with its normal on that side."""
        return Plane(self.point, -self.normal if self.height(place) < 0 else self.normal, self.rms)


@dataclass(frozen=True)
class Distance:
    """Metres between two places. source: "two-points" or "object"."""

    first: Floats
    second: Floats
    metres: float
    source: str


@dataclass(frozen=True)
class Axis:
    """The direction `second - first` becomes the axis `name`: x, -x, y, -y, z or -z."""

    name: str
    first: Floats
    second: Floats


@dataclass(frozen=True)
class Factor:
    scale: float
    source: str


@dataclass(frozen=True)
class Constraints:
    """Places are [3] in the present world. floor: picked, with the cameras above. ground: found from the points;
    up: found when there is no plane. person: takes the floor to the factor. At most one of floor, ground, up and a z
    axis; at most one of distance, camera_height, person and factor."""

    origin: Floats | None = None
    floor: Plane | None = None
    ground: Plane | None = None
    up: Floats | None = None
    axis: Axis | None = None
    distance: Distance | None = None
    camera_height: float | None = None
    person: Callable[[Plane], Factor] | None = None
    factor: Factor | None = None


def solve_constraints(camera: SolvedCamera, said: Constraints) -> WorldStep:
    """The step into the world in which everything that was said is true. Raises `InvalidRequest`."""
    _require_one_of_each(said)
    plane = said.floor or said.ground
    up, up_source = _up(camera, said)
    turn = _headed(said.axis, shortest_turn(up))
    scale, scale_source = _scale(camera, said, plane)
    units = "metres" if scale_source != "none" else camera.extrinsics.units
    place = _place(said.origin, plane)
    return WorldStep(similarity_of(scale, turn, -scale * turn @ place), up_source, scale_source, units)


def _place(origin: Floats | None, plane: Plane | None) -> Floats:
    """What becomes (0, 0, 0): the present origin unless another was picked, at the height of the floor."""
    place = np.zeros(3) if origin is None else origin
    return place if plane is None else plane.foot(place)


def _require_one_of_each(said: Constraints) -> None:
    upright = {
        "a floor": said.floor, "the automatic ground": said.ground or said.up,
        "a vertical axis": said.axis if said.axis and said.axis.name.endswith("z") else None,
    }  # fmt: skip
    sizes = {
        "a distance": said.distance, "the cameras' height": said.camera_height, "a person": said.person,
        "a scale": said.factor,
    }  # fmt: skip
    for what, choices in (("up", upright), ("scale", sizes)):
        given = [name for name, value in choices.items() if value is not None]
        if len(given) > 1:
            raise InvalidRequest(f"{' and '.join(given).capitalize()} both say what {what} is.", "Give one of them.")


def _up(camera: SolvedCamera, said: Constraints) -> tuple[Floats, str]:
    """Unit vector in the present world, and where it comes from."""
    if said.floor is not None:
        return said.floor.normal, "picked"
    if said.ground is not None:
        return said.ground.normal, "points"
    if said.up is not None:
        return said.up, "points"
    if said.axis is not None and said.axis.name.endswith("z"):
        return _direction(said.axis), "picked"
    return np.array([0.0, 0.0, 1.0]), camera.extrinsics.up_source


def _direction(axis: Axis) -> Floats:
    """Unit, towards the positive axis."""
    along = axis.second - axis.first
    length = float(np.linalg.norm(along))
    if length < 1e-9 * (1.0 + float(np.abs(axis.first).max())):
        raise InvalidRequest("The two places that give the axis are the same.", "Pick two places that are apart.")
    return along / (-length if axis.name.startswith("-") else length)


def shortest_turn(up: Floats) -> Floats:
    """The rotation [3, 3] that takes `up` to z and turns no further than it must."""
    x, y, z = up
    if z < -1.0 + 1e-9:
        return np.diag([1.0, -1.0, -1.0])
    k = 1.0 / (1.0 + z)
    return np.array([[1.0 - k * x * x, -k * x * y, -x], [-k * x * y, 1.0 - k * y * y, -y], [x, y, z]])


def _headed(axis: Axis | None, level: Floats) -> Floats:
    """The levelling rotation followed by a turn about the vertical."""
    if axis is None or axis.name.endswith("z"):
        return level
    across, ahead, above = level @ _direction(axis)
    if np.hypot(across, ahead) < _STEEP * abs(above):
        raise InvalidRequest(
            f"The two places that give the {axis.name} axis lie one above the other.", "Pick two places on the floor."
        )
    angle = (np.pi / 2 if axis.name.endswith("y") else 0.0) - np.arctan2(ahead, across)
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ level)


def _scale(camera: SolvedCamera, said: Constraints, plane: Plane | None) -> tuple[float, str]:
    if said.distance is not None:
        return _from_distance(said.distance), said.distance.source
    if said.camera_height is not None:
        return _positive(said.camera_height, "height") / _height_of_cameras(camera, said, plane), "camera-height"
    if said.person is not None:
        factor = said.person(_floor_of(camera, said, plane, "The height of a person"))
        return factor.scale, factor.source
    if said.factor is not None:
        return _positive(said.factor.scale, "scale"), said.factor.source
    return 1.0, camera.extrinsics.scale_source


def _from_distance(said: Distance) -> float:
    apart = float(np.linalg.norm(said.second - said.first))
    if apart < 1e-9 * (1.0 + float(np.abs(said.first).max())):
        raise InvalidRequest("The two places of the distance are the same.", "Pick two places that are apart.")
    return _positive(said.metres, "distance") / apart


def _positive(value: float, what: str) -> float:
    if not (np.isfinite(value) and value > 0.0):
        raise InvalidRequest(f"A {what} of {value} makes no sense.", "Give a number above 0, in metres.")
    return value


def _floor_of(camera: SolvedCamera, said: Constraints, plane: Plane | None, what: str) -> Plane:
    """The floor that is being set, or the one that was."""
    tilted = said.axis is not None and said.axis.name.endswith("z")
    if plane is None and (tilted or camera.extrinsics.up_source == "none"):
        raise InvalidRequest(f"{what} needs a floor.", "Pick three places on the floor, or find the ground first.")
    return plane or Plane(np.zeros(3), np.array([0.0, 0.0, 1.0]))


def _height_of_cameras(camera: SolvedCamera, said: Constraints, plane: Plane | None) -> float:
    floor = _floor_of(camera, said, plane, "The height of the cameras")
    places = camera_places(camera)
    height = float(np.median(floor.height(places)))
    reach = float(np.ptp(places, axis=0).max()) + abs(height)
    if height <= 1e-6 * reach:
        raise InvalidRequest("The cameras are not above the floor.", "Set the floor first: three places on it.")
    return height


def camera_places(camera: SolvedCamera) -> Floats:
    """[F, 3] centres of all frames that have a pose. Raises `InvalidRequest` when none has."""
    poses = [pose.world_from_camera for pose in camera.extrinsics.frames if pose.world_from_camera is not None]
    if not poses:
        raise InvalidRequest("No frame of the shot has a camera pose.", "Run Solve Camera again.")
    return np.asarray(np.array(poses)[:, :3, 3])


def similarity_of(scale: float, turn: Floats, place: Floats) -> Similarity:
    """From arrays [3, 3] and [3]."""
    rows = cast(Matrix3, tuple(tuple(float(value) for value in row) for row in turn))
    x, y, z = (float(value) for value in place)
    return Similarity(float(scale), rows, (x, y, z))


def fit_floor(places: Sequence[Floats], cameras: Floats) -> Plane:
    """The plane through three places, or the best one through more: that of the triple with the least median
    distance (Rousseeuw, "Least median of squares regression", 1984), refitted to all places near it. Its normal
    points to the cameras [F, 3]. Raises `InvalidRequest`."""
    picked = np.array(places, np.float64).reshape(-1, 3)
    if len(picked) < 3:
        raise InvalidRequest(f"A floor needs three places, not {len(picked)}.", "Pick three or more, well apart.")
    kept = picked if len(picked) == 3 else _agreeing(picked)
    middle = kept.mean(0)
    _, spread, axes = np.linalg.svd(kept - middle)
    if spread[1] < _FLAT * max(spread[0], 1e-12):
        raise InvalidRequest("The places picked on the floor lie on a line.", "Pick them well apart, as a triangle.")
    rms = float(np.sqrt(np.mean(((kept - middle) @ axes[2]) ** 2)))
    return Plane(middle, axes[2], rms).facing(np.median(cameras, axis=0))


def _agreeing(places: Floats) -> Floats:
    """The places that the best triple of them agrees with."""
    triples = list(combinations(range(len(places)), 3))
    rng = np.random.default_rng(0)
    if len(triples) > _MOST_TRIPLES:
        triples = [triples[i] for i in rng.choice(len(triples), _MOST_TRIPLES, replace=False)]
    corner, second, third = places[np.array(triples).T]
    normals = np.cross(second - corner, third - corner)
    area = np.linalg.norm(normals, axis=1)
    good = area > _FLAT * area.max() if area.max() > 0 else area > 0
    if not good.any():
        return places
    normals, corner = normals[good] / area[good, None], corner[good]
    away = np.abs(np.einsum("tk,tnk->tn", normals, places[None] - corner[:, None]))
    # Three of the distances are zero by construction: the median is over the others.
    rank = 2 + (len(places) - 3 + 1) // 2
    error = np.sort(away, axis=1)[:, rank]
    best = int(np.argmin(error))
    return np.asarray(places[away[best] <= max(2.5 * 1.4826 * error[best], 1e-9)])
