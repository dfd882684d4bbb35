"""What relates the maps of neighbouring frames, where no solved points do: the same surfaces in both pictures.

Optical flow (DIS: Kroeger et al., ECCV 2016) on small pictures says which pixels correspond; those that come back to
where they started are used. The same surface changes its depth little from one frame to the next, so that its inverse
depth in the map before is a scale (and shift) times that in this map.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth.poses import Floats

from .fits import Fit, fit_frame
from .maps import METRIC, Map, Picture

Small = NDArray[np.uint8]
"""Gray uint8 [h, w] of a picture, `_WIDTH` wide."""

_WIDTH = 160
_EVERY = 7
"""Of the pixels one in so many is compared: neighbours say the same."""

_BACK_PX = 1.0
_LEAST_SHARE = 0.1
"""Of the pixels that must be found again: with less, the two frames are not of one take."""

_FAR = 0.02
"""Inverse depth below that part of the nearest (its 95th percentile) is too little to compare."""


@dataclass(frozen=True)
class Link:
    """fit: takes this frame's map to the one before; None where the pictures match and the maps do not. cut: the
    pictures do not match either."""

    fit: Fit | None
    cut: bool


def small_picture(picture: Picture) -> Small:
    """The gray picture for flow."""
    height, width = picture.shape[:2]
    size = (_WIDTH, max(16, round(height * _WIDTH / width)))
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def share_found(before: Small, now: Small) -> float:
    """Share of a picture's pixels that the one before it has too; 0 for pictures of another shape."""
    return float(_found_again(now, before)[1].mean()) if before.shape == now.shape else 0.0


def link(kind: str, before: tuple[Small, Map], now: tuple[Small, Map]) -> Link:
    """How this frame's map relates to that of the frame before: (small picture, inverse depth in its pixels) of
    both."""
    (gray_before, x_before), (gray, x) = before, now
    if gray_before.shape != gray.shape:
        return Link(None, True)
    there, same = _found_again(gray, gray_before)
    if same.mean() < _LEAST_SHARE:
        return Link(None, True)
    target = cv2.remap(x_before, there[..., 0], there[..., 1], cv2.INTER_LINEAR)
    use = same & (target > _FAR * max(float(np.percentile(x_before, 95)), 1e-12))
    use &= (np.arange(use.size) % _EVERY == 0).reshape(use.shape)
    row, column = np.nonzero(use)
    xy = np.stack([column, row], 1).astype(np.float64) + 0.5
    return Link(_both_ways(kind, target[use].astype(np.float64), x[use].astype(np.float64), xy, gray.shape), False)


def _both_ways(kind: str, before: Floats, now: Floats, xy: Floats, size: tuple[int, ...]) -> Fit | None:
    """Parameters that take `now` to `before`, both [K] with noise: regression flattens the slope, so it is done both
    ways and the mean taken (the reduced major axis)."""
    exact, picture = np.zeros(len(xy)), (size[0], size[1])
    good = (before > 0) & (now > 0)
    forth = fit_frame(kind, now[good], 1.0 / before[good], exact[good], xy[good], picture)
    if kind == METRIC or forth is None:
        return forth
    back = fit_frame(kind, before[good], 1.0 / now[good], exact[good], xy[good], picture)
    if back is None:
        return None
    slope, middle = np.sqrt(forth.value[0] / back.value[0]), float(np.median(now[good]))
    there = 0.5 * (forth.value[0] * middle + forth.value[1] + (middle - back.value[1]) / back.value[0])
    return Fit(np.array([slope, there - slope * middle]), forth.covariance, forth.spread, forth.points)


def transition(kind: str, fit: Fit, scale: float) -> tuple[Floats, Floats, Floats]:
    """Transition, offset and covariance of the parameters from the frame before to this one. scale: typical size of a
    relative model's s."""
    floor = _still(kind, scale)
    if kind == METRIC:
        return np.eye(1), fit.value, fit.covariance + floor
    turn = np.array([[fit.value[0], 0.0], [fit.value[1], 1.0]])
    return turn, np.zeros(2), scale**2 * fit.covariance + floor


def _still(kind: str, scale: float) -> Floats:
    """A surface's own change of depth between two frames, as a covariance: half a per cent."""
    return np.diag([0.005**2]) if kind == METRIC else np.diag([(0.005 * scale) ** 2, 0.0]) + 1e-16 * np.eye(2)


def _found_again(gray: Small, other: Small) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where each pixel is in the other picture [h, w, 2] (px, centres at integers), and whether it was found."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forth = np.asarray(flow.calc(gray, other, np.zeros((*gray.shape, 2), np.float32)), np.float32)
    back = np.asarray(flow.calc(other, gray, np.zeros((*gray.shape, 2), np.float32)), np.float32)
    height, width = gray.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    there = np.stack([x, y], -1) + forth
    returned = forth + cv2.remap(back, there[..., 0], there[..., 1], cv2.INTER_LINEAR, borderValue=(1e3, 1e3))
    inside = (there >= 0).all(-1) & (there[..., 0] <= width - 1) & (there[..., 1] <= height - 1)
    alike = np.abs(
        cv2.remap(other, there[..., 0], there[..., 1], cv2.INTER_LINEAR).astype(np.int16) - gray.astype(np.int16)
    ) < 24  # fmt: skip
    return there, inside & alike & (np.linalg.norm(returned, axis=-1) < _BACK_PX)
