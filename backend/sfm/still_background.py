"""The empty set behind a camera that stands: the median of pictures spread over all frames with the same pose.

Where a frame differs from it, something is there that is not always there, whether or not it moves just now and however
fast (a ball that flow cannot follow). What is the same says nothing: somebody may stand there most of the time. A
darker picture of the same colour is a shadow (Cucchiara et al., "Detecting Moving Objects, Ghosts, and Shadows in Video
Streams", PAMI 2003).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Indices, Picture
from .scene import Scene

Singles = NDArray[np.float32]

_PICTURES = 9
"""Most pictures of the median, and with that most of what is held in memory."""

_LEAST_PICTURES = 5
_SAME_PX = 0.25
"""Poses are the same when they move no part of the picture further than this, px of the plate."""

_LEAST_SIGMA = 1.5
_DIFFERENT, _SPREAD = 5.0, 2.0
"""Difference, in sigmas, at which a pixel starts to speak for movement, and how much more is one unit of log odds."""

_MOST_ODDS = 4.0
_SHADOW_HUE, _DARKEST = 8.0, 0.4
"""Most change of CIELAB's a and b, and least share of the light, of a pixel in shadow."""


class StillBackground:
    """Backgrounds of the spans in which the camera stands, each made when its first frame is asked for. load: the
    working picture, RGB, of a frame."""

    def __init__(self, scene: Scene, load: Callable[[int], Picture]) -> None:
        self._scene, self._load = scene, load
        self._members: Indices = np.zeros(0, np.int64)
        self._median: Singles | None = None

    def odds(self, t: int, picture: Picture) -> Singles | None:
        """Log odds [h, w] of movement, 0 where nothing is known; None where the camera does not stand."""
        if t not in self._members:
            self._members = same_pose(self._scene, t)
            self._median = None
            if len(self._members) >= _LEAST_PICTURES:
                self._median = self._made()
        return None if self._median is None else _different(_lab(picture), self._median)

    def _made(self) -> Singles:
        spread = np.linspace(0, len(self._members) - 1, min(_PICTURES, len(self._members)))
        pictures = [_lab(self._load(int(i))) for i in self._members[np.unique(np.rint(spread).astype(np.int64))]]
        return np.asarray(np.median(pictures, axis=0), np.float32)


def same_pose(scene: Scene, t: int) -> Indices:
    """Frames whose pose is that of t, t among them."""
    if not scene.posed[t]:
        return np.array([t])
    turn = np.linalg.norm(scene.rotation - scene.rotation[t], axis=(1, 2))
    place = np.linalg.norm(scene.centres - scene.centres[t], axis=1)
    depth = scene.camera_points(np.nonzero(scene.known)[0], np.full(int(scene.known.sum()), t))[:, 2]
    near = float(np.quantile(depth[depth > 0], 0.1)) if (depth > 0).any() else 1.0
    same = scene.posed & ((turn + place / max(near, 1e-9)) * scene.focals < _SAME_PX)
    same &= np.abs(scene.focals / scene.focals[t] - 1.0) < 1e-4
    found: Indices = np.nonzero(same)[0]
    return found


def _lab(picture: Picture) -> Singles:
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.8)
    return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), np.float32)


def _different(picture: Singles, background: Singles) -> Singles:
    change = np.abs(picture - background)
    largest = change.max(2)
    sigma = max(1.4826 * float(np.median(largest)), _LEAST_SIGMA)
    odds = np.clip((largest / sigma - _DIFFERENT) / _SPREAD, 0.0, _MOST_ODDS)
    light = picture[..., 0] / np.maximum(background[..., 0], 1.0)
    shadow = (light > _DARKEST) & (light < 1.0) & (change[..., 1:].max(2) < _SHADOW_HUE)
    return np.where(shadow, np.float32(0.0), odds).astype(np.float32)
