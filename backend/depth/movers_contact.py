"""Where a moving thing stands: its lowest pixels on the ground that the static depth shows around them.

A plane in space is linear in inverse depth over the picture, so the ground around the feet is a robust linear fit there
(Geman-McClure weights), which holds where the depth right at the feet is missing. Hoiem et al., "Putting objects in
perspective" (IJCV 2008), place things by their ground contact in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from .frame import FrameDepth, Mask
from .movers_pieces import Places
from .poses import Floats, Pose

_FOOT = 0.04
"""Of the piece's height: the lowest part that stands on the ground."""

_AROUND = 0.25
"""Of the piece's height (to the sides twice that): how far around the feet the ground is looked at."""

_LEAST_AROUND_PX = 6
_LEAST_PIXELS = 30
_ON_PLANE = 0.03
"""Relative residual that still lies on the ground."""

_LEAST_INLIERS = 0.4
_LEAST_SLOPE = 0.25
"""Relative change of the ground's inverse depth over the picture's height: less is a wall, or no ground to see."""

_BUILD = 5.4
"""How many times as tall a person is as the largest circle in their outline is broad, seen from anywhere: 1.7 m to the
mean of hip breadth and body depth, 0.36 and 0.27 m (ISO 7250 dimensions of adults). From the front less, from the side
more: a single frame is a quarter off."""

_ROUNDS = 6


class Footing(Enum):
    """What is known of where a thing stands: its feet on the ground; that they are below the picture, so that it is
    nearer than the ground at the picture's rim; that something static hides them, so that it is farther than that; or
    nothing but what lies around it."""

    CONTACT = "contact"
    CUT = "cut"
    HIDDEN = "hidden"
    LAYERS = "layers"


@dataclass(frozen=True)
class Ground:
    """Inverse depth of the ground around a thing's feet: at x, y px it is a x + b y + c. inliers: share 0..1 of the
    pixels around that lie on it."""

    plane: Floats
    inliers: float

    def inverse(self, x: float, y: float) -> float:
        return float(self.plane @ [x, y, 1.0])

    def normal(self, pose: Pose) -> Floats:
        """Unit normal [3] in the world, towards the side of the camera."""
        camera = pose.K.T @ self.plane
        up: Floats = pose.world_from_camera[:3, :3] @ (-camera / np.linalg.norm(camera))
        return up


@dataclass(frozen=True)
class Stand:
    """What a frame says of where a thing is. point [3] world: where its feet touch the ground, or, for other footings,
    the ground or static surface that bounds its depth. up [3] world: normal of the ground, None when there is none to
    see. feet [3] world: where they should be when they are below the picture. middle [2] px: of its pixels; pixels: how
    many. weight 0..1. seen: its median depth in the engine's map, None
    where that knows none."""

    footing: Footing
    point: Floats
    up: Floats | None
    middle: Floats
    pixels: int
    weight: float
    seen: float | None
    feet: Floats | None = None


def stand_of(part: Mask, frame: FrameDepth, pose: Pose, raw: FrameDepth | None) -> Stand | None:
    """Where the thing with the pixels `part` [H, W] stands. frame: the static scene's depth, 0 where things move. raw:
    the engine's map where it knows things that move. None when there is nothing known around it."""
    rows, columns = np.nonzero(part)
    low = int(rows.max())
    tall = low - int(rows.min()) + 1
    feet = rows > low - max(2.0, _FOOT * tall)
    foot = np.array([float(np.median(columns[feet])) + 0.5, low + 1.0])
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    seen = None if raw is None else seen_depth(raw, rows, columns)
    ground = _ground(frame, foot, tall)
    if ground is None:
        nearest = _layer_before(part, frame)
        if nearest is None:
            return None
        return Stand(Footing.LAYERS, _unprojected(pose, middle, nearest), None, middle, len(rows), 0.1, seen)
    footing, inverse = Footing.CONTACT, ground.inverse(*foot)
    hiding = _hiding(frame, ground, columns[feet], low)
    if low >= part.shape[0] - 2:
        footing = Footing.CUT
    elif hiding is not None:
        footing, inverse = Footing.HIDDEN, hiding
    point, up = _unprojected(pose, foot, inverse), ground.normal(pose)
    below = _feet_below(part, ground, pose, foot) if footing is Footing.CUT else None
    return Stand(footing, point, up, middle, len(rows), ground.inliers, seen, below)


