"""A thing's way through the world, smooth in time, from what single frames say of where it stands.

Whittaker's smoother (Eilers, "A perfect smoother", Anal. Chem. 2003) with robust weights: a step of the feet, a bad
mask or a shadow taken for a foot do not move the whole thing. In the world and not in the picture, so that the camera's
own motion adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .movers_contact import Footing, Stand
from .poses import Floats, Pose

_STIFF = 200.0
"""Weight of the second difference: what changes within about a second's worth of frames (24) is smoothed out."""

_ROUNDS = 5
_MAD = 1.4826
_At = tuple[int, Stand, Floats]
"""A plate number, what was seen there, and a point in the world."""

_LEAST_CUT = 5.0
"""Percentile of the sizes at the bound that counts as the least."""

_BY_ENGINE = 0.5
_BY_SIZE = 0.2
_BY_BOUND = 0.05
"""Weights of a place from the engine's depth of the thing, from how large it looks, and from a bound, beside one from
contact."""


def smoothed(places: Floats, weights: Floats) -> Floats:
    """places [T, 3] with weights [T] >= 0 (0: unknown there), made smooth and whole. At least one weight > 0."""
    count = len(places)
    if count < 3:
        return np.broadcast_to((weights[:, None] * places).sum(0) / weights.sum(), places.shape).copy()
    bend = np.diff(np.eye(count), 2, axis=0)
    stiff = _STIFF * bend.T @ bend + 1e-9 * np.eye(count)
    robust = weights
    way = places
    for _ in range(_ROUNDS):
        way = np.asarray(np.linalg.solve(np.diag(robust) + stiff, robust[:, None] * places), np.float64)
        away = np.linalg.norm(places - way, axis=1)
        scale = 2.0 * _MAD * float(np.median(away[weights > 0])) + 1e-9
        robust = weights / (1.0 + (away / scale) ** 2) ** 2
    return way


def way_of(stands: Mapping[int, Stand], poses: Mapping[int, Pose]) -> tuple[dict[int, Floats], Floats | None]:
    """Where a thing stands in every frame in which it is seen, [3] world by plate number, and up [3] if known. The
    place is right along the ground; how high it lies means nothing."""
    numbers = sorted(stands)
    ups = [one.up for one in stands.values() if one.up is not None]
    up = _unit(np.median(ups, axis=0)) if ups else None
    size, factor = _size(stands, poses), _factor(stands, poses)
    placed = [_place(stands[number], poses[number], size, factor) for number in numbers]
    # A frame that is missing between two is one in which the thing is hidden: time goes on.
    times = np.array(numbers) - numbers[0]
    places, weights = np.zeros((times[-1] + 1, 3)), np.zeros(times[-1] + 1)
    for time, (place, weight) in zip(times, placed, strict=True):
        places[time], weights[time] = place, weight
    way = smoothed(places, weights)
    return {number: way[time] for number, time in zip(numbers, times, strict=True)}, up


def _size(stands: Mapping[int, Stand], poses: Mapping[int, Pose]) -> float | None:
    """How large the thing is, world units: the root of its area. From the frames in which its feet are seen; where they
    are always below the picture, from where they should be there; where that cannot be said, from the frames in which
    they are least so: at the bound it would look larger in all others. None where nothing is known."""
    contact, feet, bound = (
        [_depth_at(point, poses[number]) * _angle(one, poses[number]) for number, one, point in places]
        for places in _places(stands)
    )
    if contact or feet:
        return float(np.median(contact or feet))
    return float(np.percentile(bound, _LEAST_CUT)) if bound else None


def _places(stands: Mapping[int, Stand]) -> tuple[list[_At], list[_At], list[_At]]:
    """Points on the ground: of feet that are seen, that should be below the picture, and before which they are."""
    contact = [(number, one, one.point) for number, one in stands.items() if one.footing is Footing.CONTACT]
    feet = [(number, one, one.feet) for number, one in stands.items() if one.feet is not None]
    bound = [(number, one, one.point) for number, one in stands.items() if one.footing is Footing.CUT]
    return contact, feet, bound


def _factor(stands: Mapping[int, Stand], poses: Mapping[int, Pose]) -> float:
    """Of the depth at which the thing touches the ground to that which the engine gives it; 1 where it never does."""
    factors = [
        _depth_at(one.point, poses[number]) / one.seen
        for number, one in stands.items()
        if one.footing is Footing.CONTACT and one.seen is not None
    ]
    return float(np.median(factors)) if factors else 1.0


def _angle(one: Stand, pose: Pose) -> float:
    """Root of the area that the thing has in the picture, in focal lengths."""
    return float(np.sqrt(one.pixels / (pose.K[0, 0] * pose.K[1, 1])))


def _depth_at(point: Floats, pose: Pose) -> float:
    return float(pose.world_from_camera[:3, 2] @ (point - pose.centre))


def _place(one: Stand, pose: Pose, size: float | None, factor: float) -> tuple[Floats, float]:
    """Where a frame says the thing stands, and how much that counts."""
    if one.footing is Footing.CONTACT:
        return one.point, one.weight
    if one.seen is not None:
        return _at_depth(one, pose, factor * one.seen), _BY_ENGINE * one.weight
    if size is None:
        return one.point, _BY_BOUND * one.weight
    bound, depth = _depth_at(one.point, pose), size / _angle(one, pose)
    if one.footing is Footing.CUT:
        depth = min(depth, bound)
    if one.footing is Footing.HIDDEN:
        depth = max(depth, bound)
    return _at_depth(one, pose, depth), _BY_SIZE * one.weight


def _at_depth(one: Stand, pose: Pose, depth: float) -> Floats:
    ray = np.linalg.solve(pose.K, [one.middle[0], one.middle[1], 1.0])
    place: Floats = pose.world_from_camera[:3, :3] @ (depth * ray) + pose.centre
    return place


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector))