def _feet_below(part: Mask, ground: Ground, pose: Pose, foot: Floats) -> Floats | None:
    """Where the feet of an upright figure of human build touch the ground below the picture, by the breadth of its
    trunk: the largest circle in its pixels. None for what is cut off at the top too, or broader than tall."""
    rows, columns = np.nonzero(part)
    tall, broad = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    if rows.min() <= 1 or broad > tall:
        return None
    # What the picture cuts off goes on below it.
    inside = cv2.copyMakeBorder(part.astype(np.uint8), 0, tall, 1, 1, cv2.BORDER_REPLICATE)
    trunk = 2.0 * float(cv2.distanceTransform(inside, cv2.DIST_L2, 5)[: part.shape[0]].max())
    low = np.array([foot[0], max(foot[1], float(rows.min()) + _BUILD * trunk)])
    inverse = ground.inverse(*low)
    return _unprojected(pose, low, inverse) if inverse > 0 else None


def seen_depth(raw: FrameDepth, rows: Places, columns: Places) -> float | None:
    """Median depth of the pixels in an engine's map; None where it measured less than half of them."""
    sure = raw.measured[rows, columns]
    return float(np.median(raw.depth[rows, columns][sure])) if sure.mean() > 0.5 else None


def _ground(frame: FrameDepth, foot: Floats, tall: int) -> Ground | None:
    """The plane around the feet, None where there is none or it is no ground."""
    reach = max(_LEAST_AROUND_PX, _AROUND * tall)
    height, width = frame.depth.shape
    x0, x1 = (int(np.clip(foot[0] + sign * 2.0 * reach, 0, width)) for sign in (-1, 1))
    y0, y1 = (int(np.clip(foot[1] + sign * reach, 0, height)) for sign in (-1, 1))
    window = (slice(y0, y1), slice(x0, x1))
    y, x = np.nonzero(frame.measured[window])
    if len(x) < _LEAST_PIXELS:
        return None
    inverse = 1.0 / frame.depth[window][y, x].astype(np.float64)
    at = np.stack([x + x0 + 0.5, y + y0 + 0.5, np.ones(len(x))], 1)
    plane, on = _plane(at, inverse)
    here = float(plane @ [*foot, 1.0])
    if on < _LEAST_INLIERS or here <= 0 or plane[1] * height < _LEAST_SLOPE * here:
        return None
    return Ground(plane, on)


def _plane(at: Floats, inverse: Floats) -> tuple[Floats, float]:
    """Robust fit [3] of inverse depths [N] over at [N, 3] (x, y, 1), from wide to narrow weights, and the share of
    inliers."""
    usual = float(np.median(inverse))
    weight: Floats = np.ones(len(inverse))
    plane: Floats = np.zeros(3)
    for scale in np.geomspace(8.0 * _ON_PLANE, _ON_PLANE, _ROUNDS) * usual:
        root = np.sqrt(weight)
        plane = np.asarray(np.linalg.lstsq(at * root[:, None], inverse * root, rcond=None)[0], np.float64)
        weight = (1.0 + ((inverse - at @ plane) / scale) ** 2) ** -2
    return plane, float((np.abs(inverse - at @ plane) < _ON_PLANE * usual).mean())


def _hiding(frame: FrameDepth, ground: Ground, columns: Places, low: int) -> float | None:
    """Inverse depth of what stands before the feet, None when they are free: seen right below them, clearly nearer than
    the ground there."""
    below = frame.depth[low + 1 : low + 4, columns]
    sure = frame.measured[low + 1 : low + 4, columns]
    if not sure.any():
        return None
    nearest = 1.0 / float(np.median(below[sure]))
    expected = ground.inverse(float(np.median(columns)) + 0.5, low + 2.5)
    return nearest if nearest > 1.15 * expected else None


def _layer_before(part: Mask, frame: FrameDepth) -> float | None:
    """Inverse depth of the nearest of what the thing is seen against: the nearer fifth of the static depth around."""
    rows, columns = np.nonzero(part)
    reach = max(3, int(0.05 * (rows.max() - rows.min() + 1)))
    y0, x0 = max(0, rows.min() - reach), max(0, columns.min() - reach)
    window = (slice(y0, rows.max() + reach + 1), slice(x0, columns.max() + reach + 1))
    around = frame.known[window] & ~part[window]
    if not around.any():
        return None
    return 1.0 / float(np.percentile(frame.depth[window][around], 20.0))


def _unprojected(pose: Pose, pixel: Floats, inverse: float) -> Floats:
    """World point [3] at a pixel and an inverse depth > 0."""
    ray = np.linalg.solve(pose.K, [pixel[0], pixel[1], 1.0])
    point: Floats = pose.world_from_camera[:3, :3] @ (ray / inverse) + pose.centre
    return point
